"""What is refused of ONNX files, against onnx's own description of the format."""

import contextlib
import io
import re
import shutil
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from vae_runtime import BundleError
from vae_runtime.bundle import onnx_wire, open_bundle

BUNDLE = open_bundle(Path(__file__).parents[2] / "golden" / "sensors-1.vaeb")
FILE = BUNDLE.manifest.file("scorer")
CONTENT = BUNDLE.read(FILE)


def refuses(message):
    return pytest.raises(BundleError, match=re.escape(message))


def changed(change):
    model = onnx.load_from_string(CONTENT)
    change(model)
    return model.SerializeToString()


def small_graph(name="inner"):
    return helper.make_graph([helper.make_node("Exp", ["x"], ["y"])], name, [], [])


def test_the_graphs_of_a_bundle_are_taken():
    for file in BUNDLE.manifest.files:
        if file.format == "onnx":
            onnx_wire.check(BUNDLE.container.read(file.name), file)


INNER = {
    "TensorType": onnx.TypeProto.Tensor,
    "Shape": onnx.TensorShapeProto,
    "Dimension": onnx.TensorShapeProto.Dimension,
}


def descriptor(kind):
    return (INNER.get(kind) or getattr(onnx, f"{kind}Proto")).DESCRIPTOR


FIELDS = {
    "Model": {7: "graph"},
    "Graph": {1: "node", 5: "initializer", 11: "input", 12: "output", 13: "value_info"},
    "Node": {5: "attribute"},
    "Attribute": {5: "t", 10: "tensors"},
    "ValueInfo": {2: "type"},
    "Type": {1: "tensor_type"},
    "TensorType": {2: "shape"},
    "Shape": {1: "dim"},
}


def test_the_numbers_of_fields_are_those_of_onnx():
    assert {kind: [*fields] for kind, fields in FIELDS.items()} == {
        kind: [*fields] for kind, fields in onnx_wire.CHILDREN.items()
    }
    for kind, fields in FIELDS.items():
        for number, name in fields.items():
            field = descriptor(kind).fields_by_name[name]
            assert field.number == number
            assert field.message_type == descriptor(onnx_wire.CHILDREN[kind][number])


def test_the_names_are_texts():
    for kind, number in onnx_wire.NAMES:
        field = descriptor(kind).fields_by_number[number]
        assert field.type == field.TYPE_STRING, field.name


def test_every_field_that_leads_to_a_tensor_or_a_graph_is_walked_or_refused():
    risky = {"GraphProto", "TensorProto", "SparseTensorProto", "NodeProto", "AttributeProto"}
    risky |= {"FunctionProto", "TrainingInfoProto"}
    for kind in onnx_wire.CHILDREN:
        for field in descriptor(kind).fields:
            if field.message_type is not None and field.message_type.name in risky:
                known = onnx_wire.CHILDREN[kind].get(field.number)
                assert known or (kind, field.number) in onnx_wire.REFUSED, (kind, field.name)


def test_the_fields_that_are_looked_at_are_those_of_onnx():
    number = {
        (kind, name): descriptor(kind).fields_by_name[name].number
        for kind, name in [
            ("Node", "op_type"),
            ("Node", "domain"),
            ("Tensor", "dims"),
            ("Tensor", "data_location"),
            ("Tensor", "external_data"),
        ]
    }
    found = (onnx_wire.OP_TYPE, onnx_wire.DOMAIN, onnx_wire.DIMS, onnx_wire.DATA_LOCATION, 13)
    assert found == tuple(number.values())
    assert TensorProto.EXTERNAL == 1


def to_external(tensor):
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def located(model):
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL


def located_in_an_attribute(model):
    tensor = numpy_helper.from_array(np.ones(3, np.float32))
    to_external(tensor)
    model.graph.node[0].attribute.append(helper.make_attribute("value", tensor))


def in_a_list_of_tensors(model):
    tensor = numpy_helper.from_array(np.ones(3, np.float32))
    to_external(tensor)
    attribute = onnx.AttributeProto(name="values", type=onnx.AttributeProto.TENSORS)
    attribute.tensors.append(tensor)
    model.graph.node[0].attribute.append(attribute)


def with_huge_shape(model):
    model.graph.initializer[0].dims[:] = [2**40, 2]


HOSTILE = {
    "external initializer": (
        lambda m: to_external(m.graph.initializer[0]),
        "external_data",
    ),
    "location alone": (located, "a tensor whose values are in another file"),
    "external attribute": (located_in_an_attribute, "external_data"),
    "external in a list": (in_a_list_of_tensors, "external_data"),
    "subgraph": (
        lambda m: m.graph.node[0].attribute.append(helper.make_attribute("body", small_graph())),
        "a graph in a node",
    ),
    "subgraphs": (
        lambda m: m.graph.node[0].attribute.append(helper.make_attribute("b", [small_graph()])),
        "graphs in a node",
    ),
    "sparse initializer": (
        lambda m: m.graph.sparse_initializer.add(dims=[2**40]),
        "sparse_initializer",
    ),
    "functions": (lambda m: m.functions.add(name="f"), "functions"),
    "training": (lambda m: m.training_info.add(), "training_info"),
    "other operator": (
        lambda m: setattr(m.graph.node[0], "op_type", "RandomNormal"),
        "the operator 'RandomNormal'",
    ),
    "other domain": (
        lambda m: setattr(m.graph.node[0], "domain", "com.microsoft"),
        "an operator of the domain 'com.microsoft'",
    ),
    "huge shape": (with_huge_shape, "a tensor of more values than its bytes can hold"),
    "many axes": (
        lambda m: m.graph.initializer[0].dims.extend([1] * (onnx_wire.MOST_AXES + 1)),
        "a tensor of more than 16 axes",
    ),
    "negative shape": (
        lambda m: next(t for t in m.graph.initializer if t.dims).dims.__setitem__(0, -1),
        "a tensor of more values than its bytes can hold",
    ),
    "name with escapes": (
        lambda m: setattr(m.graph.node[0], "name", "\x1b[2J"),
        "the name '\\x1b[2J'",
    ),
    "dimension that turns text": (
        lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[0], "dim_param", "\u202e"),
        r"the name '\\xe2\\x80\\xae'",
    ),
    "many fields": (
        lambda m: m.graph.node[0].input.extend([""] * onnx_wire.MOST_FIELDS),
        "more than 262,144 fields",
    ),
}


