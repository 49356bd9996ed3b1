"""Tables in every dialect: one table, however it is written, has the same numbers to the bit."""

import csv
import io

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vae_runtime.bundle.records import Dialect
from vae_runtime.rows.formats import csv as text_tables
from vae_runtime.rows.formats import csv_fast, registry
from vae_runtime.rows.text.cells import MISSING, TRUE, CellFormat
from vae_runtime.rows.text.dialect import Reading

AB = ("a", "b")
WORDS = sorted({*MISSING, "NA", "N/A", "Bad", "NULL", "NaN", " na "} - {""})
PARSERS = {
    "pyarrow": csv_fast.parse_by_arrow,
    "numpy": csv_fast.parse_by_numpy,
    "cells": lambda block, cells, rows: None,
}


@pytest.fixture
def write(tmp_path):
    def apply(text, name="t.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return apply


def cells_of(value, dialect, draw):
    """Ways to write a number, a truth or no value in a dialect."""
    if value is None:
        return draw(st.sampled_from([w for w in WORDS if not w.startswith("#")]))
    if isinstance(value, bool):
        return draw(st.sampled_from(["yes", "True", "ON"] if value else ["No", "false", "off"]))
    whole, dot, fraction = repr(value).partition(".")
    if dialect.thousands is not None and "e" not in repr(value) and draw(st.booleans()):
        whole = f"{int(whole):,}".replace(",", dialect.thousands) if whole != "-0" else whole
    return whole + (dialect.decimal + fraction if dot else "")


VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-9e6, 9e6).map(lambda v: round(v, 3)),
    st.integers(-(2**60), 2**60).map(float),
    st.booleans(),
    st.none(),
)
DIALECTS = st.builds(
    Dialect,
    sep=st.sampled_from([",", ";", "\t", "|", " "]),
    decimal=st.sampled_from([".", ","]),
    thousands=st.sampled_from([None, ".", ",", "'", " "]),
    encoding=st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "latin-1", "cp1252"]),
    comment=st.sampled_from([None, "#", "%"]),
    skiprows=st.integers(0, 2),
).filter(lambda d: d.decimal != d.thousands and not (d.sep == " " and d.thousands == " "))


@st.composite
def tables(draw):
    """A dialect, the values of a table, and the text of it."""
    dialect = draw(DIALECTS)
    rows = draw(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=12))
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=dialect.sep, lineterminator="\n")
    file.write("über allem\n" * dialect.skiprows)
    writer.writerow(AB)
    for row in rows:
        if dialect.comment is not None and draw(st.booleans()):
            file.write(f"{dialect.comment} a remark; 1,2\n")
        writer.writerow([cells_of(value, dialect, draw) for value in row])
    text = file.getvalue()
    if dialect.sep == " ":
        text = "".join(f"  {line} \n" for line in text.splitlines())
    return dialect, rows, text


@settings(max_examples=200, deadline=None)
@given(table=tables())
@example(table=(Dialect(sep=";", decimal=","), [(1.5, None)], "a;b\n1,5;-\n"))
@pytest.mark.parametrize("parser", PARSERS)
def test_a_table_has_the_same_numbers_in_every_dialect(tmp_path_factory, request, parser, table):
    """Those of Python's own `float`, by each parser; a row without a value is a bad one."""
    dialect, rows, text = table
    folder = tmp_path_factory.getbasetemp()
    wanted, read = request.getfixturevalue("wanted"), request.getfixturevalue("read")
    path = folder / "dialect.csv"
    path.write_bytes(text.encode(dialect.encoding))
    names = ("sep", "decimal", "thousands", "encoding", "comment", "skiprows")
    reading = Reading(**{name: getattr(dialect, name) for name in names}, header=True)
    asked = wanted((2,), AB)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_tables, "parse", PARSERS[parser])
        found = read(path, asked._replace(reading=reading))
        holes = read(path, asked._replace(reading=reading, allow_missing=True))
    expected = np.array([[np.nan if v is None else float(v) for v in row] for row in rows])
    np.testing.assert_array_equal(holes.x, expected)
    assert not holes.bad
    missing = np.isnan(expected).any(1)
    assert list(found.bad) == np.flatnonzero(missing).tolist()
    np.testing.assert_array_equal(found.x[~missing], expected[~missing])
    np.testing.assert_array_equal(np.signbit(found.x[~missing]), np.signbit(expected[~missing]))


@pytest.mark.parametrize("truth", [*sorted(TRUE), "TRUE"])
def test_columns_of_truths_and_missing_words_are_not_read_cell_by_cell(truth):
    block = "".join(f"{i},{truth},{'NA' if i % 2 else 'off'}\n" for i in range(100)).encode()
    x, _ = csv_fast.parse_by_arrow(block, csv_fast.Cells(3, [0, 1, 2], []), 100)
    np.testing.assert_array_equal(x[:, 0], np.arange(100))
    assert (x[:, 1] == 1).all()
    np.testing.assert_array_equal(x[:2, 2], [0, np.nan])


