"""Parquet: the numbers that were written, from a file or a folder; what is wrong is named."""

import datetime
import decimal
import re
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.formats import parquet


def refuses(message, error=ValueError):
    return pytest.raises(error, match=re.escape(message))


@pytest.fixture
def write(tmp_path):
    """Writes columns as a .parquet file with row groups of this size."""

    def apply(columns, name="rows.parquet", rows=1000):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        table = columns if isinstance(columns, pa.Table) else pa.table(columns)
        pq.write_table(table, path, row_group_size=rows)
        return path

    return apply


@settings(max_examples=50, deadline=None)
@given(
    x=arrays(
        st.sampled_from([np.float64, np.float32, np.int32, np.uint8, np.bool_]),
        array_shapes(min_dims=2, max_dims=2, max_side=7),
    ),
    rows=st.integers(1, 4),
)
def test_numbers_read_back_exactly_whatever_the_row_groups(tmp_path_factory, x, rows, read_rows):
    path = tmp_path_factory.getbasetemp() / "exact.parquet"
    x = np.where(np.isnan(x), 0, x).astype(x.dtype)  # NaN is a missing value
    pq.write_table(pa.table({f"c{i}": c for i, c in enumerate(x.T)}), path, row_group_size=rows)
    table = read_rows(path)
    assert table.x.dtype == (np.float32 if x.dtype == np.float32 else np.float64)
    np.testing.assert_array_equal(table.x, x.astype(np.float64))
    assert table.names == tuple(f"c{i}" for i in range(x.shape[1]))


def test_decimals_and_halves_are_numbers_too(write, read_rows):
    columns = {"a": [decimal.Decimal("1.25")], "b": pa.array(np.array([0.5], np.float16))}
    np.testing.assert_array_equal(read_rows(write(columns)).x, [[1.25, 0.5]])


def test_a_whole_number_beyond_floats_is_rounded_as_in_a_csv(write, read_rows):
    np.testing.assert_array_equal(read_rows(write({"a": [2**60 + 1]})).x, [[2.0**60]])


def test_columns_are_taken_by_name_in_the_order_asked_for(write, read_rows):
    path = write({"a": [1, 5], "b": [2, 6], "c.d": [3, 7], "c": [4, 8]})
    table = read_rows(path, columns=("c.d", "a"))
    assert table.names == ("c.d", "a")
    np.testing.assert_array_equal(table.x, [[3, 1], [7, 5]])


def test_columns_that_are_not_asked_for_may_hold_anything(write, read_rows):
    path = write({"note": ["x", None], "deep": [{"a": 1}, {"a": 2}], "a": [1, 2]})
    np.testing.assert_array_equal(read_rows(path, columns=("a",)).x, [[1], [2]])


def test_the_label_becomes_y_and_the_extra_columns_stay_as_they_are(write, read_rows):
    times = [datetime.datetime(2026, 1, 31, 23, 59, i) for i in range(3)]
    columns = {"a": [1, 2, 3], "machine": ["m", "n", "m"], "time": times, "bad": [0, 1, 0]}
    table = read_rows(write(columns, rows=2), label="bad", extra=("time", "machine"))
    assert table.names == ("a",)
    np.testing.assert_array_equal(table.x, [[1], [2], [3]])
    np.testing.assert_array_equal(table.y, [0, 1, 0])
    np.testing.assert_array_equal(table.extra["machine"], ["m", "n", "m"])
    np.testing.assert_array_equal(table.extra["time"], np.array(times, "datetime64[us]"))


def test_categories_of_pandas_are_their_names_and_a_missing_one_is_none(write, read_rows):
    """(To numpy, pyarrow gives the last of all names for a missing one.)"""
    machine = pa.array(["m", None, "n", "m"]).dictionary_encode()
    table = read_rows(write({"a": [1, 2, 3, 4], "machine": machine}), extra=("machine",))
    assert table.extra["machine"].tolist() == ["m", None, "n", "m"]


def test_the_row_index_of_pandas_is_no_column(write, read_rows):
    path = write({"a": [1, 2], "__index_level_0__": [7, 9]})
    assert read_rows(path).names == ("a",)
    np.testing.assert_array_equal(read_rows(path).x, [[1], [2]])


def test_a_file_of_labels_alone_has_no_features(write, read_rows):
    with refuses("expected columns of numbers. Received: none."):
        read_rows(write({"bad": [0, 1, 0]}), label="bad")


def test_a_folder_is_its_files_in_the_order_of_their_names(write, tmp_path, read_rows):
    write({"a": [3, 4], "b": [7, 8]}, "day/2.parquet")
    write({"b": [5, 6], "a": [1, 2]}, "day/1/part.parquet")  # its columns in another order
    for note in ("_metadata.parquet", ".hidden.parquet", "_temporary/0/part.parquet"):
        write({"z": ["what a program", "left behind"]}, f"day/{note}")
    (tmp_path / "day" / "_SUCCESS").write_text("")
    write({"a": pa.array([], "float64"), "b": pa.array([], "float64")}, "day/3.parquet")
    table = read_rows(tmp_path / "day")
    assert table.names == ("b", "a")
    np.testing.assert_array_equal(table.x, [[5, 1], [6, 2], [7, 3], [8, 4]])


