"""Rules: each takes nodes away where it may, none where it may not, and answers stay."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from vae_export.convert.simplify import simplify

FLOAT32 = 1e-6
ORDER = np.random.default_rng(0)
W = {n: ORDER.normal(size=(n, 5)).astype(np.float32) for n in (3, 12, 24)}
B = ORDER.normal(size=5).astype(np.float32)
SQUARE = ORDER.normal(size=(4, 24)).astype(np.float32)
BIAS = ORDER.normal(size=24).astype(np.float32)


def ints(*values):
    return np.array(values, np.int64)


def model(nodes, constants, x, y, **more_inputs):
    """A model of nodes (op, inputs, outputs, attributes) from x to y of these shapes."""
    made = [helper.make_node(op, i, o, name=o[0], **a) for op, i, o, a in nodes]
    given = {"x": x, **more_inputs}
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in given.items()]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, y)
    tensors = [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()]
    graph = helper.make_graph(made, "small", inputs, [output], tensors)
    result = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(result, full_check=True)
    return result


def simplified(before):
    """The ops that are left, after checking that the answers are those of before."""
    after = onnx.ModelProto()
    after.CopyFrom(before)
    simplify(after)
    onnx.checker.check_model(after, full_check=True)
    sizes = {"batch": 3, "samples": 2}
    feeds = {
        i.name: np.random.default_rng(1)
        .normal(size=[d.dim_value or sizes[d.dim_param] for d in i.type.tensor_type.shape.dim])
        .astype(np.float32)
        for i in before.graph.input
    }
    expected, received = (_run(m, feeds) for m in (before, after))
    np.testing.assert_allclose(received, expected, rtol=FLOAT32, atol=FLOAT32)
    return [node.op_type for node in after.graph.node]


def _run(given, feeds):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(given.SerializeToString(), options).run(None, feeds)[0]


CHAIN = [  # what Keras's Flatten becomes
    ("Shape", ["x"], ["shape"], {}),
    ("Cast", ["shape"], ["shape32"], {"to": TensorProto.INT32}),
    ("Slice", ["shape32", "zero", "one", "zero"], ["rows"], {}),
    ("Concat", ["rows", "columns"], ["joined"], {"axis": 0}),
    ("Cast", ["joined"], ["wanted"], {"to": TensorProto.INT64}),
    ("Reshape", ["x", "wanted"], ["y"], {}),
]
ENDS = {"zero": ints(0), "one": ints(1)}


def test_a_computed_shape_with_one_free_dimension_becomes_a_constant():
    constants = {**ENDS, "columns": np.array([12], np.int32)}
    assert simplified(model(CHAIN, constants, ["batch", 3, 4], ["batch", 12])) == ["Reshape"]


def test_a_second_free_dimension_is_asked_of_the_input_that_has_it():
    nodes = [
        ("Add", ["x", "noise"], ["a"], {}),
        ("Reshape", ["a", "rows"], ["b"], {}),
        ("Relu", ["b"], ["c"], {}),
        ("Shape", ["a"], ["shape"], {}),
        ("Slice", ["shape", "zero", "one", "zero"], ["samples"], {}),
        ("Concat", ["samples", "rest"], ["wanted"], {"axis": 0}),
        ("Reshape", ["c", "wanted"], ["y"], {}),
    ]
    constants = {**ENDS, "rows": ints(-1, 3), "rest": ints(-1, 3)}
    shapes = ["batch", 3], ["samples", "batch", 3]
    found = simplified(model(nodes, constants, *shapes, noise=["samples", 1, 3]))
    assert sorted(found) == sorted(["Add", "Reshape", "Relu", "Shape", "Concat", "Reshape"])


def test_what_adds_nothing_is_left_out_but_not_at_an_output():
    nodes = [
        ("Sub", ["x", "none"], ["a"], {}),
        ("Mul", ["once", "a"], ["b"], {}),
        ("Sub", ["none", "b"], ["c"], {}),
        ("Add", ["c", "none"], ["y"], {}),
    ]
    constants = {"none": np.float32(0), "once": np.float32(1)}
    assert simplified(model(nodes, constants, ["batch", 3], ["batch", 3])) == ["Sub", "Add"]


@pytest.mark.parametrize("bias_first", [False, True])
def test_a_product_and_a_bias_are_one_node(bias_first):
    sum_of = ["b", "a"] if bias_first else ["a", "b"]
    nodes = [("MatMul", ["x", "w"], ["a"], {}), ("Add", sum_of, ["y"], {})]
    assert simplified(model(nodes, {"w": W[3], "b": B}, ["batch", 3], ["batch", 5])) == ["Gemm"]


def test_a_product_that_is_read_elsewhere_or_is_not_of_rows_keeps_its_bias_apart():
    twice = [
        ("MatMul", ["x", "w"], ["a"], {}),
        ("Add", ["a", "b"], ["c"], {}),
        ("Mul", ["a", "c"], ["y"], {}),
    ]
    found = simplified(model(twice, {"w": W[3], "b": B}, ["batch", 3], ["batch", 5]))
    assert found == ["MatMul", "Add", "Mul"]
    cube = [("MatMul", ["x", "w"], ["a"], {}), ("Add", ["a", "b"], ["y"], {})]
    shapes = ["batch", 2, 3], ["batch", 2, 5]
    assert simplified(model(cube, {"w": W[3], "b": B}, *shapes)) == ["MatMul", "Add"]


FLATTENED = [
    ("Transpose", ["x"], ["t"], {"perm": [0, 2, 3, 1]}),
    ("Reshape", ["t", "row"], ["r"], {}),
    ("Gemm", ["r", "w", "b"], ["y"], {}),
]


def test_weights_take_the_order_of_rows_before_a_transpose():
    constants = {"row": ints(-1, 24), "w": W[24], "b": B}
    found = simplified(model(FLATTENED, constants, ["batch", 2, 3, 4], ["batch", 5]))
    assert found == ["Reshape", "Gemm"]


def test_a_transpose_whose_rows_something_else_reads_stays():
    nodes = [*FLATTENED[:2], ("Gemm", ["r", "w", "b"], ["g"], {})]
    nodes += [("ReduceMax", ["r"], ["m"], {"axes": [1]}), ("Add", ["g", "m"], ["y"], {})]
    constants = {"row": ints(-1, 24), "w": W[24], "b": B}
    assert "Transpose" in simplified(model(nodes, constants, ["batch", 2, 3, 4], ["batch", 5]))


def unflattened(op, *arguments):
    return [
        ("Gemm", ["x", "w", "b"], ["g"], {}),
        ("Sigmoid", ["g"], ["s"], {}),
        (op, ["g", *arguments], ["h"], {}),
        ("Reshape", ["h", "image"], ["r"], {}),
        ("Transpose", ["r"], ["y"], {"perm": [0, 3, 1, 2]}),
    ]


UNFLATTENED = {"image": ints(-1, 2, 3, 4), "w": SQUARE, "b": BIAS}


def test_weights_give_the_order_that_a_transpose_would():
    nodes = unflattened("Mul", "s")  # SiLU
    found = simplified(model(nodes, UNFLATTENED, ["batch", 4], ["batch", 4, 2, 3]))
    assert found == ["Gemm", "Sigmoid", "Mul", "Reshape"]


def test_what_treats_columns_differently_keeps_its_transpose():
    nodes = unflattened("Mul", "columns")
    constants = {**UNFLATTENED, "columns": BIAS[::-1].copy()}
    assert "Transpose" in simplified(model(nodes, constants, ["batch", 4], ["batch", 4, 2, 3]))
