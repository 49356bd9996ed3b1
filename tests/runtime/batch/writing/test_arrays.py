"""Arrays written row by row are those that numpy writes at once, byte for byte."""

import io
import re
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_runtime.batch.writing import arrays as module
from vae_runtime.batch.writing.arrays import NpyWriter, NpzWriter, to_numpy

DTYPES = [np.float32, np.float64, np.int64, np.bool_, np.uint8, "datetime64[us]", "<U3"]


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def bytes_of(opener, folder, tables):
    writer = opener(folder / "results")
    try:
        for table in tables:
            writer.write(table)
    finally:
        writer.close()
    return (folder / "results").read_bytes()


def saved(save, *args, **kwargs):
    buffer = io.BytesIO()
    save(buffer, *args, **kwargs)
    return buffer.getvalue()


parts = st.tuples(
    st.sampled_from(DTYPES),
    st.sampled_from([(), (3,), (2, 2)]),
    st.lists(st.integers(0, 4), max_size=4),
).flatmap(lambda of: st.tuples(*(arrays(of[0], (n, *of[1])) for n in [1, *of[2]])))


@settings(max_examples=100, deadline=None)
@given(parts=parts, chunk=st.sampled_from([1, 7, 2**22]))
def test_npz_is_what_savez_writes(tmp_path_factory, parts, chunk):
    tables = [{"row": np.arange(len(part)), "x": part} for part in parts]
    whole = {name: np.concatenate([t[name] for t in tables]) for name in tables[0]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", chunk)
        found = bytes_of(NpzWriter, tmp_path_factory.getbasetemp(), tables)
    assert found == saved(np.savez, **whole)


@settings(max_examples=100, deadline=None)
@given(parts=parts)
def test_npy_is_what_save_writes(tmp_path_factory, parts):
    found = bytes_of(NpyWriter, tmp_path_factory.getbasetemp(), [{"x": part} for part in parts])
    assert found == saved(np.save, np.concatenate(parts))


def test_the_header_is_of_one_length_however_many_rows():
    first = np.empty((0, 3), np.float32)
    assert {len(module.header(first, 10**digits)) for digits in range(19)} == {128}


@settings(max_examples=50, deadline=None)
@given(
    texts=st.lists(st.lists(st.text(max_size=9), max_size=5), min_size=1), chunk=st.integers(1, 99)
)
def test_text_is_as_wide_as_the_widest(tmp_path_factory, texts, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", chunk)
        tables = [{"machine": np.array(each, np.str_)} for each in texts]
        found = bytes_of(NpzWriter, tmp_path_factory.getbasetemp(), tables)
    assert found == saved(np.savez, machine=np.array([t for each in texts for t in each], np.str_))


def test_columns_of_transposed_and_cut_arrays(tmp_path):
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    found = np.load(io.BytesIO(bytes_of(NpzWriter, tmp_path, [{"x": x.T}, {"x": x.T[::2]}])))
    np.testing.assert_array_equal(found["x"], np.concatenate([x.T, x.T[::2]]))


KEPT = {  # column, the array of it
    "float": (pa.array([1.5, np.nan], pa.float32()), np.array([1.5, np.nan], np.float32)),
    "int": (pa.array([2**62 + 1]), np.array([2**62 + 1])),
    "bool": (pa.array([True, False]), np.array([True, False])),
    "text": (pa.array(["ab", ""]), np.array(["ab", ""])),
    "category": (pa.array(["ab", "ab"]).dictionary_encode(), np.array(["ab", "ab"])),
    "decimal": (pa.array([1, 2]).cast(pa.decimal128(19)), np.array([1.0, 2.0])),
    "time": (
        pa.array([5, None], pa.timestamp("ns", "UTC")),
        np.array([5, "NaT"], "datetime64[ns]"),
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_kept_columns_become_arrays(name):
    column, expected = KEPT[name]
    found = to_numpy(column, "", "")
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("values", [[3, None], [0.5, None], [None, np.nan], [Decimal("1.5"), None]])
def test_numbers_are_refused_where_a_row_has_none(tmp_path, values):
    tables = [{"id": pa.array(values[:1])}, {"id": pa.array(values)}]
    for opener in (NpzWriter, NpyWriter):
        with refuses("column 'id': expected"):
            bytes_of(opener, tmp_path, tables)


@pytest.mark.parametrize(
    ("first", "second"), [([True], [1]), ([1], [True]), ([0.5], [False]), (["7"], [7])]
)
def test_truths_are_no_numbers_and_these_no_texts(tmp_path, first, second):
    tables = [{"k": pa.array(first)}, {"k": pa.array(second)}]
    for opener in (NpzWriter, NpyWriter):
        with refuses("column 'k'"):
            bytes_of(opener, tmp_path, tables)


def test_whole_numbers_are_floats_where_other_rows_have_these(tmp_path):
    tables = [{"id": pa.array([1, 2])}, {"id": pa.array([3.5])}, {"id": pa.array([4])}]
    found = np.load(io.BytesIO(bytes_of(NpzWriter, tmp_path, tables)))["id"]
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [1, 2, 3.5, 4])


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32])
def test_the_largest_number_of_a_type_is_a_float_as_well(tmp_path, dtype):
    limits = np.iinfo(dtype)
    tables = [{"id": pa.array([limits.min, limits.max], pa.from_numpy_dtype(dtype))}]
    tables.append({"id": pa.array([1.5, np.nan])})
    found = np.load(io.BytesIO(bytes_of(NpzWriter, tmp_path, tables)))["id"]
    np.testing.assert_array_equal(found, [limits.min, limits.max, 1.5, np.nan])


@pytest.mark.parametrize(
    ("column", "received"),
    [
        (pa.array([[1]]), "list<item: int64>"),
        (pa.array([True, None]), "bool with missing values"),
        (pa.array([b"a"]), "binary"),
    ],
)
def test_what_no_array_holds_is_refused(tmp_path, column, received):
    message = (
        f"column 'kept': expected numbers, text or times for arrays. Received: {received}. "
        "Write .parquet, .csv or .jsonl."
    )
    for opener in (NpzWriter, NpyWriter):
        with refuses(message):
            bytes_of(opener, tmp_path, [{"kept": column}])


@pytest.mark.parametrize(
    "second", [np.array(["a"]), np.zeros((1, 2), np.float32), np.zeros(1, "datetime64[s]")]
)
def test_a_column_that_changes_is_refused(tmp_path, second):
    for opener in (NpzWriter, NpyWriter):
        with refuses("column 'x'"):
            bytes_of(opener, tmp_path, [{"x": np.zeros(1, np.float32)}, {"x": second}])


@pytest.mark.parametrize(
    ("column", "received"),
    [
        (pa.array(["a", None]), "rows without a value"),
        (pa.array(["a", None]).dictionary_encode(), "rows without a value"),
        (pa.array(["a\0"]), "text that ends with NUL"),
        (pa.array([5], pa.timestamp("ns", "Europe/Berlin")), "timestamp[ns, tz=Europe/Berlin]"),
        (pa.array([5], pa.timestamp("s", "-03:30")), "timestamp[s, tz=-03:30]"),
    ],
)
def test_what_arrays_would_change_is_refused(tmp_path, column, received):
    for opener in (NpzWriter, NpyWriter):
        with pytest.raises(ValueError, match=f"column 'kept': expected t.*{re.escape(received)}"):
            bytes_of(opener, tmp_path, [{"kept": column}])


def test_several_columns_for_one_array_are_refused(tmp_path):
    message = "expected one column for a .npy file. Received: score, p_value. Write .npz."
    with refuses(message):
        bytes_of(NpyWriter, tmp_path, [{"score": np.zeros(1), "p_value": np.zeros(1)}])


def test_nothing_written_is_an_empty_file_of_its_kind(tmp_path):
    assert np.load(io.BytesIO(bytes_of(NpzWriter, tmp_path, []))).files == []
    assert np.load(io.BytesIO(bytes_of(NpyWriter, tmp_path, []))).shape == (0,)
