"""Rows out of record batches: columns of numbers, lists and tensors, with values missing."""

import datetime
import decimal
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_runtime.rows.formats.columnar import block_of, check_kept, columns_of
from vae_runtime.rows.formats.columnar_values import machines_of, rows_of
from vae_runtime.rows.text.tables import ColumnError

ABC = ("a", "b", "c")


def refuses(message, error=ValueError):
    return pytest.raises(error, match=re.escape(message))


def rows(columns, wanted):
    batch = pa.record_batch(columns)
    return rows_of(batch, columns_of(batch.schema.names, wanted, "f"), wanted, "f")


NUMBERS = [np.float64, np.float32, np.float16, np.int8, np.uint16, np.int64, np.bool_]


@settings(max_examples=100, deadline=None)
@given(
    columns=st.integers(0, 5).flatmap(
        lambda n: st.tuples(*[st.sampled_from(NUMBERS).flatmap(lambda d: arrays(d, n))] * 3)
    )
)
def test_columns_of_numbers_are_the_same_in_numpy(request, columns):
    wanted = request.getfixturevalue("wanted")((3,), ABC)._replace(allow_missing=True)
    x, bad = rows(dict(zip("cab", columns, strict=True)), wanted)
    c, a, b = columns
    np.testing.assert_array_equal(x, np.stack([a, b, c], 1).astype(np.float64))
    assert x.dtype == (np.float32 if all(v.dtype == np.float32 for v in columns) else np.float64)
    assert x.shape == (len(a), 3)
    assert not bad


def test_decimals_are_numbers_and_no_value_is_nan_or_a_bad_row(wanted):
    columns = {"a": [decimal.Decimal("1.25"), None], "b": [2**53 + 1, None], "c": [True, None]}
    with_holes = wanted((3,), ABC)._replace(allow_missing=True)
    x, bad = rows(columns, with_holes)
    np.testing.assert_array_equal(x, [[1.25, 2**53, 1], [np.nan] * 3])
    assert not bad
    x, bad = rows(columns, wanted((3,), ABC))
    np.testing.assert_array_equal(x, [[1.25, 2**53, 1], [0] * 3])
    assert bad == {1: "no value in column 'a'."}
    singles = {name: pa.array([1, None], pa.float32()) for name in ABC}
    np.testing.assert_array_equal(rows(singles, with_holes)[0], [[1] * 3, [np.nan] * 3])


def test_text_is_read_as_cells_and_times_are_refused(wanted):
    x, bad = rows({"a": [1] * 3, "b": ["1", "yes", "x"], "c": [1] * 3}, wanted((3,), ABC))
    np.testing.assert_array_equal(x, [[1, 1, 1], [1, 1, 1], [0, 0, 0]])
    assert bad == {2: "expected a number in column 'b'. Received: 'x'."}
    with refuses("f: expected numbers in column 'b'. Received: date32[day]."):
        rows({"a": [1], "b": [datetime.date(2026, 1, 1)], "c": [1]}, wanted((3,), ABC))


def test_a_slice_of_a_batch_has_its_own_rows(wanted):
    batch = pa.record_batch({"x": pa.array(np.arange(12.0).reshape(6, 2).tolist())}).slice(2, 3)
    found, _ = rows_of(batch, ["x"], wanted((2,)), "f")
    np.testing.assert_array_equal(found, np.arange(12.0).reshape(6, 2)[2:5])


X = np.arange(24).reshape(4, 2, 3)
NESTED = [
    pa.array(X.tolist(), pa.list_(pa.list_(pa.int16()))),
    pa.array(X.reshape(4, 6).tolist(), pa.large_list(pa.float32())),
    pa.array(X.reshape(4, 6).tolist(), pa.list_(pa.float64(), 6)),
    pa.array(X.tolist(), pa.list_(pa.list_(pa.uint8(), 3), 2)),
    pa.FixedShapeTensorArray.from_numpy_ndarray(X),
]


@pytest.mark.parametrize("column", NESTED, ids=lambda column: str(column.type)[:40])
@pytest.mark.parametrize("start", [0, 1])
def test_lists_and_tensors_are_rows(wanted, column, start):
    x, bad = rows({"x": column.slice(start)}, wanted((2, 3)))
    np.testing.assert_array_equal(x, X[start:])
    assert x.shape == (4 - start, 2, 3)
    assert not bad


def test_the_list_may_be_another_column_even_where_features_have_names(wanted):
    asked = wanted((3,), ABC, column="v")
    np.testing.assert_array_equal(rows({"v": [[1, 2, 3]]}, asked)[0], [[1, 2, 3]])
    one = wanted((1,), ("x",))
    np.testing.assert_array_equal(rows({"x": [[1.0]]}, one)[0], [[1]])
    np.testing.assert_array_equal(rows({"x": [1.0]}, one)[0], [[1]])


