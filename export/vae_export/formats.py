"""The formats of a bundle's graphs: how each is written, read and run. Adding one is one entry."""

from collections.abc import Callable
from typing import NamedTuple

from . import engines, to_onnx, to_tflite
from .engines import Engine
from .graphs import Graph

Metadata = dict[str, str]


class Format(NamedTuple):
    """One file format.

    Args:
        convert: a graph to the bytes of a file; the metadata goes inside where there is a place.
        ops: the ops that a file uses.
        open: a file's name and bytes to a function that runs it.
        opset: version of the op set, where the format has one.
        optional_inputs: whether an input may have a default.
    """

    convert: Callable[[Graph, Metadata], bytes]
    ops: Callable[[bytes], tuple[str, ...]]
    open: Callable[[str, bytes], Engine]
    opset: int | None
    optional_inputs: bool


FORMATS = {
    "onnx": Format(to_onnx.to_onnx, to_onnx.ops, engines.open_onnx, to_onnx.OPSET, True),
    "tflite": Format(
        lambda graph, _: to_tflite.to_tflite(graph),
        to_tflite.ops,
        engines.open_tflite,
        None,
        False,
    ),
}
