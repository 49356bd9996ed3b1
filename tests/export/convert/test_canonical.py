"""One way to write a graph down."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from vae_export.convert.canonical import make_canonical

WEIGHTS = np.arange(9, dtype=np.float32).reshape(3, 3)


def model(nodes, constants, outputs=("y",), inputs=("x",), domains=("",)):
    """A model of nodes (op, inputs, outputs) between rows of three numbers."""
    made = [helper.make_node(op, given, made, name=f"n{made[0]}") for op, given, made in nodes]
    values = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3]) for name in names]
        for names in (inputs, outputs)
    ]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(made, "small", *values, tensors)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid(d, 1 + 16 * (not d)) for d in domains]
    )


def canonical(*arguments, **options):
    result = model(*arguments, **options)
    make_canonical(result)
    return result


NODES = [
    ("MatMul", ["x", "w"], ["a"]),
    ("Relu", ["a"], ["b"]),
    ("Sigmoid", ["a"], ["c"]),
    ("Add", ["b", "c"], ["y"]),
]


def test_names_and_order_of_nodes_do_not_show():
    """Other names, another order that also works, constants the other way round: equal bytes."""
    renamed = [
        ("MatMul", ["x", "weights"], ["q"]),
        ("Sigmoid", ["q"], ["s"]),
        ("Relu", ["q"], ["r"]),
        ("Add", ["r", "s"], ["y"]),
    ]
    one = canonical(NODES, {"w": WEIGHTS, "unused": WEIGHTS + 1})
    other = canonical(renamed, {"other": WEIGHTS + 2, "weights": WEIGHTS})
    assert one.SerializeToString(deterministic=True) == other.SerializeToString(deterministic=True)


def test_another_graph_is_other_bytes():
    other = [*NODES[:3], ("Add", ["c", "b"], ["y"])]
    one, other = (canonical(nodes, {"w": WEIGHTS}) for nodes in (NODES, other))
    assert one.SerializeToString(deterministic=True) != other.SerializeToString(deterministic=True)


def test_nodes_stand_after_those_that_they_need():
    result = canonical(NODES[::-1], {"w": WEIGHTS})
    onnx.checker.check_model(result, full_check=True)
    assert [node.op_type for node in result.graph.node] == ["MatMul", "Relu", "Sigmoid", "Add"]
    assert [node.name for node in result.graph.node] == ["MatMul_0", "Relu_1", "Sigmoid_2", "y"]


def test_inputs_and_outputs_keep_their_names_even_where_an_output_is_read():
    nodes = [("Relu", ["x"], ["y"]), ("Neg", ["y"], ["z"])]
    result = canonical(nodes, {}, outputs=("z", "y"))
    assert [i.name for i in result.graph.input] == ["x"]
    assert [o.name for o in result.graph.output] == ["z", "y"]
    assert result.graph.node[1].input[0] == "y"


def test_equal_constants_are_stored_once():
    nodes = [("MatMul", ["x", "w"], ["a"]), ("MatMul", ["a", "v"], ["y"])]
    result = canonical(nodes, {"w": WEIGHTS, "v": WEIGHTS.copy()})
    assert len(result.graph.initializer) == 1
    assert result.graph.node[0].input[1] == result.graph.node[1].input[1]


@pytest.mark.parametrize("other", [WEIGHTS + 1, WEIGHTS.astype(np.float64), WEIGHTS.reshape(9)])
def test_constants_of_other_values_types_or_shapes_are_not_shared(other):
    nodes = [("MatMul", ["x", "w"], ["a"]), ("MatMul", ["a", "v"], ["y"])]
    assert len(canonical(nodes, {"w": WEIGHTS, "v": other}).graph.initializer) == 2


def test_the_default_of_an_input_stays_its_own():
    """It may be fed; a constant that happens to equal it may not change with that."""
    zeros = np.zeros((1, 3), np.float32)
    nodes = [("Add", ["x", "noise"], ["a"]), ("Add", ["a", "c"], ["y"])]
    result = canonical(nodes, {"noise": zeros, "c": zeros.copy()}, inputs=("x", "noise"))
    assert sorted(t.name for t in result.graph.initializer) == ["constant_0", "noise"]
    assert result.graph.node[0].input[1] == "noise"
    assert result.graph.node[1].input[1] == "constant_0"


def test_what_no_output_needs_is_left_out():
    nodes = [*NODES, ("Neg", ["a"], ["nobody"])]
    result = canonical(nodes, {"w": WEIGHTS, "v": WEIGHTS}, domains=("", "ai.onnx.ml"))
    assert len(result.graph.node) == len(NODES)
    assert [o.domain for o in result.opset_import] == [""]
