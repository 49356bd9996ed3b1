"""ONNX files: what is in them, and what is refused."""

import dataclasses

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import tensorflow as tf

from vae_export import ExportError
from vae_export.engines import open_onnx
from vae_export.graphs import Graph, build_graphs
from vae_export.to_onnx import IR_VERSION, OPSET, to_onnx

ROLES = ("encoder", "decoder", "scorer")


@pytest.fixture(scope="module")
def graphs(digits_run):
    return {graph.role: graph for graph in build_graphs(digits_run.vae, "float32")}


@pytest.fixture(scope="module")
def contents(graphs):
    return {role: to_onnx(graph, {"role": role}) for role, graph in graphs.items()}


def small(function, **extra):
    """A graph of one function from x (batch, 3) to y (batch, 3)."""
    graph = Graph(
        "small", function, {"x": ("float32", ("batch", 3))}, {"y": ("batch", 3)}, {"y": 1.0}, {}, ()
    )
    return dataclasses.replace(graph, **extra)


@pytest.mark.parametrize("role", ROLES)
def test_files_are_old_enough_for_the_runtimes_on_devices(contents, role):
    model = onnx.load_from_string(contents[role])
    assert model.ir_version == IR_VERSION == 8
    assert [(o.domain, o.version) for o in model.opset_import if o.domain == ""] == [("", OPSET)]
    assert OPSET <= 18


@pytest.mark.parametrize("role", ROLES)
def test_inputs_and_outputs_are_named_and_the_batch_is_symbolic(contents, graphs, role):
    session = ort.InferenceSession(contents[role], providers=["CPUExecutionProvider"])
    found = {o.name: tuple(o.shape) for o in session.get_outputs()}
    assert found == {name: tuple(shape) for name, shape in graphs[role].outputs.items()}
    assert [i.name for i in session.get_inputs()] == [
        n for n in graphs[role].inputs if n != "noise"
    ]


def test_noise_is_an_optional_input_whose_default_is_zeros(contents, digits_run):
    run = open_onnx("scorer.onnx", contents["scorer"])
    x = digits_run.calibration["x"][:3]
    without, zeros = run({"x": x}), run({"x": x, "noise": np.zeros((1, 8), np.float32)})
    noisy = run({"x": x, "noise": np.ones((4, 8), np.float32)})
    np.testing.assert_array_equal(without["score"], zeros["score"])
    assert (noisy["nll"] != without["nll"]).all()
    np.testing.assert_array_equal(noisy["kl"], without["kl"])


@pytest.mark.parametrize("role", ROLES)
def test_a_lone_file_explains_itself(contents, role):
    metadata = {p.key: p.value for p in onnx.load_from_string(contents[role]).metadata_props}
    assert metadata == {"role": role}


def resized(size):
    """A graph that resizes images of 4 x 5 to this size."""
    return small(
        lambda x: {"y": tf.image.resize(x, size, "nearest")},
        inputs={"x": ("float32", ("batch", 4, 5, 1))},
        outputs={"y": ("batch", *size, 1)},
    )


def test_resizing_is_said_in_terms_that_are_not_deprecated():
    nodes = onnx.load_from_string(to_onnx(resized((8, 10)), {})).graph.node
    resizes = [node for node in nodes if node.op_type == "Resize"]
    modes = {a.s for node in resizes for a in node.attribute}
    assert resizes
    assert b"tf_half_pixel_for_nn" not in modes


@pytest.mark.parametrize("size", [(8, 10), (12, 5), (6, 15)])
def test_resizing_is_tensorflows(size):
    """Nearest neighbour is rewritten; whole and half factors must both survive that."""
    x, graph = np.arange(2 * 4 * 5, dtype=np.float32).reshape(2, 4, 5, 1), resized(size)
    received = open_onnx("small.onnx", to_onnx(graph, {}))({"x": x})["y"]
    np.testing.assert_array_equal(received, graph.function(tf.constant(x))["y"].numpy())


def test_an_operation_that_tf2onnx_does_not_know_is_refused_by_graph_and_name():
    with pytest.raises(ExportError, match=r"small.onnx: tf2onnx could not convert it.*Log1p"):
        to_onnx(small(lambda x: {"y": tf.math.log1p(x)}), {})


def test_a_random_operation_is_refused():
    def noisy(x):
        return {"y": x + tf.random.normal(tf.shape(x))}

    with pytest.raises(ExportError, match=r"small.onnx: .*Random"):
        to_onnx(small(noisy), {})


def test_an_operation_outside_the_list_is_refused_by_name():
    with pytest.raises(ExportError, match=r"small.onnx: expected ops.*ai.onnx.Acosh"):
        to_onnx(small(lambda x: {"y": tf.math.acosh(x)}), {})


def test_a_captured_tensor_that_became_an_input_is_refused():
    captured = tf.constant([1.0, 2.0, 3.0])
    with pytest.raises(ExportError, match=r"small.onnx: expected the inputs x. Received: x, "):
        to_onnx(small(lambda x: {"y": x + captured}), {})


def test_an_output_of_another_name_is_refused():
    with pytest.raises(ExportError, match=r"small.onnx: expected the outputs y. Received: z"):
        to_onnx(small(lambda x: {"z": x + 1.0}), {})


def test_what_tf2onnx_complains_of_reaches_the_user_by_the_error_alone(caplog):
    with pytest.raises(ExportError):
        to_onnx(small(lambda x: {"y": tf.math.log1p(x)}), {})
    assert not caplog.records
