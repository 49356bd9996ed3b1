"""Lines of JSON: rows by name or as lists, in ranges; each bad line by itself."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_runtime.rows.formats import ranges, registry
from vae_runtime.rows.text.tables import ColumnError

ABC = ("a", "b", "c")


def refuses(message, error=ValueError):
    return pytest.raises(error, match=re.escape(message))


@pytest.fixture
def write(tmp_path):
    def apply(*lines, name="rows.jsonl", end="\n"):
        path = tmp_path / name
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path.write_bytes(end.join([*texts, ""]).encode())
        return path

    return apply


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.ndjson"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("size", [1, 30, 2**20])
def test_objects_hold_features_by_name(write, wanted, read, monkeypatch, name, end, size):
    monkeypatch.setattr(ranges, "BLOCK", size)
    monkeypatch.setattr(ranges, "SHARD_BYTES", size)
    rows = [{"c": i / 7, "other": [1, {}], "a": i, "b": -1e300} for i in range(9)]
    path = write("\ufeff", rows[0], "", "  ", *rows[1:], name=name, end=end)
    found = read(path, wanted((3,), ABC))
    np.testing.assert_array_equal(found.x, [[i, -1e300, i / 7] for i in range(9)])
    assert found.x.dtype == np.float64
    np.testing.assert_array_equal(found.row, np.arange(9))
    assert not found.bad


@settings(max_examples=50, deadline=None)
@given(
    x=st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 3), min_size=1),
    block=st.integers(1, 99),
)
def test_numbers_read_back_exactly(tmp_path_factory, request, x, block):
    path = tmp_path_factory.getbasetemp() / "exact.jsonl"
    path.write_text("\n".join(json.dumps(dict(zip(ABC, row, strict=True))) for row in x))
    wanted, read = request.getfixturevalue("wanted"), request.getfixturevalue("read")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "BLOCK", block)
        patch.setattr(ranges, "SHARD_BYTES", block)
        np.testing.assert_array_equal(read(path, wanted((3,), ABC)).x, x)


@pytest.mark.parametrize("as_line", [lambda v: v, lambda v: {"x": v}], ids=["bare", "key"])
def test_lists_are_nested_or_flat(write, wanted, read, as_line):
    rows = np.arange(30.0).reshape(5, 2, 3)
    path = write(
        *(as_line(r.tolist() if i % 2 else r.ravel().tolist()) for i, r in enumerate(rows))
    )
    np.testing.assert_array_equal(read(path, wanted((2, 3))).x, rows)


def test_another_key_may_hold_the_lists_even_where_features_have_names(write, wanted, read):
    path = write({"v": [1, 2, 3]}, {"v": [4, 5, 6]})
    found = read(path, wanted((3,), ABC, column="v"))
    np.testing.assert_array_equal(found.x, [[1, 2, 3], [4, 5, 6]])


def test_bad_lines_are_named(write, wanted, read):
    whole = {"a": 1, "b": 2, "c": 3}
    path = write(
        whole, "", "{", whole | {"b": None}, {"a": 1, "b": 2}, whole | {"c": "abc"},
        whole | {"a": True}, "7", [1, 2], whole | {"a": "1_0"}, "[" * 100_000, whole,
    )  # fmt: skip
    found = read(path, wanted((3,), ABC))
    assert {i: re.sub(r"'\[.*", "...", why) for i, why in found.bad.items()} == {
        1: "line 3: expected JSON. Received: '{' (Expecting property name enclosed in double "
        "quotes: line 1 column 2 (char 1)).",
        2: "line 4: no value in column 'b'.",
        3: "line 5: expected 'c'. Received: ['a', 'b'].",
        4: "line 6: expected a number in column 'c'. Received: 'abc'.",
        6: "line 8: expected numbers of shape (3,). Received: 7.",
        7: "line 9: expected numbers of shape (3,). Received: lists of (2,).",
        8: "line 10: expected a number in column 'a'. Received: '1_0'.",
        9: "line 11: expected JSON. Received: ...",
    }
    np.testing.assert_array_equal(found.x[[0, 10]], [[1, 2, 3]] * 2)


def test_text_is_a_number_where_it_reads_as_one_as_in_a_live_stream(write, wanted, read):
    huge = int("9" * 400)
    path = write({"a": "1.5", "b": huge, "c": 2**53 + 1}, '{"a": NaN, "b": -Infinity, "c": 0}')
    found = read(path, wanted((3,), ABC))
    np.testing.assert_array_equal(found.x, [[1.5, np.inf, 2**53], [0, 0, 0]])
    assert found.bad == {1: "line 2: no value in column 'a' (nan)."}


def test_a_truth_is_one_or_zero_and_words_are_no_value(write, wanted, read):
    found = read(write({"a": 1}, {"a": True}, {"a": "off"}, {"a": "Bad"}), wanted((1,), ("a",)))
    assert found.bad == {3: "line 4: no value in column 'a' (Bad)."}
    np.testing.assert_array_equal(found.x, [[1], [1], [0], [0]])
    lists = read(write([1.5], [False]), wanted((1,)))
    np.testing.assert_array_equal(lists.x, [[1.5], [0]])


def test_lists_that_make_up_for_each_other_are_bad(write, wanted, read):
    found = read(write([[1, 2], [3], [4, 5, 6]]), wanted((3, 2)))
    assert found.bad == {0: "line 1: expected lists of one length. Received: lists of several."}


@pytest.mark.parametrize("size", [1, 20, 2**20])
def test_lines_are_numbered_whatever_the_shards(write, wanted, read, monkeypatch, size):
    monkeypatch.setattr(ranges, "BLOCK", size)
    monkeypatch.setattr(ranges, "SHARD_BYTES", size)
    found = read(write([1], "", *[[1]] * 9, "oops", [1]), wanted((1,)))
    assert {row: why.split(":")[0] for row, why in found.bad.items()} == {10: "line 12"}


@pytest.mark.parametrize(
    "value",
    [[[1, 2], [3], [4, 5, 6]], [[1, 2], [3, 4], [5, 6]], [1, [2, 3], 4, 5, 6], [], [[]], [[[]]]],
)
def test_lists_of_other_shapes_are_bad(write, wanted, read, value):
    found = read(write([[1, 2, 3], [4, 5, 6]], value), wanted((2, 3)))
    assert list(found.bad) == [1]


def test_keys_that_are_kept_stay_as_they_are_however_the_file_is_cut(
    write, wanted, read, monkeypatch
):
    values = [7, "é 7 ", 1.0, None, True, [1, "é"], {"k": None}]
    path = write(*({"x": [1], "id": v} for v in values), {"x": [1]})
    for size in (1, 2**20):
        monkeypatch.setattr(ranges, "BLOCK", size)
        monkeypatch.setattr(ranges, "SHARD_BYTES", size)
        found = read(path, wanted((1,), keep=("id",)))
        kept = found.kept["id"].tolist()
        assert kept == [*values, None]
        assert list(map(type, kept)) == [*map(type, values), type(None)]
        assert len(found.shards) == (8 if size == 1 else 1)


def test_a_line_whose_machine_is_not_named_is_bad(write, wanted, read):
    path = write({"x": [1], "u": 12}, {"x": [1]}, {"x": [1], "u": "p"})
    found = read(path, wanted((1,), machine_column="u"))
    assert found.machines.tolist() == ["12", "", "p"]
    assert found.bad == {1: "expected the name of a machine. Received: none."}


@pytest.mark.parametrize(
    ("line", "options", "missing"),
    [
        ({"a": 1, "b": 2}, {"names": ABC}, "c"),
        ({"a": 1, "b": 2}, {}, "x"),
        ({"x": [1, 2, 3]}, {"keep": ("id",)}, "id"),
        ({"x": [1, 2, 3]}, {"machine_column": "id"}, "id"),
        ([1, 2, 3], {"keep": ("id",)}, "id"),
    ],
)
def test_keys_that_no_row_has_are_missed_at_once(write, wanted, line, options, missing):
    with refuses(f"expected the key {missing!r}", ColumnError):
        registry.plan(write(line, line), wanted((3,), **options))


def test_a_bad_first_line_is_bad_alone(write, wanted, read):
    found = read(write("oops", {"a": 1}, {"a": 1, "b": 2, "c": 3}), wanted((3,), ABC))
    assert list(found.bad) == [0, 1]


def test_an_empty_file_has_no_rows(write, wanted):
    assert registry.plan(write("", " "), wanted((3,), ABC)) == []


def test_a_file_that_is_one_long_line_is_refused(write, wanted):
    with refuses("expected lines of at most 1,048,576 bytes"):
        registry.plan(write([0] * 1_500_000), wanted((3,)))


def test_text_that_is_not_utf8_is_refused(wanted, tmp_path):
    (tmp_path / "rows.jsonl").write_bytes('{"é": 1, "x": [1]}\n'.encode("latin-1"))
    with refuses("expected text in utf-8"):
        registry.plan(tmp_path / "rows.jsonl", wanted((1,)))