@pytest.mark.parametrize(
    "name", ["t.csv", "T.CSV", "t.tsv", "t.txt", "t.DAT", "t.tab", "t.asc", "t.data", "t.log", "t"]
)
@pytest.mark.parametrize("sep", [",", ";", "\t", "|", "  "])
def test_contents_and_not_the_ending_say_what_is_between_cells(write, wanted, read, name, sep):
    lines = [sep.join(("time", "a", "b")), *(sep.join((str(i), "1.5", "2")) for i in range(9))]
    found = read(write("\n".join(lines), name), wanted((2,), AB))
    np.testing.assert_array_equal(found.x, [[1.5, 2]] * 9)


def test_large_files_in_utf_8_have_parallel_parts_in_any_dialect(write, wanted, read, monkeypatch):
    from vae_runtime.rows.formats import ranges

    monkeypatch.setattr(ranges, "BLOCK", 100)
    monkeypatch.setattr(ranges, "SHARD_BYTES", 100)
    for head, line in (
        ("# x\na;b\n", "{},5;-7\n# y\n"),
        ("  a   b\n", " {}.5 \t -7  \n"),
        ("top\na\tb\n", '{}.5\t"-7"\n'),
    ):
        text = head + "".join(line.format(i) for i in range(100))
        found = read(write(text), wanted((2,), AB))
        np.testing.assert_array_equal(found.x, [[i + 0.5, -7] for i in range(100)])
        assert len(found.shards) > 3


def test_other_encodings_and_packed_files_are_one_part(write, wanted, read, monkeypatch):
    from vae_runtime.rows.formats import ranges

    monkeypatch.setattr(ranges, "BLOCK", 100)
    monkeypatch.setattr(ranges, "SHARD_BYTES", 100)
    text = "a;b;größe\n" + "".join(f"{i},5;-7;x\n" for i in range(100))
    for encoding in ("latin-1", "utf-16"):
        found = read(write(text, encoding=encoding), wanted((2,), AB, keep=("größe",)))
        np.testing.assert_array_equal(found.x, [[i + 0.5, -7] for i in range(100)])
        assert len(found.shards) == 1


def test_codes_are_compared_as_numbers(write, wanted, read):
    asked = wanted((2,), AB)._replace(reading=Reading(missing=("-200", "ERR")))
    found = read(write("a,b\n1,-200.0\n-2e2,1\n3,ERR\n4,200\n"), asked)
    assert found.bad == {
        0: "line 2: no value in column 'b' (-200.0).",
        1: "line 3: no value in column 'a' (-2e2).",
        2: "line 4: no value in column 'b' (ERR).",
    }


def test_codes_of_training_are_taken_unless_others_are_given(write, wanted, read):
    recorded = Dialect(missing=("-200",))
    path = write("a,b\n1,-200\n-999,1\n")
    for missing, bad in (((), [0]), (("-999",), [1])):
        reading = Reading(missing=missing, recorded=recorded)
        assert list(read(path, wanted((2,), AB)._replace(reading=reading)).bad) == bad


def test_ends_of_lines_with_a_mark_too_many_and_an_index_are_no_columns(write, wanted, read):
    for text in (
        "a;b;\n1;2;\n3;4;\n",
        "a;b\n1;2;\n3;4;\n",
        ";a;b\n0;1;2\n1;3;4\n",
        "a;b\nx;1;2\ny;3;4",
    ):
        found = read(write(text), wanted((2,)))
        np.testing.assert_array_equal(found.x, [[1, 2], [3, 4]])


def test_lines_of_units_are_left_out_and_the_numbers_of_lines_stay(write, wanted, read):
    found = read(write("t;a;b\n;°C;mm/s\n\n0;1;2\n1;x;2\n"), wanted((2,), AB))
    np.testing.assert_array_equal(found.x[0], [1, 2])
    assert list(found.bad) == [1]
    assert found.bad[1].startswith("line 5:")


def test_what_is_said_of_the_header_is_taken(write, wanted, read):
    path = write("2019,2020\n1,2\n")
    for header, rows in ((True, 1), (False, 2), (None, 2)):
        found = read(path, wanted((2,))._replace(reading=Reading(header=header)))
        assert len(found.x) == rows


def test_a_table_that_may_mean_two_things_names_the_file_and_both_commands(write, wanted):
    path = write("a;b\n1,234;5,678\n")
    with pytest.raises(ValueError, match=f"{path}: expected a table that can be read in one way"):
        registry.plan(path, wanted((2,), AB))
    for recorded, x in (
        (Dialect(sep=";", decimal=","), 1.234),
        (Dialect(sep=";", thousands=","), 1234),
    ):
        asked = wanted((2,), AB)._replace(reading=Reading(recorded=recorded))
        (shard,) = registry.plan(path, asked)
        (block,) = registry.read(shard, asked)
        assert block.x[0, 0] == x


def test_a_format_reads_cells_as_it_says():
    format = CellFormat(decimal=",", thousands=".")
    assert [format.number(cell) for cell in ("1.234,5", "-1.234.567", "1,5e3", " yes ")] == [
        1234.5, -1234567, 1500, 1,
    ]  # fmt: skip
    for cell in ("1.5", "1.23,4", "1_0", "12.34.567", "x"):
        with pytest.raises(ValueError, match="expected a number"):
            format.number(cell)
