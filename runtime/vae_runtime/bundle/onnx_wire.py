"""Check of an ONNX file's bytes, without any ONNX library: it may do nothing but compute.

onnxruntime obeys a file: it opens other files that a tensor says its values are in, it runs loops,
it makes dense arrays of sparse ones. A bundle's graphs do none of this, so files that would are
refused before onnxruntime sees them, as are files whose operators the manifest does not list.

A file is protocol buffers: a message is a list of fields, each a number, a wire type and a value.
Only the messages on the way to the fields of interest are walked; weights are stepped over.

Source: onnx.proto; protobuf.dev/programming-guides/encoding.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from vae_runtime.errors import BundleError

from .manifest import File

MOST_FIELDS = 2**18  # of a graph of ours, some thousand
MOST_AXES = 16  # of a tensor; of ours, nine
STANDARD = ("", "ai.onnx")  # the names of the standard domain

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5  # wire types; groups, 3 and 4, are of no ONNX file

# Fields by number: those that lead to other messages, and those that are refused.
CHILDREN = {
    "Model": {7: "Graph"},
    "Graph": {1: "Node", 5: "Tensor", 11: "ValueInfo", 12: "ValueInfo", 13: "ValueInfo"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 10: "Tensor"},
    "ValueInfo": {2: "Type"},
    "Type": {1: "TensorType"},
    "TensorType": {2: "Shape"},
    "Shape": {1: "Dimension"},
}
REFUSED = {
    ("Model", 20): "training_info",
    ("Model", 25): "functions",
    ("Graph", 15): "sparse_initializer",
    ("Attribute", 6): "a graph in a node",
    ("Attribute", 11): "graphs in a node",
    ("Attribute", 22): "a sparse tensor",
    ("Attribute", 23): "sparse tensors",
    ("Tensor", 13): "external_data",
}
# Names, which onnxruntime repeats in its errors and takes for UTF-8; errors are printed.
NAMES = {
    ("Node", 1),
    ("Node", 2),
    ("Node", 3),
    ("Attribute", 1),
    ("Tensor", 8),
    ("ValueInfo", 1),
    ("Dimension", 2),
}
OP_TYPE, DOMAIN, DIMS, DATA_LOCATION = 4, 7, 1, 14

Field = tuple[int, int, int | memoryview]  # number, wire type, value


def check(content: bytes, file: File) -> None:
    """Refuses an ONNX file that does more than compute with its own operators and weights.

    Args:
        content: the file's bytes.
        file: what the manifest says of it; `ops` are the operators that it may use.

    Raises:
        BundleError: it is no protocol buffer, has external data, sparse tensors, graphs within
            nodes, functions, another domain, an operator that is not listed, or a tensor without
            the bytes that its shape needs.
    """
    try:
        _Walk(frozenset(file.ops)).message("Model", memoryview(content))
    except ValueError as error:
        raise BundleError(
            f"{file.name}: expected an ONNX graph of the operators that the manifest lists and "
            f"nothing else. Received: {error}. Export the bundle again."
        ) from error


@dataclass
class _Walk:
    ops: frozenset[str]
    fields: int = field(default=0)

    def message(self, kind: str, content: memoryview) -> None:
        """Checks a message and the messages in it, which nest seven deep at most."""
        dims: list[int] = []
        for number, wire_type, value in _fields(content):
            self.fields += 1
            if self.fields > MOST_FIELDS:
                raise ValueError(f"more than {MOST_FIELDS:,} fields")
            if (kind, number) in REFUSED:
                raise ValueError(REFUSED[kind, number])
            if kind == "Tensor" and number == DIMS:
                dims += itertools.islice(_varints(value), MOST_AXES + 1)
                if len(dims) > MOST_AXES:  # before they are multiplied: numbers without end
                    raise ValueError(f"a tensor of more than {MOST_AXES} axes")
            elif isinstance(value, memoryview):
                self._bytes(kind, number, value)
            elif (kind, number, wire_type) == ("Tensor", DATA_LOCATION, _VARINT) and value:
                raise ValueError("a tensor whose values are in another file")
        # a value is a byte at least: else a few bytes would become an array without end
        if kind == "Tensor" and math.prod(dims) > len(content):
            raise ValueError("a tensor of more values than its bytes can hold")

    def _bytes(self, kind: str, number: int, value: memoryview) -> None:
        child = CHILDREN.get(kind, {}).get(number)
        if child is not None:
            self.message(child, value)
        elif (kind, number) == ("Node", OP_TYPE) and _text(value) not in self.ops:
            raise ValueError(f"the operator {_text(value)!r}")
        elif (kind, number) == ("Node", DOMAIN) and _text(value) not in STANDARD:
            raise ValueError(f"an operator of the domain {_text(value)!r}")
        elif (kind, number) in NAMES and not bytes(value).decode().isprintable():
            raise ValueError(f"the name {_text(value)!r}")


def _fields(content: memoryview) -> Iterator[Field]:
    at = 0
    while at < len(content):
        tag, at = _varint(content, at)
        number, wire_type = tag >> 3, tag & 7
        if not 0 < number < 2**29:
            raise ValueError("no protocol buffer")
        if wire_type == _VARINT:
            value, at = _varint(content, at)
            yield number, wire_type, value
            continue
        size = {_EIGHT: 8, _FOUR: 4}.get(wire_type)
        if wire_type == _BYTES:
            size, at = _varint(content, at)
        if size is None or size > len(content) - at:
            raise ValueError("no protocol buffer")
        yield number, wire_type, content[at : at + size]
        at += size


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    """Reads a number in groups of seven bits, low ones first; gives the number and its end."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(content):
            break
        byte, at = content[at], at + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (2**64 - 1), at
    raise ValueError("no protocol buffer")


def _varints(value: int | memoryview) -> Iterator[int]:
    """Reads one number, or many packed one after another."""
    if isinstance(value, int):
        yield value
        return
    at = 0
    while at < len(value):
        number, at = _varint(value, at)
        yield number


def _text(value: memoryview) -> str:
    return bytes(value[:100]).decode("ascii", "backslashreplace")
