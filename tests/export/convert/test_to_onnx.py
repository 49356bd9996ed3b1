"""ONNX files: what is in them, and what is refused."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import tensorflow as tf

from vae_export.convert.engines import open_onnx
from vae_export.convert.read_onnx import interface, node_count
from vae_export.convert.to_onnx import IR_VERSION, OPSET, to_onnx
from vae_export.graphs.functions import Graph, build_graphs

ROLES = ("encoder", "decoder", "scorer")


@pytest.fixture(scope="module")
def graphs(digits_run):
    return {graph.role: graph for graph in build_graphs(digits_run.vae, "float32")}


@pytest.fixture(scope="module")
def contents(graphs):
    return {role: to_onnx(graph, {"role": role}).content for role, graph in graphs.items()}


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
    nodes = onnx.load_from_string(to_onnx(resized((8, 10)), {}).content).graph.node
    resizes = [node for node in nodes if node.op_type == "Resize"]
    modes = {a.s for node in resizes for a in node.attribute}
    assert resizes
    assert b"tf_half_pixel_for_nn" not in modes


@pytest.mark.parametrize("size", [(8, 10), (12, 5), (6, 15)])
def test_resizing_is_tensorflows(size):
    """Nearest neighbour is rewritten; whole and half factors must both survive that."""
    x, graph = np.arange(2 * 4 * 5, dtype=np.float32).reshape(2, 4, 5, 1), resized(size)
    received = open_onnx("small.onnx", to_onnx(graph, {}).content)({"x": x})["y"]
    np.testing.assert_array_equal(received, graph.function(tf.constant(x))["y"].numpy())


def test_what_tf2onnx_complains_of_is_said_and_there_is_no_file(caplog):
    made = to_onnx(small(lambda x: {"y": tf.math.lgamma(x)}), {})
    assert made.content == b""
    assert "Lgamma" in made.complaints[0]
    assert not caplog.records


@pytest.mark.parametrize("captured", [tf.constant([1.0, 2.0, 3.0]), tf.Variable([1.0, 2.0, 3.0])])
def test_what_the_function_captured_is_a_constant(captured):
    content = to_onnx(small(lambda x: {"y": x + captured}), {}).content
    assert list(interface(content).inputs) == ["x"]
    x = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(
        open_onnx("small.onnx", content)({"x": x})["y"], [[2.0, 3.0, 4.0]] * 2
    )


def test_a_variable_that_is_written_is_said_and_there_is_no_file():
    count = tf.Variable(0.0)
    made = to_onnx(small(lambda x: {"y": x + count.assign_add(1.0)}), {})
    assert made.content == b""
    assert "AssignAddVariableOp" in made.complaints[0]


def test_a_loop_is_said_and_there_is_no_file():
    def halved(x):
        return {"y": tf.while_loop(lambda y: tf.reduce_max(y) > 1.0, lambda y: y / 2.0, [x])[0]}

    made = to_onnx(small(halved), {})
    assert made.content == b""
    assert "Loop] is a loop or a branch" in made.complaints[0]


def test_an_output_of_another_name_keeps_it_for_the_gates_to_see():
    content = to_onnx(small(lambda x: {"z": x + 1.0}), {}).content
    assert list(interface(content).outputs) == ["z"]


# A pair whose Flatten tf2onnx converts in one of several ways, by the hash seed.
DIGESTS = """
import hashlib
import keras
from keras import layers
from vae_export.graphs.functions import build_graphs
from vae_export.convert.to_onnx import to_onnx
from vae_export.convert.to_tflite import to_tflite
from vae_keras import VAE

keras.utils.set_random_seed(0)
x, z = keras.Input((4, 4, 1)), keras.Input((2,))
h = layers.Flatten()(layers.Conv2D(3, 3, 2, "same")(x))
encoder = keras.Model(x, [layers.Dense(2)(h), layers.Dense(2)(h)])
decoder = keras.Model(z, layers.Reshape((4, 4, 1))(layers.Dense(16)(z)))
for graph in build_graphs(VAE(encoder, decoder, likelihood="gaussian"), "float32"):
    for made in (to_onnx(graph, {}), to_tflite(graph.without_defaults(), {})):
        print(graph.role, hashlib.sha256(made.content).hexdigest())
"""


def test_equal_weights_are_equal_files_in_any_process():
    """ONNX and TFLite, whatever Python's hash seed."""
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", DIGESTS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in "01"
    ]
    first, second = (process.communicate()[0].split("\n") for process in running)
    assert [process.returncode for process in running] == [0, 0]
    assert len(first) == 2 * len(ROLES) + 1
    assert first == second


@pytest.mark.parametrize("role", ROLES)
def test_files_have_fewer_nodes_than_the_converter_made(graphs, role):
    made = to_onnx(graphs[role], {})
    assert node_count(made.content) <= 0.9 * made.nodes_before


@pytest.mark.parametrize("role", ROLES)
def test_shapes_are_constants_but_for_the_number_of_noise_samples(contents, role):
    nodes = onnx.load_from_string(contents[role]).graph.node
    asked = [tuple(node.input) for node in nodes if node.op_type == "Shape"]
    assert asked == ([("noise",)] if role == "scorer" else [])
    assert not {"Cast", "Gather", "Slice", "Tile", "Expand"} & {node.op_type for node in nodes}


def test_images_are_transposed_only_where_they_leave(contents):
    """Twice there, since the pixels that are channels are spread out; nowhere in between."""
    found = {
        role: [n.op_type for n in onnx.load_from_string(content).graph.node].count("Transpose")
        for role, content in contents.items()
    }
    assert found == {"encoder": 0, "decoder": 2, "scorer": 2}


@pytest.mark.parametrize("role", ROLES)
def test_a_second_conversion_in_a_process_is_equal(contents, graphs, role):
    """Converters count on from one to the next, and name tensors by it."""
    again = dataclasses.replace(graphs[role])  # which knows nothing of the first
    assert to_onnx(again, {"role": role}).content == contents[role]