def test_extra_columns_and_labels_of_a_folder_go_on_from_file_to_file(write, tmp_path, read_rows):
    write({"a": [1.0], "m": ["x"], "y": [0]}, "day/1.parquet")
    write({"a": [2.0], "m": ["y"], "y": [1]}, "day/2.parquet")
    table = read_rows(tmp_path / "day", label="y", extra=("m",))
    assert (table.y.tolist(), table.extra["m"].tolist()) == ([0, 1], ["x", "y"])


def test_files_whose_columns_differ_are_refused(write, tmp_path, read_rows):
    write({"a": [1], "b": [2]}, "day/1.parquet")
    write({"a": [1], "c": [2]}, "day/2.parquet")
    with refuses(
        f"{tmp_path / 'day'}: expected files with the same columns. Received: 'b' in 1.parquet "
        "alone, 'c' in 2.parquet alone."
    ):
        read_rows(tmp_path / "day")


def test_a_column_whose_type_differs_between_files_is_refused_with_the_file(
    write, tmp_path, read_rows
):
    write({"a": [1]}, "day/1.parquet")
    second = write({"a": [datetime.date(2026, 1, 1)]}, "day/2.parquet")
    with refuses(f"{second}: expected numbers in column 'a'. Received: date32[day]."):
        read_rows(tmp_path / "day")


def test_text_that_reads_as_numbers_is_numbers_as_in_a_csv(write, tmp_path, read_rows):
    write({"a": [1, 2]}, "day/1.parquet")
    write({"a": ["1.5", "True"]}, "day/2.parquet")
    assert read_rows(tmp_path / "day").x.ravel().tolist() == [1, 2, 1.5, 1]


def test_columns_say_whether_they_hold_numbers(write):
    path = write(
        {
            "n": [1.5, None],
            "flag": [True, False],
            "text": ["a", "b"],
            "when": [datetime.date(2026, 1, 1)] * 2,
            "kind": pa.array(["a", "b"]).dictionary_encode(),
            "label": [0, 1],
            "__index_level_0__": [0, 1],
        }
    )
    expected = {"n": True, "flag": True, "text": False, "when": False, "kind": False}
    assert parquet.columns(path, Wanted(extra=("label",))) == expected


def test_text_where_a_number_is_expected_is_refused_by_its_column(write, read_rows):
    with refuses("row 0: expected a number in column 'm'. Received: 'x'."):
        read_rows(write({"a": [1], "m": ["x"]}))


def test_a_row_without_a_value_is_a_bad_row(write, read_rows):
    with refuses("row 1: no value in column 'a'."):
        read_rows(write({"a": [1, None], "b": [0.25, 0.5]}))


@pytest.mark.parametrize(
    "options", [{"columns": ("a", "flow")}, {"label": "flow"}, {"extra": ("flow",)}]
)
def test_a_missing_column_is_refused_with_those_there_are(write, options, read_rows):
    path = write({"a": [1], "b": [2]})
    with refuses(f"{path}: expected the column 'flow'. Received: no such column in a, b."):
        read_rows(path, **options)


def test_a_column_named_twice_is_refused(write, read_rows):
    path = write(pa.table([[1], [2]], names=["a", "a"]))
    with refuses("expected the column 'a'. Received: several columns of that name in a, a."):
        read_rows(path)


def test_a_table_without_rows_is_refused(write, read_rows):
    path = write({"a": pa.array([], "float64")})
    with refuses(f"{path}: expected rows. Received: none."):
        read_rows(path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"a,b\n1,2\n", b"PAR1" + bytes(64) + b"PAR1"])
def test_what_is_no_parquet_file_is_refused_by_its_name(tmp_path, content, read_rows):
    path = tmp_path / "rows.parquet"
    path.write_bytes(content)
    with refuses(f"{path} is not a readable Parquet file: "):
        read_rows(path)


@pytest.mark.parametrize("damage", ["cut", "header", "page"])
def test_a_damaged_file_is_one_line_that_names_it(write, damage, read_rows):
    path = write({"a": ["some words"] * 500, "b": np.random.default_rng(0).normal(size=500)})
    content = bytearray(path.read_bytes())
    if damage == "cut":
        del content[-100:]
    else:  # of the first page: its header, or the compressed text behind it
        first = {"header": 4, "page": content.index(b"some words") - 2}[damage]
        content[first : first + 12] = b"\xff" * 12
    path.write_bytes(content)
    with refuses(f"{path} is not a readable Parquet file: ") as e:
        read_rows(path, extra=("a",))
    assert "\n" not in str(e.value)


def test_text_that_is_no_utf_8_is_refused_by_its_file(write, read_rows):
    text = pa.array([b"caf\xe9" * 5]).cast("string", safe=False)
    path = write({"a": [1.0], "m": text})
    with refuses(f"{path} is not a readable Parquet file: "):
        read_rows(path, extra=("m",))


def test_a_missing_pyarrow_is_said_with_what_to_do(write, monkeypatch, read_rows):
    path = write({"a": [1]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with refuses(
        f"{path}: reading Parquet needs pyarrow: pip install 'vae-runtime[batch]', or give the "
        "rows as .npy or .csv."
    ):
        read_rows(path)


def test_columns_to_pass_through_keep_their_types(tmp_path, read_rows):
    ids = pa.array([2**53 + 1, None, 5])
    pq.write_table(
        pa.table({"a": [1.0, 2.0, 3.0], "k": ids}), tmp_path / "r.parquet", row_group_size=2
    )
    found = read_rows(tmp_path / "r.parquet", columns=("a",), kept=("k",)).kept["k"]
    assert found.combine_chunks().equals(ids)
