"""The graphs before any format: names, shapes, determinism."""

import numpy as np
import pytest
import tensorflow as tf

from vae_export.graphs import answers, build_graphs


@pytest.fixture(scope="module")
def graphs(digits_run):
    return {graph.role: graph for graph in build_graphs(digits_run.vae, "float32")}


def test_there_are_three_with_the_promised_names(graphs):
    assert {role: (tuple(g.inputs), tuple(g.outputs)) for role, g in graphs.items()} == {
        "encoder": (("x",), ("z_mean", "z_log_var")),
        "decoder": (("z",), ("x_mean",)),
        "scorer": (("x", "noise"), ("score", "nll", "kl", "log_px", "feature_nll")),
    }


@pytest.mark.parametrize("role", ["encoder", "decoder", "scorer"])
def test_declared_shapes_are_those_of_the_answers(graphs, digits_run, role):
    graph, n = graphs[role], 5
    feeds = {
        "x": digits_run.calibration["x"][:n],
        "z": np.zeros((n, 8), np.float32),
        "noise": np.zeros((2, 8), np.float32),
    }
    for name, value in answers(graph, feeds).items():
        assert value.shape == (n, *graph.outputs[name][1:]), name
        assert value.dtype == np.float32, name


@pytest.mark.parametrize("role", ["encoder", "decoder", "scorer"])
def test_no_graph_draws_random_numbers(graphs, role):
    function = tf.function(graphs[role].function, input_signature=graphs[role].signature())
    ops = {op.type for op in function.get_concrete_function().graph.get_operations()}
    assert not {op for op in ops if "Random" in op}


def test_without_defaults_the_scorer_takes_x_alone_and_answers_the_same(graphs, digits_run):
    x = digits_run.calibration["x"][:4]
    fixed = graphs["scorer"].without_defaults()
    assert tuple(fixed.inputs) == ("x",)
    expected = answers(graphs["scorer"], {"x": x})
    for name, value in answers(fixed, {"x": x}).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


def test_images_of_bytes_are_taken_as_bytes(digits_run):
    encoder = build_graphs(digits_run.vae, "uint8")[0]
    x = digits_run.calibration["x"][:4]
    expected = answers(build_graphs(digits_run.vae, "float32")[0], {"x": x})
    received = answers(encoder, {"x": x.astype(np.uint8)})  # digits are whole numbers 0..16
    np.testing.assert_array_equal(received["z_mean"], expected["z_mean"])


@pytest.fixture(scope="module")
def classifier(states_run):
    (graph,) = (g for g in build_graphs(states_run.vae, "float32") if g.role == "classifier")
    return graph


def test_a_model_with_classes_has_a_fourth(states_run, classifier):
    roles = [graph.role for graph in build_graphs(states_run.vae, "float32")]
    assert roles == ["encoder", "decoder", "scorer", "classifier"]
    assert classifier.inputs == {"x": ("float32", ("batch", 6))}
    assert classifier.outputs == {"probabilities": ("batch", 3)}


def test_the_classifier_answers_the_probabilities_of_the_model(states_run, classifier):
    x = states_run.calibration["x"][:5]
    answer = answers(classifier, {"x": x})["probabilities"]
    np.testing.assert_array_equal(answer, np.asarray(states_run.vae.classify(x)))
    function = tf.function(classifier.function, input_signature=classifier.signature())
    ops = {op.type for op in function.get_concrete_function().graph.get_operations()}
    assert not {op for op in ops if "Random" in op}
