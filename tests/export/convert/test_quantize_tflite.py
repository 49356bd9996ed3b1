"""TFLite files of lower precision: types, names, sizes, and scores that are still scores."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from vae_export.convert.engines import open_tflite
from vae_export.convert.quantize_tflite import runs_on_micro, to_dynamic, to_fp16, to_int8
from vae_export.convert.read_tflite import metadata, ops, quantization
from vae_export.convert.to_tflite import to_tflite
from vae_export.graphs.functions import Graph, answers, build_graphs, build_networks, network_feeds
from vae_keras import VAE, conv_pair, mlp_pair
from vae_keras.model import elbo
from vae_keras.model.mixture import Mixture
from vae_keras.model.preprocessing import to_unit_interval

RUNS = ("digits_run", "table_run", "pump_run")

# How far scores of normal rows may be off: the median, as a share of their standard deviation.
# Seen: float16 .003, dynamic .031, int8 .17, each on windows, whose sigma is smallest.
SCORE_TOLERANCE = {"fp16": 0.01, "dynamic": 0.1, "int8": 0.3}

# Of a probability: int8 softmax has steps of 1/256, its logits coarser ones. Seen: .01.
PROBABILITY_TOLERANCE = 0.05

# Size beside float32 where weights dominate. Seen: .51, .27, .28.
LARGEST = {"fp16": 0.53, "dynamic": 0.3, "int8": 0.31}


SAID = {"model": "a run"}
CONVERT = {"fp16": to_fp16, "dynamic": to_dynamic}


def convert(graph, precision, feeds=None):
    """What the converter makes of a graph."""
    graph = graph.without_defaults()
    if precision == "int8":
        return to_int8(graph, SAID, feeds)
    return CONVERT[precision](graph, SAID)


def content(graph, precision, feeds=None):
    """The file of a graph that converts."""
    made = convert(graph, precision, feeds)
    assert made.complaints == ()
    return made.content


def small(function, **extra):
    graph = Graph(
        "small", function, {"x": ("float32", ("batch", 3))}, {"y": ("batch", 3)}, {}, {}, ()
    )
    return dataclasses.replace(graph, **extra)


ROWS = {"x": np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)}


def held_back(run):
    """Normal rows that training never saw, and what Keras says of them."""
    x = run.calibration["x"]
    return x, {name: np.asarray(value) for name, value in run.vae.score(x).items()}


def representative(run):
    return network_feeds(run.vae, run.calibration["x"])


def int8_contents(run):
    feeds = representative(run)
    return {g.role: content(g, "int8", feeds) for g in build_networks(run.vae)}


@pytest.fixture(scope="module")
def integers(digits_run):
    return int8_contents(digits_run)


def scores(run, precision, x):
    """By the scorer; of int8 the negative ELBO, from what the networks answer."""
    vae = run.vae
    if precision != "int8":
        scorer = build_graphs(vae, "float32")[2]
        return open_tflite("scorer.tflite", content(scorer, precision))({"x": x})["score"]
    contents = int8_contents(run)
    encode, decode = (open_tflite(role, contents[role]) for role in ("encoder", "decoder"))
    scaled = np.asarray(vae.preprocessing(x))
    posterior = encode({"x": scaled})
    parameters = decode({"z": posterior["z_mean"]})["parameters"]
    nll = np.asarray(vae.likelihood.feature_nll(scaled, parameters)).reshape(len(x), -1).sum(1)
    return nll + np.asarray(elbo.kl(posterior["z_mean"], posterior["z_log_var"]))


@pytest.mark.parametrize("precision", SCORE_TOLERANCE)
@pytest.mark.parametrize("name", RUNS)
def test_normal_rows_score_nearly_as_in_keras(request, name, precision):
    """On the table, whose offset of 1e5 float16 cannot hold, as on images and windows."""
    run = request.getfixturevalue(name)
    x, terms = held_back(run)
    expected = terms["nll"] + terms["kl"] if precision == "int8" else terms["score"]
    off = np.median(np.abs(scores(run, precision, x) - expected))
    assert off <= SCORE_TOLERANCE[precision] * expected.std()


@pytest.mark.parametrize("precision", ["fp16", "dynamic"])
@pytest.mark.parametrize(
    ("role", "inputs", "outputs"),
    [
        ("encoder", ["x"], ["z_log_var", "z_mean"]),
        ("decoder", ["z"], ["x_mean"]),
        ("scorer", ["x"], ["feature_nll", "kl", "log_px", "nll", "score"]),
    ],
)
def test_files_of_float_keep_names_types_and_any_batch(
    digits_run, precision, role, inputs, outputs
):
    graph = {graph.role: graph for graph in build_graphs(digits_run.vae, "float32")}[role]
    made = content(graph, precision)
    runner = Interpreter(model_content=made).get_signature_runner()
    details = {**runner.get_input_details(), **runner.get_output_details()}
    assert sorted(runner.get_input_details()) == inputs
    assert sorted(runner.get_output_details()) == outputs
    assert {each["dtype"] for each in details.values()} == {np.float32}
    run, feed = open_tflite(role, made), representative(digits_run)[inputs[0]]
    assert [len(run({inputs[0]: feed[:n]})[outputs[0]]) for n in (7, 1, 256, 2)] == [7, 1, 256, 2]


@pytest.mark.parametrize("precision", ["fp16", "dynamic"])
def test_a_row_scores_the_same_alone_and_among_others(digits_run, precision):
    made = content(build_graphs(digits_run.vae, "float32")[2], precision)
    run, x = open_tflite("scorer", made), digits_run.calibration["x"][:32]
    alone = np.concatenate([run({"x": row[None]})["score"] for row in x])
    np.testing.assert_allclose(run({"x": x})["score"], alone, rtol=1e-5)


def test_weights_are_stored_in_the_precision(digits_run):
    encoder = build_graphs(digits_run.vae, "float32")[0]
    stored = {
        precision: {each["dtype"] for each in Interpreter(model_content=c).get_tensor_details()}
        for precision in ("fp16", "dynamic")
        for c in [content(encoder, precision)]
    }
    assert np.float16 in stored["fp16"]
    assert np.int8 in stored["dynamic"]


@pytest.mark.parametrize("role", ["encoder", "decoder"])
def test_an_int8_file_is_int8_inside_and_out_and_takes_one_row(integers, role):
    interpreter = Interpreter(model_content=integers[role])
    runner = interpreter.get_signature_runner()
    ends = [*runner.get_input_details().values(), *runner.get_output_details().values()]
    assert {each["dtype"] for each in ends} == {np.int8}
    assert {int(each["shape"][0]) for each in ends} == {1}
    # int32: biases and shapes
    assert {d["dtype"] for d in interpreter.get_tensor_details()} == {np.int8, np.int32}


def test_int8_files_have_names(integers):
    given = {role: sorted(quantization(content)) for role, content in integers.items()}
    assert given == {"encoder": ["x", "z_log_var", "z_mean"], "decoder": ["parameters", "z"]}


@pytest.mark.parametrize("role", ["encoder", "decoder"])
def test_scales_are_those_that_litert_reads(integers, role):
    runner = Interpreter(model_content=integers[role]).get_signature_runner()
    details = {**runner.get_input_details(), **runner.get_output_details()}
    assert quantization(integers[role]) == {n: d["quantization"] for n, d in details.items()}


def test_files_of_float_have_no_scales(digits_run):
    encoder = build_graphs(digits_run.vae, "float32")[0]
    for precision in CONVERT:
        assert quantization(content(encoder, precision)) == {}


def test_an_int8_answer_is_within_steps_of_the_network(integers, digits_run):
    feeds, role = representative(digits_run), "decoder"
    network = {g.role: g for g in build_networks(digits_run.vae)}[role]
    received = open_tflite(role, integers[role])({"z": feeds["z"]})["parameters"]
    off = received - answers(network, {"z": feeds["z"]})["parameters"]
    scale, _ = quantization(integers[role])["parameters"]
    assert np.median(np.abs(off)) <= scale


def test_a_byte_of_an_image_is_a_byte_of_x():
    """So that an 8-bit camera's pixel needs no arithmetic but - 128."""
    preprocessing = to_unit_interval((0, 255))
    pair = conv_pair((8, 8, 1), 4, (4, 8))
    vae = VAE(*pair, likelihood="bernoulli", preprocessing=preprocessing)
    x = np.random.default_rng(0).integers(50, 200, (20, 8, 8, 1)).astype(np.uint8)
    feeds = network_feeds(vae, x)
    scale, zero_point = quantization(content(build_networks(vae)[0], "int8", feeds))["x"]
    assert zero_point == -128
    assert scale == np.float32(1 / 255)


