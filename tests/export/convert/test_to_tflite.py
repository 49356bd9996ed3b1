"""TFLite files: builtin ops, names, any batch size, and what is refused."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from vae_export.convert.engines import open_tflite
from vae_export.convert.read_tflite import metadata, ops
from vae_export.convert.to_tflite import to_tflite
from vae_export.gates.answers import TOLERANCE
from vae_export.graphs.functions import Graph, answers, build_graphs
from vae_keras import VAE, Scaling, mlp_pair
from vae_runtime.backends.selftest import deviation

SAID = {"format": "vae-bundle 1", "model": "größer als \U0001f50d"}
ROLES = ("encoder", "decoder", "scorer")


@pytest.fixture(scope="module")
def contents(digits_run):
    graphs = build_graphs(digits_run.vae, "float32")
    return {graph.role: to_tflite(graph.without_defaults(), SAID).content for graph in graphs}


def small(function, **extra):
    graph = Graph(
        "small", function, {"x": ("float32", ("batch", 3))}, {"y": ("batch", 3)}, {"y": 1.0}, {}, ()
    )
    return dataclasses.replace(graph, **extra)


@pytest.mark.parametrize("role", ROLES)
def test_only_builtin_float_ops_are_used(contents, role):
    used = ops(contents[role])
    assert "FULLY_CONNECTED" in used
    assert not [op for op in used if op.startswith("CUSTOM") or op == "QUANTIZE"]
    details = Interpreter(model_content=contents[role]).get_tensor_details()
    assert {d["dtype"] for d in details} <= {np.float32, np.int32, np.int64, np.bool_}


@pytest.mark.parametrize(
    ("role", "inputs", "outputs"),
    [
        ("encoder", ["x"], ["z_log_var", "z_mean"]),
        ("decoder", ["z"], ["x_mean"]),
        ("scorer", ["x"], ["feature_nll", "kl", "log_px", "nll", "score"]),
    ],
)
def test_inputs_and_outputs_keep_their_names(contents, role, inputs, outputs):
    runner = Interpreter(model_content=contents[role]).get_signature_runner()
    assert sorted(runner.get_input_details()) == inputs
    assert sorted(runner.get_output_details()) == outputs


def test_weights_are_inside_the_file(contents, digits_run):
    """Else it would be a few kilobytes that read variables nobody has."""
    assert len(contents["scorer"]) > 4 * digits_run.vae.count_params()


def test_any_batch_size_is_taken_in_any_order(contents, digits_run):
    run, x = open_tflite("encoder.tflite", contents["encoder"]), digits_run.calibration["x"]
    sizes = [7, 1, 256, 2]
    assert [run({"x": x[:n]})["z_mean"].shape for n in sizes] == [(n, 8) for n in sizes]


def test_what_the_converter_complains_of_is_said_and_there_is_no_file():
    made = to_tflite(small(lambda x: {"y": tf.math.digamma(x)}), SAID)
    assert made.content == b""
    assert "Digamma" in made.complaints[0]


def test_a_lone_file_says_what_it_is(contents):
    for content in contents.values():
        assert metadata(content) == SAID


def test_a_file_of_another_maker_says_nothing():
    function = tf.function(tf.abs, input_signature=[tf.TensorSpec((1,))])
    concrete = function.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module())
    assert metadata(converter.convert()) == {}


def test_what_a_file_says_changes_nothing_else(contents, digits_run):
    """But for a few bytes of its own: same operators, same tensors, same answers."""
    graph = build_graphs(digits_run.vae, "float32")[2].without_defaults()
    silent, x = to_tflite(graph, {}).content, digits_run.calibration["x"]
    spoken = to_tflite(graph, SAID).content
    assert spoken == contents["scorer"]  # converted twice, the same bytes
    assert 0 < len(spoken) - len(silent) <= 256
    answers = [open_tflite("scorer.tflite", content)({"x": x}) for content in (silent, spoken)]
    for name, value in answers[0].items():
        np.testing.assert_array_equal(answers[1][name], value)


@pytest.mark.parametrize(("offset", "scale"), [(20.0, 1.0), (1000.0, 1.0), (101325.0, 100.0)])
def test_rounding_far_from_zero_is_forgiven_and_a_wrong_scale_is_not(offset, scale):
    """LiteRT folds offset and scale into the last layer, and adds its terms to the offset."""
    keras.utils.set_random_seed(0)
    pair = mlp_pair((3,), latent_dim=8, hidden=(512,))
    scaling = Scaling([offset] * 3, [scale] * 3)
    decoder = build_graphs(VAE(*pair, likelihood="gaussian", preprocessing=scaling), "float32")[1]
    z = np.random.default_rng(0).normal(size=(256, 8)).astype(np.float32)
    expected = answers(decoder, {"z": z})["x_mean"]
    received = open_tflite("decoder.tflite", to_tflite(decoder, SAID).content)({"z": z})["x_mean"]
    measure = functools.partial(deviation, error_scale=1.0, scaling=decoder.scaling["x_mean"])
    assert np.abs(received - expected).max() > 4 * np.finfo(np.float32).eps * offset
    assert measure(expected, received) <= TOLERANCE
    outlier_warnings = offset + 1.1 * (received.astype(np.float64) - offset)
    assert measure(expected, outlier_warnings) > 100 * TOLERANCE
