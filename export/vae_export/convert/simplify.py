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
from .onnx_view import Array, Dim, Wiring, attribute

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


def pin_reshapes(wiring: Wiring, node: NodeProto) -> bool:
    """Replaces a computed shape of a Reshape by a constant, or by one from two nodes.

    A free dimension is -1. If there is another, an input must have a dimension of its name.
    (tf2onnx folds some of these chains, which ones depends on the hash seed.)
    """
    if node.op_type != "Reshape" or wiring.constant(node.input[1]) is not None:
        return False
    dims = list(wiring.shapes.get(node.output[0], ()))
    free = [i for i, dim in enumerate(dims) if not isinstance(dim, int)]
    asked = {i: part for i in free if (part := _of_input(wiring, dims[i]))}
    if not dims or 0 in dims or len([i for i in free if i not in asked]) > 1:
        return False
    free.sort(key=asked.__contains__)
    parts: list[Part] = [asked.get(i) or _number(dim) for i, dim in enumerate(dims)]
    for i in free[:1]:
        parts[i] = -1
    if len(free) > 1 and _is_pinned(wiring, node):
        return False
    node.input[1] = _shape(wiring, node, parts)
    return True


def drop_neutral(wiring: Wiring, node: NodeProto) -> bool:
    """Removes additions of 0 and multiplications by 1."""
    neutral = NEUTRAL.get(node.op_type)
    if neutral is None or node.output[0] in wiring.outputs:
        return False
    for i in (1,) if node.op_type in ("Sub", "Div") else (0, 1):
        value = wiring.constant(node.input[i])
        if value is not None and value.shape == () and value == neutral:
            return _bypass(wiring, node, node.input[1 - i])
    return False


def fuse_bias(wiring: Wiring, node: NodeProto) -> bool:
    """Fuses MatMul of rows and Add of a vector to Gemm."""
    if node.op_type != "Add":
        return False
    for product, bias in (node.input, node.input[::-1]):
        matmul, vector = wiring.sole_maker(product, "MatMul"), wiring.constant(bias)
        if matmul and vector is not None and vector.ndim == 1:
            weights = _weights(wiring, matmul, matmul.input[0])
            rows = wiring.shapes.get(matmul.input[0], ())
            if weights is not None and weights.shape[1] == len(vector) and len(rows) == 2:
                node.op_type, node.input[:] = "Gemm", [*matmul.input, bias]
                return True
    return False


def absorb_flattening(wiring: Wiring, node: NodeProto) -> bool:
    """Folds Transpose and Reshape before products into the order of their weights."""
    if node.op_type != "Reshape" or node.output[0] in wiring.outputs:
        return False
    transpose, readers = wiring.maker(node.input[0], "Transpose"), wiring.users(node.output[0])
    if not transpose or not _to_constant_shape(wiring, node):
        return False
    order = _order(wiring, transpose)
    weights = [_weights(wiring, reader, node.output[0]) for reader in readers]
    found = [w for w in weights if w is not None and order is not None and len(w) == len(order)]
    if order is None or len(found) < len(readers):
        return False
    for reader, w in zip(readers, found, strict=True):
        reader.input[1] = wiring.add_constant(f"{reader.name}_weights", w[np.argsort(order)])
    node.input[0] = transpose.input[0]
    return True


def absorb_unflattening(wiring: Wiring, node: NodeProto) -> bool:
    """Folds Reshape and Transpose after a product into the order of its weights."""
    reshape = wiring.sole_maker(node.input[0], "Reshape") if node.op_type == "Transpose" else None
    if not reshape or not _to_constant_shape(wiring, reshape):
        return False
    product, order = _product_before(wiring, reshape), _order(wiring, node)
    weights = _weights(wiring, product, product.input[0]) if product else None
    if product is None or order is None or weights is None or weights.shape[1] != len(order):
        return False
    bias = [wiring.constant(name) for name in product.input[2:]]
    if any(value is None for value in bias):
        return False
    product.input[1] = wiring.add_constant(f"{product.name}_weights", weights[:, order])
    for value in bias:
        row = np.broadcast_to(np.asarray(value), len(order))[order]
        product.input[2] = wiring.add_constant(f"{product.name}_bias", row)
    shape: list[Part] = [-1, *map(_number, wiring.shapes[node.output[0]][1:])]
    node.op_type, node.input[:] = "Reshape", [reshape.input[0], _shape(wiring, node, shape)]
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
    wiring = Wiring(model)
    return any(rule(wiring, node) for rule in RULES for node in model.graph.node)


