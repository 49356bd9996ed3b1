"""What int8 ONNX files must keep of the score: it grows with the fault."""

import dataclasses
import io

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from vae_export.convert.engines import open_onnx
from vae_export.convert.quantize_onnx import MINMAX, PRODUCTS, quantize
from vae_export.convert.variants import VARIANTS, Material
from vae_export.graphs.functions import answers, build_graphs
from vae_keras import VAE, mlp_pair
from vae_keras.model.mixture import Mixture

ROWS = np.random.default_rng(0).normal(size=(256, 4)).astype(np.float32)


VARIANT = next(v for v in VARIANTS if (v.format, v.precision) == ("onnx", "int8"))


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


@pytest.mark.parametrize(("features", "centres"), [(1, 3), (6, 1), (6, 20), (16, 200)])
def test_the_mixture_is_computed_in_float_whatever_its_size(features, centres):
    mixture = Mixture(centres)
    vae = VAE(*mlp_pair((features,), 2, (8,)), likelihood="gaussian", mixture=mixture)
    x = np.random.default_rng(0).standard_normal((400, features), np.float32)
    mixture.fit(x[:300], x[300:])
    scorer = build_graphs(vae, "float32")[2]
    made = VARIANT.convert(scorer, Material({}, {"x": x}))
    assert made.complaints == ()
    received = open_onnx("scorer", made.content)({"x": x})["mixture_nll"]
    np.testing.assert_allclose(received, answers(scorer, {"x": x})["mixture_nll"], rtol=1e-5)
    other = dataclasses.replace(scorer, spared=(scorer.spared[0] * np.float32(1.5),))
    (complaint,) = VARIANT.convert(other, Material({}, {"x": x})).complaints
    assert complaint.startswith(f"a factor ({features}, {centres}) of the score's own arithmetic")
