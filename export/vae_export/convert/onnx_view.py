"""View of an ONNX graph: producers, consumers, constants and shapes, for rewriting it."""

import functools
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper, shape_inference

Array = NDArray[Any]
Dim = int | str | None  # a number, the name of a free one, or nothing known


class OnnxView:
    """View of a model; make another one after a change to its nodes.

    Args:
        model: all of whose nodes lead to an output, and whose inputs and outputs have shapes with
            named free dimensions.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model, self.graph = model, model.graph
        self.outputs = {value.name for value in self.graph.output}
        self._makers = {output: node for node in self.graph.node for output in node.output}
        self._users: dict[str, list[NodeProto]] = {}
        for node in self.graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)
        inputs = {value.name for value in self.graph.input}
        self._constants = {t.name: t for t in self.graph.initializer if t.name not in inputs}

    @functools.cached_property
    def shapes(self) -> dict[str, tuple[Dim, ...]]:
        """Shapes of all tensors whose number of dimensions can be inferred."""
        inferred = shape_inference.infer_shapes(self.model, data_prop=True).graph
        values = (*inferred.value_info, *inferred.input, *inferred.output)
        known = {v.name: v.type.tensor_type for v in values if v.type.tensor_type.HasField("shape")}
        return {name: tuple(map(_dim, known[name].shape.dim)) for name in known}

    def constant(self, name: str) -> Array | None:
        """Value of a constant; None for inputs and computed tensors."""
        return numpy_helper.to_array(self._constants[name]) if name in self._constants else None

    def maker(self, name: str, *op_types: str) -> NodeProto | None:
        """Node that computes this tensor, if it is of one of these types."""
        node = self._makers.get(name)
        return node if node is not None and node.op_type in op_types else None

    def sole_maker(self, name: str, *op_types: str) -> NodeProto | None:
        """Node that computes this tensor, as `maker`, if only one node and no output uses it."""
        alone = len(self.users(name)) == 1 and name not in self.outputs
        return self.maker(name, *op_types) if alone else None

    def users(self, name: str) -> list[NodeProto]:
        """Nodes that read this tensor, once for each time that they do."""
        return self._users.get(name, [])

    def add_constant(self, name: str, value: Array) -> str:
        """Stores a constant under this name, which must be new."""
        self.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name


def attribute(node: NodeProto, name: str, default: Any) -> Any:
    """Value of a node's attribute."""
    found = [a for a in node.attribute if a.name == name]
    return helper.get_attribute_value(found[0]) if found else default


def _dim(dim: Any) -> Dim:
    return dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None
