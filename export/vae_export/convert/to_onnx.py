"""Converter to ONNX: opset 17, IR 8, named and described.

tf2onnx reports what it cannot convert to a logger only and writes an invalid file all the same;
here there is no file then.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import tensorflow as tf
from onnx import AttributeProto, helper, numpy_helper
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from vae_export.graphs.functions import Graph

from .result import Conversion
from .simplify import simplify
from .sum_as_matmul import make_sums_products
from .tf2onnx_handlers import HANDLERS

OPSET = 17  # old enough for the runtimes on devices, new enough for LayerNormalization
IR_VERSION = 8


def to_onnx(graph: Graph, metadata: dict[str, str]) -> Conversion:
    """Converts a graph to an ONNX file.

    Args:
        graph: the function to convert.
        metadata: written into the file's metadata_props, so that a lone file explains itself.
    """
    plain = graph.once("onnx", lambda: _plain(graph))
    if plain.complaints:
        return plain
    model = onnx.load_from_string(plain.content)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    return replace(plain, content=bytes(model.SerializeToString(deterministic=True)))


def _plain(graph: Graph) -> Conversion:
    """File of a graph without metadata."""
    try:
        model, complaints = _convert(graph)
    except ValueError as error:  # it writes a variable, such as the state of a random generator
        return Conversion(b"", (str(error),))
    complaints += _loops(model)
    if complaints:
        return Conversion(b"", tuple(complaints))
    nodes_before = len(model.graph.node)
    simplify(model)
    make_sums_products(model)
    content = bytes(model.SerializeToString(deterministic=True))
    return Conversion(content, nodes_before=nodes_before)


def _convert(graph: Graph) -> tuple[Any, list[str]]:
    """Runs tf2onnx; returns the described model, not yet simplified, and its complaints."""
    import tf2onnx

    with _complaints() as complaints:
        model, _ = tf2onnx.convert.from_function(
            _frozen(graph),
            input_signature=graph.signature(),
            opset=OPSET,
            custom_op_handlers=HANDLERS,
        )
    _modernise_resize(model)
    _describe(graph, model)
    return model, complaints


def _loops(model: Any) -> list[str]:
    """Complaints about ops that hold a graph of their own, as loops do: slow, not simplified."""
    held = [n for n in model.graph.node if any(a.type == AttributeProto.GRAPH for a in n.attribute)]
    return [f"[{node.name}: {node.op_type}] is a loop or a branch" for node in held]


def _frozen(graph: Graph) -> Any:
    """Function with all that it captured as constants: weights, and any other tensors.

    (tf2onnx would make inputs of the others, such as the mean and variance of a `Normalization`.)
    """
    signature = graph.signature()
    traced = graph.traced()
    frozen = convert_variables_to_constants_v2(
        traced, lower_control_flow=False, aggressive_inlining=True
    )

    def function(*given: Any) -> Any:
        return tf.nest.pack_sequence_as(traced.structured_outputs, frozen(*given))

    return tf.function(function, input_signature=signature, autograph=False)


@contextlib.contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collects the errors that tf2onnx logs, instead of printing them."""
    messages: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    logger, collector = logging.getLogger("tf2onnx"), Collector(logging.ERROR)
    propagate = logger.propagate
    logger.addHandler(collector)
    logger.propagate = False
    try:
        yield messages
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagate


def _modernise_resize(model: Any) -> None:
    """Rewrites nearest-neighbour resizing in a form that newer runtimes do not call deprecated.

    tf_half_pixel_for_nn with floor is floor((i + 0.5) / scale); so is half_pixel, which subtracts
    0.5 from that, with round_prefer_ceil, which adds it again before the floor.
    """
    for node in model.graph.node:
        old = {a.s for a in node.attribute if a.name in ("coordinate_transformation_mode", "mode")}
        if node.op_type == "Resize" and old == {b"tf_half_pixel_for_nn", b"nearest"}:
            del node.attribute[:]
            node.attribute.extend(
                helper.make_attribute(name, value)
                for name, value in (
                    ("coordinate_transformation_mode", "half_pixel"),
                    ("mode", "nearest"),
                    ("nearest_mode", "round_prefer_ceil"),
                )
            )


def _describe(graph: Graph, model: Any) -> None:
    """Gives inputs and outputs shapes with named free dimensions, and inputs their defaults.

    (What is there and should not be stays, for the gates to see.)
    """
    body = model.graph
    for values, wanted in zip((body.input, body.output), graph.interface, strict=True):
        found = {value.name: value for value in values}
        described = [_value_info(name, *wanted[name]) for name in wanted if name in found]
        strange = [value for name, value in found.items() if name not in wanted]
        del values[:]
        values.extend([*described, *strange])
    del body.value_info[:]
    body.initializer.extend(numpy_helper.from_array(v, n) for n, v in graph.defaults.items())
    body.name, body.doc_string = graph.role, ""
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version, model.doc_string = "vae-keras", "", ""


def _value_info(name: str, dtype: str, shape: tuple[int | str, ...]) -> Any:
    return helper.make_tensor_value_info(
        name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape
    )
