"""Rewrites of an ONNX graph that remove nodes and keep what it computes.

A rule looks at one node; where its pattern is there, it changes nodes in place and says True. What
is left without a reader is dropped by `make_canonical`, after each change. Rules are for what no
runtime undoes by itself, or only some: each fuses further what is faster fused on its device.
"""

from itertools import groupby

import numpy as np
import onnx
from onnx import NodeProto, helper

from .canonical import make_canonical
from .onnx_view import Array, Dim, OnnxView, attribute

Part = int | tuple[str, int]  # of a shape: a number, or a dimension of an input

NEUTRAL = {"Add": 0.0, "Sub": 0.0, "Mul": 1.0, "Div": 1.0}
PRODUCTS = ("Gemm", "MatMul")
ELEMENTWISE = (
    "Clip",
    "Elu",
    "HardSwish",
    "LeakyRelu",
    "Mul",
    "Relu",
    "Sigmoid",
    "Softplus",
    "Tanh",
)


def simplify(model: onnx.ModelProto) -> None:
    """Applies the rules until none applies, in place; the model is canonical then.

    Args:
        model: whose inputs and outputs have shapes with named free dimensions.
    """
    make_canonical(model)
    while _change(model):
        make_canonical(model)


def pin_reshapes(view: OnnxView, node: NodeProto) -> bool:
    """Replaces a computed shape of a Reshape by a constant, or by one from two nodes.

    A free dimension is -1. If there is another, an input must have a dimension of its name.
    (tf2onnx folds some of these chains, which ones depends on the hash seed.)
    """
    if node.op_type != "Reshape" or view.constant(node.input[1]) is not None:
        return False
    dims = list(view.shapes.get(node.output[0], ()))
    free = [i for i, dim in enumerate(dims) if not isinstance(dim, int)]
    asked = {i: part for i in free if (part := _of_input(view, dims[i]))}
    if not dims or 0 in dims or len([i for i in free if i not in asked]) > 1:
        return False
    free.sort(key=asked.__contains__)
    parts: list[Part] = [asked.get(i) or _number(dim) for i, dim in enumerate(dims)]
    for i in free[:1]:
        parts[i] = -1
    if len(free) > 1 and _is_pinned(view, node):
        return False
    node.input[1] = _shape(view, node, parts)
    return True


def drop_neutral(view: OnnxView, node: NodeProto) -> bool:
    """Removes additions of 0 and multiplications by 1."""
    neutral = NEUTRAL.get(node.op_type)
    if neutral is None or node.output[0] in view.outputs:
        return False
    for i in (1,) if node.op_type in ("Sub", "Div") else (0, 1):
        value = view.constant(node.input[i])
        if value is not None and value.shape == () and value == neutral:
            return _bypass(view, node, node.input[1 - i])
    return False


def fuse_bias(view: OnnxView, node: NodeProto) -> bool:
    """Fuses MatMul of rows and Add of a vector to Gemm."""
    if node.op_type != "Add":
        return False
    for product, bias in (node.input, node.input[::-1]):
        matmul, vector = view.sole_maker(product, "MatMul"), view.constant(bias)
        if matmul and vector is not None and vector.ndim == 1:
            weights = _weights(view, matmul, matmul.input[0])
            rows = view.shapes.get(matmul.input[0], ())
            if weights is not None and weights.shape[1] == len(vector) and len(rows) == 2:
                node.op_type, node.input[:] = "Gemm", [*matmul.input, bias]
                return True
    return False


def absorb_flattening(view: OnnxView, node: NodeProto) -> bool:
    """Folds Transpose and Reshape before products into the order of their weights."""
    if node.op_type != "Reshape" or node.output[0] in view.outputs:
        return False
    transpose, readers = view.maker(node.input[0], "Transpose"), view.users(node.output[0])
    if not transpose or not _to_constant_shape(view, node):
        return False
    order = _order(view, transpose)
    weights = [_weights(view, reader, node.output[0]) for reader in readers]
    found = [w for w in weights if w is not None and order is not None and len(w) == len(order)]
    if order is None or len(found) < len(readers):
        return False
    for reader, w in zip(readers, found, strict=True):
        reader.input[1] = view.add_constant(f"{reader.name}_weights", w[np.argsort(order)])
    node.input[0] = transpose.input[0]
    return True


def absorb_unflattening(view: OnnxView, node: NodeProto) -> bool:
    """Folds Reshape and Transpose after a product into the order of its weights."""
    reshape = view.sole_maker(node.input[0], "Reshape") if node.op_type == "Transpose" else None
    if not reshape or not _to_constant_shape(view, reshape):
        return False
    product, order = _product_before(view, reshape), _order(view, node)
    weights = _weights(view, product, product.input[0]) if product else None
    if product is None or order is None or weights is None or weights.shape[1] != len(order):
        return False
    bias = [view.constant(name) for name in product.input[2:]]
    if any(value is None for value in bias):
        return False
    product.input[1] = view.add_constant(f"{product.name}_weights", weights[:, order])
    for value in bias:
        row = np.broadcast_to(np.asarray(value), len(order))[order]
        product.input[2] = view.add_constant(f"{product.name}_bias", row)
    shape: list[Part] = [-1, *map(_number, view.shapes[node.output[0]][1:])]
    node.op_type, node.input[:] = "Reshape", [reshape.input[0], _shape(view, node, shape)]
    del node.attribute[:]
    return True


