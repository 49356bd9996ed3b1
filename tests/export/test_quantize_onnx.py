"""What int8 ONNX files must keep of the score: it grows with the fault."""

import io

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from vae_export.engines import open_onnx
from vae_export.quantize_onnx import MINMAX, PRODUCTS, quantize

ROWS = np.random.default_rng(0).normal(size=(256, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def graph():
    """A small score: the squared distance of x, clipped to +-50, to a layer's answer to it."""
    weights = np.random.default_rng(1).normal(size=(4, 4)).astype(np.float32)
    constants = {"low": np.float32(-50.0), "high": np.float32(50.0), "weights": weights}
    nodes = [
        helper.make_node("Clip", ["x", "low", "high"], ["u"]),
        helper.make_node("MatMul", ["u", "weights"], ["h"]),
        helper.make_node("Tanh", ["h"], ["t"]),
        helper.make_node("Sub", ["u", "t"], ["d"]),
        helper.make_node("Mul", ["d", "d"], ["dd"]),
        helper.make_node("ReduceSum", ["dd", "axes"], ["score"], keepdims=0),
    ]
    made = helper.make_graph(
        nodes,
        "score",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["batch"])],
        [
            *(numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()),
            numpy_helper.from_array(np.array([1], np.int64), "axes"),
        ],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    buffer = io.BytesIO()
    onnx.save(model, buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def int8(graph):
    return quantize(graph, {"x": ROWS}, MINMAX)


def test_scores_of_gross_faults_are_gross(graph, int8):
    sizes = np.float32(10.0) ** np.arange(5, dtype=np.float32)
    faults = ROWS[:1] + sizes[:, None] * np.eye(4, dtype=np.float32)[1]
    exact, received = (open_onnx("scorer", file)({"x": faults})["score"] for file in (graph, int8))
    assert (np.diff(received[:3]) > 0).all()  # up to where x itself is clipped
    np.testing.assert_allclose(received[1:], exact[1:], rtol=0.1)  # the layer alone is coarse


def test_only_products_take_values_of_8_bits(int8):
    model = onnx.load_from_string(int8)
    made = {output: node for node in model.graph.node for output in node.output}

    def is_product(name):
        return name in made and made[name].op_type in PRODUCTS

    for node in model.graph.node:
        if node.op_type in (*PRODUCTS, "QuantizeLinear", "DequantizeLinear"):
            continue
        for name in node.input:
            if name in made and made[name].op_type == "DequantizeLinear":
                quantized = made[made[name].input[0]]
                assert is_product(quantized.input[0]), (node.op_type, name)