def _shape(wiring: Wiring, node: NodeProto, parts: list[Part]) -> str:
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
                wiring.graph.node.insert(0, asking)
            else:
                wiring.add_constant(piece, np.array(part, np.int64))
    if len(pieces) == 1:
        return pieces[0]
    asked = sum(isinstance(part, tuple) for part in parts)
    wiring.graph.node.insert(asked, helper.make_node("Concat", pieces, [name], axis=0))
    return name


def _is_pinned(wiring: Wiring, reshape: NodeProto) -> bool:
    """True where `_shape` made the shape, of several parts."""
    concat = wiring.maker(reshape.input[1], "Concat")
    asked = [wiring.maker(name, "Shape") for name in concat.input] if concat else []
    return any(shape and attribute(shape, "end", None) is not None for shape in asked)


def _of_input(wiring: Wiring, dim: Dim) -> tuple[str, int] | None:
    """First input that has a dimension of this name, and the index of the dimension."""
    for value in wiring.graph.input:
        if isinstance(dim, str) and dim in (shape := wiring.shapes[value.name]):
            return value.name, shape.index(dim)
    return None


def _bypass(wiring: Wiring, node: NodeProto, source: str) -> bool:
    for user in wiring.users(node.output[0]):
        user.input[:] = [source if name == node.output[0] else name for name in user.input]
    return True


def _to_constant_shape(wiring: Wiring, reshape: NodeProto) -> bool:
    """True where rows stay rows: (-1, numbers above 0)."""
    shape = wiring.constant(reshape.input[1])
    return shape is not None and shape[0] == -1 and bool((shape[1:] > 0).all())


def _order(wiring: Wiring, transpose: NodeProto) -> Array | None:
    """Old position of each number of a flattened row; None if rows do not stay rows."""
    row, perm = wiring.shapes.get(transpose.input[0], ())[1:], attribute(transpose, "perm", [])
    if list(perm[:1]) != [0] or not all(isinstance(dim, int) for dim in row):
        return None
    sides = [_number(dim) for dim in row]
    places = np.arange(np.prod(sides, dtype=np.int64)).reshape(sides)
    return np.asarray(places.transpose([axis - 1 for axis in perm[1:]]).ravel())


def _number(dim: Dim) -> int:
    return dim if isinstance(dim, int) else -1


def _weights(wiring: Wiring, node: NodeProto, vectors: str) -> Array | None:
    """Constant weights (in, out) by which a node multiplies vectors; None if it does not."""
    if node.op_type not in PRODUCTS or node.input[0] != vectors or attribute(node, "transB", 0):
        return None
    weights = wiring.constant(node.input[1])
    return weights if weights is not None and weights.ndim == 2 else None


def _product_before(wiring: Wiring, node: NodeProto) -> NodeProto | None:
    """Only product whose vectors reach a node, through ops that treat all numbers alike."""
    found, pending, between = {}, [node.input[0]], [node]
    reached = {node.input[0]}
    while pending:
        maker = wiring.maker(pending.pop(), *PRODUCTS, *ELEMENTWISE)
        if maker is None:
            return None
        if maker.op_type in PRODUCTS:
            found[maker.name] = maker
            continue
        between.append(maker)
        scalars = [v is not None and v.size == 1 for v in map(wiring.constant, maker.input)]
        new = {n for n, scalar in zip(maker.input, scalars, strict=True) if not scalar} - reached
        pending += new
        reached |= new
    readers = [user for name in reached for user in wiring.users(name)]
    private = not reached & wiring.outputs and all(user in between for user in readers)
    return next(iter(found.values())) if private and len(found) == 1 else None
