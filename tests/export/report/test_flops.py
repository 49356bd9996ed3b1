"""Operations of graphs small enough to count by hand."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from vae_export.report.flops import flops


def graph(op, x, *weights, **attributes):
    """A file of one node that takes x (batch, ...) and these weights."""
    names = [f"w{i}" for i in range(len(weights))]
    made = helper.make_graph(
        [helper.make_node(op, ["x", *names], ["y"], **attributes)],
        "one node",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *x])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(np.zeros(shape, np.float32), name)
            for name, shape in zip(names, weights, strict=True)
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(made, opset_imports=opset, ir_version=8).SerializeToString()


@pytest.mark.parametrize(
    ("content", "multiply_adds"),
    [
        (graph("MatMul", (5,), (5, 3)), 5 * 3),
        (graph("MatMul", (7, 5), (5, 3)), 7 * 5 * 3),
        (graph("Gemm", (5,), (5, 3)), 5 * 3),
        (graph("Gemm", (5,), (3, 5), transB=1), 5 * 3),
        # 4 filters of 2 x 3 x 3 at 6 x 6 places
        (graph("Conv", (2, 8, 8), (4, 2, 3, 3)), 4 * (2 * 3 * 3) * (6 * 6)),
        (graph("Conv", (4, 8, 8), (4, 1, 3, 3), group=4), 4 * (3 * 3) * (6 * 6)),
        # from each of 2 x 8 x 8 values into 4 x 3 x 3
        (graph("ConvTranspose", (2, 8, 8), (2, 4, 3, 3), strides=[2, 2]), 2 * 64 * 4 * 9),
        (graph("Einsum", (7, 5), (5, 2, 3), equation="abc,cde->abde"), 7 * 5 * 2 * 3),
        (graph("Relu", (5,)), 0),
    ],
)
def test_a_multiply_add_counts_as_two(content, multiply_adds):
    assert flops(content) == 2 * multiply_adds


def test_a_trained_model_costs_what_its_layers_cost(table_bundle, table_run):
    """An MLP has two operations for each weight that is no bias."""
    vae = table_run.vae
    for name, network in (("encoder", vae.encoder), ("decoder", vae.decoder)):
        weights = sum(w.value.numpy().size for w in network.weights if w.path.endswith("kernel"))
        assert flops((table_bundle / f"{name}.onnx").read_bytes()) == 2 * weights


def test_quantising_changes_nothing_in_the_count(digits_files):
    before, after = (digits_files[f"encoder{p}.onnx"].conversion.content for p in ("", ".int8"))
    assert flops(before) == flops(after) > 0
