import json
import re
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_runtime._base import typed_json


@dataclass(frozen=True)
class Leaf:
    number: float
    count: int
    text: str
    flag: bool
    maybe: str | None


@dataclass(frozen=True)
class Tree:
    leaf: Leaf
    leaves: tuple[Leaf, ...]
    pair: tuple[float, float] | None
    entry: tuple[str, int]
    names: tuple[int | str, ...]
    table: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Box:
    value: float


@dataclass(frozen=True)
class Newer:
    known: str | None
    added: str | None = None
    counted: int = 0


numbers = st.floats(allow_nan=False, allow_infinity=False)
leaves = st.builds(Leaf, numbers, st.integers(), st.text(), st.booleans(), st.none() | st.text())
trees = st.builds(
    Tree,
    leaf=leaves,
    leaves=st.lists(leaves, max_size=3).map(tuple),
    pair=st.none() | st.tuples(numbers, numbers),
    entry=st.tuples(st.text(), st.integers()),
    names=st.lists(st.integers() | st.text(), max_size=3).map(tuple),
    table=st.dictionaries(st.text(), st.lists(numbers, max_size=3).map(tuple), max_size=3),
)


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


@settings(max_examples=50, deadline=None)
@given(trees)
def test_what_is_written_reads_back_equal(tree):
    document = typed_json.parse(typed_json.dumps(tree).encode())
    assert typed_json.convert(Tree, document, "tree") == tree


@settings(max_examples=50, deadline=None)
@given(trees)
def test_what_is_written_is_json_to_others(tree):
    document = json.loads(typed_json.dumps(tree))
    assert document["leaf"]["number"] == tree.leaf.number
    assert document["names"] == list(tree.names)


def test_objects_are_written_a_key_a_line_and_plain_lists_on_one():
    leaf = Leaf(0.5, 1, "é", False, None)
    tree = Tree(leaf, (leaf,), None, ("b", 2), (1, "a"), {"t": (0.1, 2.0)})
    assert typed_json.dumps(tree) == (
        "{\n"
        '  "leaf": {\n'
        '    "number": 0.5,\n    "count": 1,\n    "text": "\\u00e9",\n'
        '    "flag": false,\n    "maybe": null\n'
        "  },\n"
        '  "leaves": [\n'
        "    {\n"
        '      "number": 0.5,\n      "count": 1,\n      "text": "\\u00e9",\n'
        '      "flag": false,\n      "maybe": null\n'
        "    }\n"
        "  ],\n"
        '  "pair": null,\n'
        '  "entry": ["b", 2],\n'
        '  "names": [1, "a"],\n'
        '  "table": {\n'
        '    "t": [0.1, 2.0]\n'
        "  }\n"
        "}\n"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_say_is_not_written(value):
    with pytest.raises(ValueError, match="JSON"):
        typed_json.dumps(Box(value))


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_number_is_not_read(name):
    with refuses(f"{name} is not a JSON number"):
        typed_json.parse(f'{{"value": {name}}}'.encode())


def test_deep_nesting_is_refused():
    with refuses("nested too deeply"):
        typed_json.parse(b"[" * 100_000 + b"]" * 100_000)


@pytest.mark.parametrize("content", [b"", b"{", b"{'value': 1}", b'{"value": 1} 2', b"\xff"])
def test_what_is_no_json_is_refused(content):
    with pytest.raises(ValueError, match=r"char|codec"):
        typed_json.parse(content)


def convert(kind, value):
    return typed_json.convert(kind, value, "file")


def test_an_int_is_taken_where_a_float_is_expected():
    box = convert(Box, {"value": 3})
    assert type(box.value) is float
    assert box == Box(3.0)


@pytest.mark.parametrize("value", ["3", True, None, [3.0], {}])
def test_nothing_else_is_taken_for_a_float(value):
    with refuses(f"file.value: expected float. Received: {json.dumps(value)}."):
        convert(Box, {"value": value})


@pytest.mark.parametrize("digits", ["1e999", "-1e999", "1" + "0" * 400], ids=["inf", "-inf", "int"])
def test_a_number_beyond_any_float_is_refused_by_its_place(digits):
    with refuses("file.value: expected float."):
        convert(Box, typed_json.parse(f'{{"value": {digits}}}'.encode()))


LEAF = {"number": 0.5, "count": 1, "text": "a", "flag": True, "maybe": None}


@pytest.mark.parametrize("key", sorted(LEAF))
def test_a_missing_key_is_refused_with_those_that_are_there(key):
    rest = {k: v for k, v in LEAF.items() if k != key}
    with refuses(f"file: expected the key {key!r}. Received: {', '.join(rest)}."):
        convert(Leaf, rest)


def test_unknown_keys_are_ignored():
    assert convert(Leaf, {**LEAF, "later": [1, {}]}) == Leaf(**LEAF)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("count", True, "int"),
        ("count", 1.0, "int"),
        ("count", "1", "int"),
        ("flag", 1, "bool"),
        ("text", 1, "str"),
        ("text", None, "str"),
        ("maybe", 1, "str | None"),
    ],
)
def test_a_wrong_type_is_refused_by_its_place(key, value, expected):
    with refuses(f"file.{key}: expected {expected}. Received: {json.dumps(value)}."):
        convert(Leaf, {**LEAF, key: value})


