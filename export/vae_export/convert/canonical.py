"""Canonical form of an ONNX graph, so that equal graphs are equal bytes.

Converters name tensors by counters of the process and order nodes by Python's hash seed. Here nodes
stand in the order in which the outputs need them and are named by it; equal constants are one.
"""

import onnx
from onnx import NodeProto, TensorProto, numpy_helper


def make_canonical(model: onnx.ModelProto) -> None:
    """Rewrites a model in place; inputs, outputs, their names and values stay.

    What no output needs is left out: nodes, constants, op sets. Defaults of inputs stay.
    """
    graph = model.graph
    nodes = _in_order(graph)
    constants = _shared(graph, nodes)
    inputs = {value.name for value in graph.input}
    defaults = [tensor for tensor in graph.initializer if tensor.name in inputs]
    names = _names(graph, nodes, constants)
    for node in nodes:
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]
        node.name, node.doc_string = node.output[0], ""
        attributes = sorted(node.attribute, key=lambda attribute: attribute.name)
        del node.attribute[:]
        node.attribute.extend(attributes)
    tensors = [_tensor(tensor, names[tensor.name]) for tensor in constants]
    tensors += [_tensor(tensor, tensor.name) for tensor in defaults]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(tensors)
    op_sets = [o for o in model.opset_import if o.domain in {node.domain for node in nodes}]
    del model.opset_import[:]
    model.opset_import.extend(op_sets)


def _in_order(graph: onnx.GraphProto) -> list[NodeProto]:
    """Copies the nodes that the outputs need, each after the nodes that it needs."""
    makers = {output: i for i, node in enumerate(graph.node) for output in node.output}
    done: dict[int, None] = {}
    wanted = [makers[value.name] for value in reversed(graph.output)]
    while wanted:
        needed = [makers[name] for name in graph.node[wanted[-1]].input if name in makers]
        missing = [i for i in needed if i not in done]
        if missing:
            wanted += reversed(missing)
        else:
            done[wanted.pop()] = None
    nodes = [NodeProto() for _ in done]
    for node, i in zip(nodes, done, strict=True):
        node.CopyFrom(graph.node[i])
    return nodes


def _shared(graph: onnx.GraphProto, nodes: list[NodeProto]) -> list[TensorProto]:
    """Merges equal constants in the nodes' inputs; returns the constants in order of use."""
    inputs = {value.name for value in graph.input}
    tensors = {t.name: t for t in graph.initializer if t.name not in inputs}
    first: dict[tuple[int, tuple[int, ...], bytes], TensorProto] = {}
    for node in nodes:
        for i, name in enumerate(node.input):
            if name in tensors:
                tensor = _tensor(tensors[name], name)
                key = (tensor.data_type, tuple(tensor.dims), tensor.raw_data)
                node.input[i] = first.setdefault(key, tensor).name
    return list(first.values())


def _names(
    graph: onnx.GraphProto, nodes: list[NodeProto], constants: list[TensorProto]
) -> dict[str, str]:
    """Maps old names to new: inputs and outputs keep theirs, others are named by op and order."""
    names = {value.name: value.name for value in (*graph.input, *graph.output)} | {"": ""}
    for i, tensor in enumerate(constants):
        names[tensor.name] = f"constant_{i}"
    for i, node in enumerate(nodes):
        for k, output in enumerate(node.output):
            names.setdefault(output, f"{node.op_type}_{i}" + (f"_{k}" if k else ""))
    return names


def _tensor(tensor: TensorProto, name: str) -> TensorProto:
    """Copies a constant under this name, in one fixed encoding."""
    return numpy_helper.from_array(numpy_helper.to_array(tensor), name)
