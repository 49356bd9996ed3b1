"""The graphs before any format: names, shapes, determinism."""

import numpy as np
import pytest
import tensorflow as tf

from vae_export.graphs.functions import answers, build_graphs, build_networks, network_feeds


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


@pytest.fixture(scope="module")
def networks(states_run):
    return {graph.role: graph for graph in build_networks(states_run.vae)}


def test_networks_have_the_promised_names_and_shapes(networks):
    posterior = dict.fromkeys(("z_mean", "z_log_var"), ("batch", 3))
    assert {role: (g.inputs, g.outputs) for role, g in networks.items()} == {
        "encoder": ({"x": ("float32", ("batch", 6))}, posterior),
        "decoder": ({"z": ("float32", ("batch", 3))}, {"parameters": ("batch", 6)}),
        "classifier": ({"x": ("float32", ("batch", 6))}, {"probabilities": ("batch", 3)}),
    }


def test_networks_are_the_model_but_for_pre_processing_and_likelihood(networks, states_run):
    vae, x = states_run.vae, states_run.calibration["x"][:5]
    z_mean, z_log_var = (np.asarray(value) for value in vae.encode(x))
    scaled = np.asarray(vae.preprocessing(x))
    posterior = answers(networks["encoder"], {"x": scaled})
    np.testing.assert_array_equal(posterior["z_mean"], z_mean)
    np.testing.assert_array_equal(posterior["z_log_var"], z_log_var)  # far from its limits
    parameters = answers(networks["decoder"], {"z": z_mean})["parameters"]
    mean = vae.preprocessing.inverse(vae.likelihood.mean(parameters))
    np.testing.assert_array_equal(np.asarray(mean), np.asarray(vae.decode(z_mean)))
    probabilities = answers(networks["classifier"], {"x": scaled})["probabilities"]
    np.testing.assert_allclose(probabilities, np.asarray(vae.classify(x)), rtol=1e-6)


def test_a_model_without_classes_has_two_networks(digits_run):
    assert [graph.role for graph in build_networks(digits_run.vae)] == ["encoder", "decoder"]


def test_rows_for_networks_are_pre_processed(states_run):
    vae, x = states_run.vae, states_run.calibration["x"]
    feeds = network_feeds(vae, x)
    assert sorted(feeds) == ["x", "z"]
    np.testing.assert_array_equal(feeds["x"], np.asarray(vae.preprocessing(x)))
    np.testing.assert_array_equal(feeds["z"], np.asarray(vae.encode(x)[0]))


def test_rows_for_networks_reach_the_bounds_of_a_bounded_x(digits_run):
    grey = np.full((3, 8, 8, 1), 5.0, np.float32)
    x = network_feeds(digits_run.vae, grey)["x"]
    assert (x.shape, x.dtype) == ((5, 8, 8, 1), np.float32)
    assert (x.min(), x.max()) == (0.0, 1.0)
    assert (x[3:] != x[0]).sum() == 2  # so that the rows are like the others in all else