@pytest.mark.parametrize(("change", "received"), HOSTILE.values(), ids=HOSTILE)
def test_what_does_more_than_compute_is_refused(change, received):
    with refuses(f"scorer.onnx: expected an ONNX graph of the operators that the manifest lists "
                 f"and nothing else. Received: {received}"):  # fmt: skip
        onnx_wire.check(changed(change), FILE)


@pytest.mark.parametrize(
    "content",
    [
        b"garbage",
        b"\x0b",  # the start of a group
        b"\x3a\xff\xff\xff\xff\x0f",  # a graph longer than the file
        b"\x3a",  # a graph without a length
        b"\x00\x01",  # field 0
        b"\x08" + b"\xff" * 11,  # a number without end
    ],
)
def test_what_is_no_protocol_buffer_is_refused(content):
    with refuses("Received: no protocol buffer"):
        onnx_wire.check(content, FILE)


def test_a_name_that_is_no_utf_8_is_refused():
    content = CONTENT.replace(b"batch", b"b\xe2tch")
    with refuses("Received: 'utf-8' codec can't decode"):
        onnx_wire.check(content, FILE)


def test_a_location_that_is_external_only_when_cut_to_32_bits_is_refused():
    tensor = b"\x70" + b"\x81\x80\x80\x80\x10"  # data_location: 2^32 + 1
    graph = b"\x2a" + bytes([len(tensor)]) + tensor
    with refuses("a tensor whose values are in another file"):
        onnx_wire.check(b"\x3a" + bytes([len(graph)]) + graph, FILE)


def length(size):
    """A varint."""
    data = bytearray()
    while size > 127:
        data.append(size & 127 | 128)
        size >>= 7
    return bytes([*data, size])


def within(number, content):
    """A field of bytes of this number."""
    return length(number << 3 | 2) + length(len(content)) + content


MEGABYTES = 8 * 2**20
LARGEST = b"\xff" * 8 + b"\x7f"  # of 63 bits
BOMBS = {
    "packed dims": within(5, within(1, LARGEST * (MEGABYTES // 9))),
    "packed dims of one": within(5, within(1, b"\x01" * MEGABYTES)),
    "dims in many fields": within(5, (b"\x08" + LARGEST) * (MEGABYTES // 10)),
    "dims of an attribute": within(1, within(5, within(5, within(1, LARGEST * 10**6)))),
    "many tensors": within(5, within(1, LARGEST)) * (MEGABYTES // 16),
    "many nodes": within(1, b"") * (MEGABYTES // 2),
    "many numbers of a tensor": within(5, b"\x20\x01" * (MEGABYTES // 2)),
    "a long name": within(1, within(3, b"a" * MEGABYTES + b"\n")),
    "a long operator": within(1, within(4, b"a" * MEGABYTES)),
    "empty tensors": within(5, b"") * 2**19,
}
SECONDS = 20.0  # where it took minutes; a device that is busy may take some of them


@pytest.mark.parametrize("graph", BOMBS.values(), ids=BOMBS)
def test_what_would_take_minutes_is_refused_in_a_moment(graph):
    begun = time.monotonic()
    with refuses("scorer.onnx: expected an ONNX graph") as e:
        onnx_wire.check(within(7, graph), FILE)
    assert time.monotonic() - begun < SECONDS
    assert len(str(e.value)) < 1000


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.integers(0, len(CONTENT)), st.integers(0, 60))
def test_bytes_of_any_kind_are_taken_or_refused_and_nothing_else(inserted, at, deleted):
    content = CONTENT[:at] + inserted + CONTENT[at + deleted :]
    with contextlib.suppress(BundleError):
        onnx_wire.check(content, FILE)


def test_a_bundle_whose_graph_reads_another_file_is_refused_when_it_is_loaded(
    table_copy, replace_file
):
    model = onnx.load(table_copy / "scorer.onnx")
    tensor = next(t for t in model.graph.initializer if t.name)
    shutil.copy(table_copy / "scorer.onnx", table_copy / "weights")
    to_external(tensor)
    buffer = io.BytesIO(model.SerializeToString())
    replace_file(table_copy, "scorer.onnx", buffer.getvalue())
    with refuses("scorer.onnx: expected an ONNX graph"):
        open_bundle(table_copy).verify()