RULES = (
    pin_reshapes,
    drop_neutral,
    fuse_bias,
    absorb_flattening,
    absorb_unflattening,
)


def _change(model: onnx.ModelProto) -> bool:
    view = OnnxView(model)
    return any(rule(view, node) for rule in RULES for node in model.graph.node)


def _shape(view: OnnxView, node: NodeProto, parts: list[Part]) -> str:
    """Adds the nodes and constants that make a shape of these parts; returns its tensor's name."""
    name = f"{node.name}_shape"
    pieces: list[str] = []
    for given, run in groupby(parts, lambda part: isinstance(part, tuple)):
        for part in run if given else [list(run)]:
            piece = f"{name}_{len(pieces)}"
            pieces.append(piece)
            if isinstance(part, tuple):
                source, axis = part
                asking = helper.make_node("Shape", [source], [piece], start=axis, end=axis + 1)
                view.graph.node.insert(0, asking)
            else:
                view.add_constant(piece, np.array(part, np.int64))
    if len(pieces) == 1:
        return pieces[0]
    asked = sum(isinstance(part, tuple) for part in parts)
    view.graph.node.insert(asked, helper.make_node("Concat", pieces, [name], axis=0))
    return name


def _is_pinned(view: OnnxView, reshape: NodeProto) -> bool:
    """True where `_shape` made the shape, of several parts."""
    concat = view.maker(reshape.input[1], "Concat")
    asked = [view.maker(name, "Shape") for name in concat.input] if concat else []
    return any(shape and attribute(shape, "end", None) is not None for shape in asked)


def _of_input(view: OnnxView, dim: Dim) -> tuple[str, int] | None:
    """First input that has a dimension of this name, and the index of the dimension."""
    for value in view.graph.input:
        if isinstance(dim, str) and dim in (shape := view.shapes[value.name]):
            return value.name, shape.index(dim)
    return None


def _bypass(view: OnnxView, node: NodeProto, source: str) -> bool:
    for user in view.users(node.output[0]):
        user.input[:] = [source if name == node.output[0] else name for name in user.input]
    return True


def _to_constant_shape(view: OnnxView, reshape: NodeProto) -> bool:
    """True where rows stay rows: (-1, numbers above 0)."""
    shape = view.constant(reshape.input[1])
    return shape is not None and shape[0] == -1 and bool((shape[1:] > 0).all())


def _order(view: OnnxView, transpose: NodeProto) -> Array | None:
    """Old position of each number of a flattened row; None if rows do not stay rows."""
    row, perm = view.shapes.get(transpose.input[0], ())[1:], attribute(transpose, "perm", [])
    if list(perm[:1]) != [0] or not all(isinstance(dim, int) for dim in row):
        return None
    sides = [_number(dim) for dim in row]
    places = np.arange(np.prod(sides, dtype=np.int64)).reshape(sides)
    return np.asarray(places.transpose([axis - 1 for axis in perm[1:]]).ravel())


def _number(dim: Dim) -> int:
    return dim if isinstance(dim, int) else -1


def _weights(view: OnnxView, node: NodeProto, vectors: str) -> Array | None:
    """Constant weights (in, out) by which a node multiplies vectors; None if it does not."""
    if node.op_type not in PRODUCTS or node.input[0] != vectors or attribute(node, "transB", 0):
        return None
    weights = view.constant(node.input[1])
    return weights if weights is not None and weights.ndim == 2 else None


def _product_before(view: OnnxView, node: NodeProto) -> NodeProto | None:
    """Only product whose vectors reach a node, through ops that treat all numbers alike."""
    found, pending, between = {}, [node.input[0]], [node]
    reached = {node.input[0]}
    while pending:
        maker = view.maker(pending.pop(), *PRODUCTS, *ELEMENTWISE)
        if maker is None:
            return None
        if maker.op_type in PRODUCTS:
            found[maker.name] = maker
            continue
        between.append(maker)
        scalars = [v is not None and v.size == 1 for v in map(view.constant, maker.input)]
        new = {n for n, scalar in zip(maker.input, scalars, strict=True) if not scalar} - reached
        pending += new
        reached |= new
    readers = [user for name in reached for user in view.users(name)]
    private = not reached & view.outputs and all(user in between for user in readers)
    return next(iter(found.values())) if private and len(found) == 1 else None
