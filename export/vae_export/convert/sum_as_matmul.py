"""Sums over a row as products with ones, so that no sum depends on where its row stands.

onnxruntime's ReduceSum adds a row's values in an order that depends on where the row begins in
memory: the same row scores another last digit as the third of a batch than as the first. Rows of 16
values all begin alike, and so do the rows of a matrix product, whatever their length; it is as
fast.
"""

import math

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper

from .canonical import make_canonical
from .onnx_view import Array, OnnxView, attribute

ALIGNED_VALUES = 16  # float32 values in the widest register: rows of a multiple begin alike


def make_sums_products(model: onnx.ModelProto) -> None:
    """Rewrites sums over the last dimensions of a model, in place; it is canonical then.

    Args:
        model: canonical, whose inputs and outputs have shapes with named free dimensions.
    """
    view = OnnxView(model)
    nodes = [new for node in model.graph.node for new in _as_product(view, node)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    make_canonical(model)


def sums(model: onnx.ModelProto) -> list[str]:
    """Names of the products that are sums."""
    ones = {t.name for t in model.graph.initializer if is_ones(numpy_helper.to_array(t))}
    return [n.name for n in model.graph.node if n.op_type == "MatMul" and n.input[1] in ones]


def is_ones(weights: Array) -> bool:
    """True where a product with these weights is a sum."""
    return weights.ndim == 2 and weights.shape[1] == 1 and bool((weights == 1).all())


def _as_product(view: OnnxView, node: NodeProto) -> list[NodeProto]:
    size = _summed(view, node)
    if size % ALIGNED_VALUES == 0:
        return [node]
    name, values = node.output[0], node.input[0]
    rows = len(view.shapes[name])
    ones = view.add_constant(f"{name}_ones", np.ones((size, 1), np.float32))
    flat = view.add_constant(f"{name}_shape", np.array([0] * rows + [size]))  # 0: as it was
    last = view.add_constant(f"{name}_last", np.array([rows]))
    flattened, product = f"{name}_values", f"{name}_sums"
    reshape = helper.make_node("Reshape", [values, flat], [flattened])
    is_flat = len(view.shapes[values]) == rows + 1
    return [
        *([] if is_flat else [reshape]),
        helper.make_node("MatMul", [values if is_flat else flattened, ones], [product]),
        helper.make_node("Squeeze", [product, last], [name]),
    ]


def _summed(view: OnnxView, node: NodeProto) -> int:
    """Number of values of a row that a node adds up; 0 where it does something else."""
    if node.op_type != "ReduceSum" or attribute(node, "keepdims", 1):
        return 0
    shape, axes = view.shapes.get(node.input[0], ()), view.constant(node.input[1])
    if not shape or axes is None:
        return 0
    rows = len(shape) - len(axes)
    trailing = sorted(axes % len(shape)) == list(range(rows, len(shape)))
    sides = [dim for dim in shape[rows:] if isinstance(dim, int)]
    return math.prod(sides) if trailing and rows and len(sides) == len(axes) else 0
