"""Sums as products: the same sums, to the last bit the same wherever their rows stand."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from vae_export.convert.sum_as_matmul import make_sums_products, sums

ROWS = 64


def model(shape, axes, **attributes):
    """A model that sums x (batch, *shape) over these axes to y."""
    node = helper.make_node("ReduceSum", ["x", "axes"], ["y"], **{"keepdims": 0, **attributes})
    kept = [d for i, d in enumerate(("batch", *shape)) if i not in axes]
    kept = ["batch", *shape] if attributes.get("keepdims") else kept
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *shape])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None if attributes else kept)
    tensors = [numpy_helper.from_array(np.array(axes), "axes")]
    graph = helper.make_graph([node], "small", [x], [y], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def answer(given, x):
    return ort.InferenceSession(given.SerializeToString()).run(None, {"x": x})[0]


@pytest.mark.parametrize("shape", [(6,), (9,), (17,), (5, 3), (3, 3, 2)])
def test_a_sum_is_the_same_wherever_its_row_stands(shape):
    before = model(shape, range(1, len(shape) + 1))
    after = onnx.ModelProto()
    after.CopyFrom(before)
    make_sums_products(after)
    onnx.checker.check_model(after, full_check=True)
    assert sums(after) == [next(n.name for n in after.graph.node if n.op_type == "MatMul")]
    x = np.random.default_rng(0).normal(size=(ROWS, *shape)).astype(np.float32)
    expected = answer(after, x)
    np.testing.assert_allclose(expected, answer(before, x), rtol=1e-5, atol=1e-5)
    for start in range(1, ROWS):
        np.testing.assert_array_equal(answer(after, x[start:].copy()), expected[start:])


def test_a_reduction_does_depend_on_it():
    reduction = model((6,), [1])
    x = np.random.default_rng(0).normal(size=(ROWS, 6)).astype(np.float32)
    whole = answer(reduction, x)
    moved = [answer(reduction, x[start:].copy()) != whole[start:] for start in range(1, 16)]
    assert any(map(np.any, moved))


@pytest.mark.parametrize(
    ("shape", "axes", "attributes"),
    [((32,), [1], {}), ((6,), [0], {}), ((6, 3), [1], {}), ((6,), [1], {"keepdims": 1})],
    ids=["rows that begin alike", "over the batch", "not over the last", "kept dimensions"],
)
def test_other_sums_stay_as_they_are(shape, axes, attributes):
    given = model(shape, axes, **attributes)
    make_sums_products(given)
    assert [node.op_type for node in given.graph.node] == ["ReduceSum"]
    assert sums(given) == []
