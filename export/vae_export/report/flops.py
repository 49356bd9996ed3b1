"""Operations that one row costs in an ONNX file's matrices and convolutions.

A multiply-add counts as two operations, as on data sheets. Shapes are those that the file has when
it runs, not those that can be inferred from it.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from vae_runtime._base.libraries import onnxruntime

Shape = tuple[int, ...]

ort = onnxruntime()


def flops(content: bytes) -> int:
    """Number of operations for one row in an ONNX file's matrices and convolutions.

    Args:
        content: the file; free dimensions of its inputs, batch and samples, count as 1.
    """
    model = onnx.load_from_string(content)
    counted = [node for node in model.graph.node if node.op_type in MULTIPLY_ADDS]
    shapes = _shapes(
        model, sorted({n for node in counted for n in (*node.input[:2], node.output[0])})
    )
    return sum(
        2
        * MULTIPLY_ADDS[node.op_type](node, *(shapes[n] for n in (*node.input[:2], node.output[0])))
        for node in counted
    )


def _shapes(model: onnx.ModelProto, names: list[str]) -> dict[str, Shape]:
    """Shapes of these tensors when the file runs on one row of zeros."""
    known = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    shown = {output.name for output in model.graph.output}
    given = {value.name for value in model.graph.input}
    model.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in names if name not in {*known, *shown, *given}
    )
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    content = model.SerializeToString()
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    feeds = {value.name: _zeros(value) for value in session.get_inputs()}
    outputs = [output.name for output in session.get_outputs()]
    found = dict(zip(outputs, session.run(outputs, feeds), strict=True))
    return {**known, **{name: value.shape for name, value in {**feeds, **found}.items()}}


def _zeros(value: Any) -> np.ndarray:
    shape = [size if isinstance(size, int) else 1 for size in value.shape]
    return np.zeros(shape, {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}[value.type])


def _gemm(node: onnx.NodeProto, left: Shape, right: Shape, out: Shape) -> int:
    attributes = {attribute.name: attribute.i for attribute in node.attribute}
    return math.prod(out) * left[0 if attributes.get("transA") else -1]


def _einsum(node: onnx.NodeProto, left: Shape, right: Shape, out: Shape) -> int:
    """Number of products in an Einsum: one for each value of all letters."""
    equation = next(a.s.decode() for a in node.attribute if a.name == "equation").replace(" ", "")
    letters = zip(equation.split("->")[0].replace(",", ""), (*left, *right), strict=True)
    return math.prod(dict(letters).values())


# From the shapes of two inputs and the output to the multiply-adds of a node. A transposed
# convolution applies its kernel at every position of its input, not of its output.
MULTIPLY_ADDS: dict[str, Callable[[onnx.NodeProto, Shape, Shape, Shape], int]] = {
    "Conv": lambda node, x, kernel, out: math.prod(out) * math.prod(kernel[1:]),
    "ConvTranspose": lambda node, x, kernel, out: math.prod(x) * math.prod(kernel[1:]),
    "Einsum": _einsum,
    "Gemm": _gemm,
    "MatMul": lambda node, left, right, out: math.prod(out) * left[-1],
}