@pytest.mark.parametrize("precision", ["fp16", "dynamic"])
def test_bytes_are_taken_as_bytes(digits_run, precision):
    graph = build_graphs(digits_run.vae, "uint8")[2]
    made = content(graph, precision)
    runner = Interpreter(model_content=made).get_signature_runner()
    assert runner.get_input_details()["x"]["dtype"] == np.uint8
    assert quantization(made) == {}


def test_the_int8_classifier_finds_the_classes_of_keras(states_run):
    x = states_run.calibration["x"]
    made = int8_contents(states_run)["classifier"]
    scaled = np.asarray(states_run.vae.preprocessing(x))
    received = open_tflite("classifier", made)({"x": scaled})["probabilities"]
    expected = np.asarray(states_run.vae.classify(x))
    assert np.abs(received - expected).max() <= PROBABILITY_TOLERANCE
    clear = np.sort(expected)[:, -1] - np.sort(expected)[:, -2] > 2 * PROBABILITY_TOLERANCE
    assert clear.any()
    np.testing.assert_array_equal(received.argmax(1)[clear], expected.argmax(1)[clear])


@pytest.mark.parametrize("precision", LARGEST)
def test_files_are_smaller_where_weights_dominate(precision):
    vae = VAE(*mlp_pair((64,), 8, (256, 256)), likelihood="gaussian")
    feeds = network_feeds(vae, np.random.default_rng(0).standard_normal((8, 64), np.float32))
    encoder = (build_networks if precision == "int8" else lambda v: build_graphs(v, "float32"))(vae)
    made = content(encoder[0], precision, feeds)
    assert len(made) / len(to_tflite(encoder[0], {}).content) <= LARGEST[precision]


