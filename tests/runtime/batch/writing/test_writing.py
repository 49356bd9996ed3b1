"""Equal results give equal bytes: however they are cut, and out of a journal too."""

import itertools
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_runtime.batch.columns import pack, unpack
from vae_runtime.batch.writing import WRITERS, columnar, open_writer

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)


@st.composite
def results(draw):
    """Columns of all kinds, of some rows."""
    n = draw(st.integers(1, 12))
    texts = draw(st.lists(TEXT, min_size=n, max_size=n))
    numbers = draw(st.lists(st.integers(-9, 2**40), min_size=n, max_size=n))
    maybe = draw(st.lists(st.none() | TEXT, min_size=n, max_size=n))
    return {
        "row": np.arange(n),
        "score": draw(arrays(np.float32, n)),
        "p_value": draw(arrays(np.float64, n)),
        "is_anomaly": draw(arrays(bool, n)),
        "z": draw(arrays(np.float32, (n, 3))),
        "machine": texts,
        "id": pa.array(numbers),
        "note": pa.array(maybe, pa.string()),
        "at": pa.array(numbers, pa.timestamp("us", "UTC")),
        "kind": pa.array(maybe, pa.string()).dictionary_encode(),
    }


def part(table, start, stop):
    """Rows of a table, whose text is as wide as the widest among them."""
    return {
        name: np.array(c[start:stop]) if isinstance(c, list) else c[start:stop]
        for name, c in table.items()
    }


def parts(table, cuts):
    """A table in parts that end at these rows."""
    rows = len(table["row"])
    places = [0, *sorted({min(cut, rows) for cut in cuts} - {0, rows}), rows]
    return [part(table, a, b) for a, b in itertools.pairwise(places)]


def written(folder, ending, tables):
    """The bytes of the file; without text of which arrays cannot say that a row has none."""
    if ending == ".npz":
        nullable = ("note", "kind")
        tables = [{k: c for k, c in table.items() if k not in nullable} for table in tables]
    path = folder / "results"
    writer = open_writer(path, ending)
    try:
        for table in tables:
            writer.write({"score": table["score"]} if ending == ".npy" else table)
    finally:
        writer.close()
    return path.read_bytes()


@pytest.mark.parametrize("ending", WRITERS)
@settings(max_examples=30, deadline=None)
@given(table=results(), cuts=st.lists(st.integers(1, 12), max_size=4))
def test_columns_out_of_a_journal_give_the_same_bytes(tmp_path_factory, ending, table, cuts):
    tables = parts(table, cuts)
    replayed = [{name: unpack(pack(column)) for name, column in t.items()} for t in tables]
    folder = tmp_path_factory.getbasetemp()
    assert written(folder, ending, replayed) == written(folder, ending, tables)


@pytest.mark.parametrize("ending", [e for e in WRITERS if e not in (".arrow", ".feather")])
@settings(max_examples=30, deadline=None)
@given(table=results(), cuts=st.lists(st.integers(1, 12), max_size=4), rows=st.integers(1, 5))
def test_bytes_do_not_depend_on_how_rows_are_cut(tmp_path_factory, ending, table, cuts, rows):
    folder = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columnar, "GROUP_ROWS", rows)
        assert written(folder, ending, parts(table, cuts)) == written(
            folder, ending, parts(table, [])
        )


@pytest.mark.parametrize("ending", WRITERS)
def test_bytes_do_not_depend_on_when_and_where(tmp_path, ending, monkeypatch):
    tables = [{"score": np.arange(3, dtype=np.float32)}]
    before = written(tmp_path, ending, tables)
    monkeypatch.setattr("time.time", lambda: 2e9)
    (tmp_path / "elsewhere").mkdir()
    assert written(tmp_path / "elsewhere", ending, tables) == before


@pytest.mark.parametrize("ending", WRITERS)
def test_nothing_stays_beside_the_file_even_where_nothing_is_written(tmp_path, ending):
    open_writer(tmp_path / "aside", ending).close()
    assert [path.name for path in tmp_path.iterdir()] == ["aside"]


@pytest.mark.parametrize("ending", [".txt", "", ".CSV", ".parquet.gz"])
def test_an_unknown_ending_is_refused_with_those_that_are_known(tmp_path, ending):
    expected = "expected an output of .csv, .jsonl, .npz, .npy, .parquet, .arrow, .feather. Rece"
    with pytest.raises(ValueError, match=re.escape(expected)):
        open_writer(tmp_path / "x", ending)
    assert not list(tmp_path.iterdir())