@pytest.mark.parametrize("kind", [pa.float32(), pa.int16()])
def test_lists_of_other_shapes_are_bad_and_the_others_are_not(wanted, kind):
    lists = [[1, 2, 3], None, [1, 2], [4, 5, 6], [], [1, None, 3]]
    x, bad = rows({"x": pa.array(lists, pa.list_(kind))}, wanted())
    shapes = {
        i: f"expected numbers of shape (3,). Received: lists of ({n},)."
        for i, n in ((2, 2), (4, 0))
    }
    missing = {1: "expected numbers of shape (3,). Received: no value."}
    if kind == pa.int16():
        assert bad == shapes | missing | {5: "expected a number in each place. Received: no value."}
    else:
        assert bad == shapes | missing
        np.testing.assert_array_equal(x[5], [1, np.nan, 3])
    np.testing.assert_array_equal(x[[0, 3]], [[1, 2, 3], [4, 5, 6]])
    assert not x[list(bad)].any()


@pytest.mark.parametrize("whole", [True, False])
def test_lists_nested_the_other_way_are_not_turned_round(wanted, whole):
    other = X.reshape(4, 3, 2).tolist()
    lists = other if whole else [*other, X[0].tolist()]
    _, bad = rows({"x": lists}, wanted((2, 3)))
    assert bad == dict.fromkeys(
        range(4), "expected numbers of shape (2, 3). Received: lists of (3, 2)."
    )


def test_lists_that_make_up_for_each_other_are_bad(wanted):
    _, bad = rows({"x": [[[1, 2], [3], [4, 5, 6]], [[1, 2], [3, 4], [5, 6]]]}, wanted((3, 2)))
    assert bad == {0: "expected numbers of shape (3, 2). Received: lists of several lengths."}
    _, bad = rows({"x": [[1, 2], [1, 2, 3, 4]]}, wanted((3,)))
    assert list(bad) == [0, 1]


def test_whole_numbers_beyond_those_of_floats_stay_whole_where_lists_differ(wanted):
    x, bad = rows({"x": [[2**60 + 1], [1, 2]]}, wanted((1,)))
    assert x[0, 0] == 2**60 + 1
    assert list(bad) == [1]


def test_lists_of_text_are_refused(wanted):
    with refuses("f: column 'x': expected lists of numbers. Received: list<"):
        rows({"x": [["1"]]}, wanted((1,)))


def test_a_column_of_numbers_is_no_image(wanted):
    with refuses("f: expected lists of shape (2, 3) in column 'x'. Received: double."):
        rows({"x": [1.0]}, wanted((2, 3)))


def test_without_names_of_features_all_columns_are_taken_but_those_that_are_kept(wanted):
    asked = wanted((2,), keep=("id",))
    names = ["p", "id", "q", "__index_level_0__"]
    assert columns_of(names, asked, "f") == ["p", "q"]
    with refuses("expected the column 'x' of rows as lists", ColumnError):
        columns_of(names, wanted((2,)), "f")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b"], "f: expected the column 'c'. Received: no such column in a, b."),
        (["a", "b", "c", "a"], "f: expected the column 'a'. Received: several columns"),
    ],
)
def test_columns_that_are_missing_are_named(wanted, names, message):
    with refuses(message, ColumnError):
        columns_of(names, wanted((3,), ABC), "f")
    with refuses("f: expected the column 'id'", ColumnError):
        check_kept(names, wanted((3,), ABC, keep=("id",)), "f")


@pytest.mark.parametrize(
    ("column", "names"),
    [
        (pa.array(["p", None, ""]), ["p", "", ""]),
        (pa.array(["p", None, "q"]).dictionary_encode(), ["p", "", "q"]),
        (pa.array([2**60 + 1, None, 3]), [str(2**60 + 1), "", "3"]),
        (pa.array([2**60 + 1, 2, 3]), [str(2**60 + 1), "2", "3"]),
        (pa.array([1.0, None, 3.0]), ["1", "", "3"]),
        (pa.array([None, None, None], pa.string()), ["", "", ""]),
    ],
)
def test_machines_are_named_and_those_without_a_name_are_bad(column, names):
    bad = {}
    assert machines_of(column, bad).tolist() == names
    assert list(bad) == [i for i, name in enumerate(names) if not name]


def test_machines_that_are_no_names_are_refused():
    with refuses("expected the name of a machine"):
        machines_of(pa.array([1.5, 2.0]), {})


def test_a_part_keeps_columns_as_they_are(wanted):
    batch = pa.record_batch({"x": [[1.0], [2.0]], "id": ["p", None], "u": [7, 8]})
    block = block_of(batch, "f", 40, wanted((1,), keep=("id",), machine_column="u"), ["x"])
    np.testing.assert_array_equal(block.where["row"], [40, 41])
    assert block.kept["id"].to_pylist() == ["p", None]
    assert block.machines.tolist() == ["7", "8"]