@pytest.mark.parametrize("precision", ["fp16", "dynamic"])
def test_the_same_graph_gives_the_same_bytes(digits_run, precision):
    scorer = build_graphs(digits_run.vae, "float32")[2]
    assert content(scorer, precision) == content(scorer, precision)


def test_the_same_network_and_rows_give_the_same_bytes(digits_run, integers):
    assert int8_contents(digits_run) == integers


def test_what_microcontrollers_lack_shows_in_the_ops():
    used = ops(content(small(lambda x: {"y": tf.exp(x)}), "int8", ROWS))
    assert "EXP" in used
    assert not runs_on_micro("EXP")


@pytest.mark.parametrize("role", ["encoder", "decoder"])
def test_microcontrollers_run_our_networks(integers, role):
    assert [op for op in ops(integers[role]) if not runs_on_micro(op)] == []


@pytest.mark.parametrize("precision", ["fp16", "dynamic", "int8"])
def test_an_operation_that_is_not_built_in_is_a_complaint(precision):
    made = convert(small(lambda x: {"y": tf.math.digamma(x)}), precision, ROWS)
    assert made.content == b""
    assert "Digamma" in made.complaints[0]


@pytest.mark.parametrize("precision", ["fp16", "dynamic", "int8"])
def test_a_lone_file_says_what_it_is(precision):
    assert metadata(content(small(lambda x: {"y": 2.0 * x}), precision, ROWS)) == SAID


def mixed(features, centres):
    """The scorer of a model with a mixture of so many centres, fitted to nothing real."""
    mixture = Mixture(centres)
    vae = VAE(*mlp_pair((features,), 2, (8,)), likelihood="gaussian", mixture=mixture)
    rows = np.random.default_rng(0).standard_normal((400, features), np.float32)
    mixture.fit(rows[:300], rows[300:])
    return build_graphs(vae, "float32")[2], rows[300:]


@pytest.mark.parametrize("precision", ["fp16", "dynamic"])
@pytest.mark.parametrize(("features", "centres"), [(1, 3), (6, 1), (6, 20), (16, 200)])
def test_the_mixture_is_computed_in_float_whatever_its_size(features, centres, precision):
    """Of 1024 numbers or more the converter rounds it, and of fewer leaves it as it is."""
    graph, x = mixed(features, centres)
    received = open_tflite("scorer", content(graph, precision))({"x": x})["mixture_nll"]
    np.testing.assert_allclose(received, answers(graph, {"x": x})["mixture_nll"], rtol=1e-5)


@pytest.mark.parametrize("precision", ["fp16", "dynamic"])
@pytest.mark.parametrize("centres", [20, 200])
def test_a_factor_that_is_not_found_is_a_complaint(centres, precision):
    graph, _ = mixed(16, centres)
    other = (graph.spared[0] * np.float32(1.5),)
    made = convert(dataclasses.replace(graph, spared=other), precision)
    expected = f"a factor (16, {centres}) of the score's own arithmetic is not among"
    assert [complaint.startswith(expected) for complaint in made.complaints] == [True]