TREE = {
    "leaf": LEAF,
    "leaves": [LEAF],
    "pair": [1, 2],
    "entry": ["a", 1],
    "names": ["a", 1],
    "table": {"t": [1]},
}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("leaf", [], "file.leaf: expected Leaf. Received: []."),
        ("leaves", [LEAF, {**LEAF, "count": "1"}], "file.leaves[1].count: expected int."),
        ("leaves", LEAF, "file.leaves: expected tuple["),
        ("pair", [1], "file.pair: expected tuple[float, float] | None. Received: [1]."),
        ("pair", [1, 2, 3], "file.pair: expected tuple[float, float] | None."),
        ("entry", ["a"], 'file.entry: expected tuple[str, int]. Received: ["a"].'),
        ("entry", ["a", 1, 2], "file.entry: expected tuple[str, int]."),
        ("entry", [1, "a"], "file.entry[0]: expected str. Received: 1."),
        ("names", [None], "file.names[0]: expected int | str. Received: null."),
        ("table", {"t": [1, "x"]}, 'file.table.t[1]: expected float. Received: "x".'),
        ("table", [], "file.table: expected dict[str, tuple[float, ...]]. Received: []."),
    ],
)
def test_a_wrong_type_deep_inside_is_refused_by_its_place(key, value, message):
    assert convert(Tree, TREE).pair == (1.0, 2.0)
    with refuses(message):
        convert(Tree, {**TREE, key: value})


def test_a_long_value_is_cut_in_the_message():
    with pytest.raises(ValueError, match=r'Received: "x{59}\.$'):
        convert(Box, {"value": "x" * 10_000})


def test_a_key_that_earlier_writers_did_not_know_may_be_missing():
    whole = {"known": "a", "added": "b", "counted": 1}
    without = {"known": "a", "counted": 1}
    assert typed_json.convert(Newer, whole, "newer") == Newer("a", "b", 1)
    assert typed_json.convert(Newer, without, "newer") == Newer("a", None, 1)
    assert typed_json.convert(Newer, {"known": "a"}, "newer") == Newer("a", None, 0)


@pytest.mark.parametrize("key", ["known"])
def test_a_key_without_a_default_may_not(key):
    document = {"known": None, "added": None, "counted": 1}
    del document[key]
    with refuses(f"newer: expected the key {key!r}."):
        typed_json.convert(Newer, document, "newer")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ((), {"b": {"a": 1}, "c": [{"a": 2}, 3]}),
        (("a",), {"a": {"b": 1}, "c": [{"a": 2}, 3]}),
        (("c", "*"), {"a": {"a": 1}, "c": [{"b": 2}, 3]}),
        (("*",), {"a": {"b": 1}, "c": [{"a": 2}, 3]}),
        (("c", "a"), {"a": {"a": 1}, "c": [{"a": 2}, 3]}),
        (("d", "*", "e"), {"a": {"a": 1}, "c": [{"a": 2}, 3]}),
    ],
)
def test_keys_are_renamed_in_the_objects_at_a_place(place, expected):
    value = {"a": {"a": 1}, "c": [{"a": 2}, 3]}
    assert typed_json.renamed(value, {"a": "b"}, place) == expected
    assert value == {"a": {"a": 1}, "c": [{"a": 2}, 3]}
