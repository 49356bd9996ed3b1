"""Tables as .csv: what `data.tables` reads, in ranges, and each bad row by itself."""

import csv
import io
import re
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vae_runtime.rows.formats import csv_fast, ranges, registry
from vae_runtime.rows.formats.csv_bounds import take_rows
from vae_runtime.rows.formats.csv_fast import Cells, parse_by_arrow, parse_by_numpy
from vae_runtime.rows.text.cells import number_or_hole
from vae_runtime.rows.text.tables import ColumnError

ABC = ("a", "b", "c")


def refuses(message, error=ValueError):
    return pytest.raises(error, match=re.escape(message))


@pytest.fixture
def write(tmp_path):
    def apply(text):
        path = tmp_path / "rows.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return apply


@pytest.fixture(params=["pyarrow", "numpy", "cells"])
def parser(request, monkeypatch):
    """Each way to read the cells, whatever is installed."""
    ways = {"numpy": parse_by_numpy, "cells": lambda *given: None, "pyarrow": parse_by_arrow}
    from vae_runtime.rows.formats import csv

    monkeypatch.setattr(csv, "parse", ways[request.param])


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("size", [1, 7, 100, 2**20])
def test_numbers_are_those_of_the_table_however_it_is_cut(
    write, wanted, read, monkeypatch, end, last, size, read_rows
):
    monkeypatch.setattr(ranges, "BLOCK", size)
    monkeypatch.setattr(ranges, "SHARD_BYTES", size)
    lines = ["", "c,id,b,a", *(f"{i}.5,no {i},{-i},1e{i}" for i in range(9)), "", "1,x,2,3", ""]
    path = write("\ufeff" + end.join(lines) + (end if last else ""))
    found = read(path, wanted((3,), ABC))
    np.testing.assert_array_equal(found.x, read_rows(path, columns=ABC).x)
    assert found.x.dtype == np.float64
    np.testing.assert_array_equal(found.row, np.arange(10))
    assert len(found.shards) > 1 or size > 90


CELLS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-10, 10).map(str),
    st.floats(-5, 5).map("{:.2f}".format),
)
TEXTS = st.text(st.sampled_from('ab",\n\r é\u2028'), max_size=6)


@st.composite
def tables(draw):
    """A table as csv.writer writes it, with blank lines, and the rows."""
    rows = draw(st.lists(st.tuples(TEXTS, CELLS, CELLS), min_size=1, max_size=12))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    file = io.StringIO(newline="")
    # with other line ends, the writer quotes those alone, and no reader could tell the others
    quoting = draw(st.booleans()) and end == "\r\n"
    writer = csv.writer(
        file, lineterminator=end, quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_ALL
    )
    writer.writerow(["id", "a", "b"])
    for row in rows:
        file.write(end * draw(st.integers(0, 2)))
        writer.writerow(row)
    text = file.getvalue()
    return text if draw(st.booleans()) else text.removesuffix(end)


@settings(max_examples=300, deadline=None)
@given(text=tables(), block=st.integers(1, 60), shard=st.integers(1, 90))
def test_whatever_csv_writes_is_read_as_it_is_in_one_piece(
    tmp_path_factory, text, block, shard, request, read_rows
):
    path = tmp_path_factory.getbasetemp() / "law.csv"
    path.write_bytes(text.encode())
    wanted, read = request.getfixturevalue("wanted"), request.getfixturevalue("read")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "BLOCK", block)
        patch.setattr(ranges, "SHARD_BYTES", shard)
        found = read(path, wanted((2,), ("b", "a"), keep=("id",)))
    table = read_rows(path, columns=("b", "a"), extra=("id",))
    np.testing.assert_array_equal(found.x, table.x)
    whole = csv.reader(io.StringIO(text, newline=""))
    assert found.kept["id"].tolist() == [row[0] for row in whole if row][1:]
    assert table.extra["id"].tolist() == [each.strip() for each in found.kept["id"]]
    assert not found.bad


WEIRD = st.text(st.sampled_from("0123456789+-.eEinfatyNA_() x\t\"'#\x00\x0b٣"), max_size=8)
LINES = st.lists(
    st.lists(st.one_of(WEIRD, CELLS), min_size=1, max_size=3).map(",".join), min_size=1, max_size=5
)


@settings(max_examples=1000, deadline=None)
@given(lines=LINES)
@example(lines=["nan(1),2"])
@example(lines=["1_0,2"])
@example(lines=["-nan,+inf"])
@example(lines=["1e999,1e-999"])
@example(lines=["0x10,1"])
@example(lines=["٣,1"])
@example(lines=[" 1 ,\t2"])
@example(lines=['"1",2'])
@example(lines=['1,2"3'])
@example(lines=["  ", "1,2"])
@example(lines=["1,2,3", "1", "1,2"])
@example(lines=["0.1,179769313486231580793728971405301e277", "2.2250738585072011e-308,5e-324"])
def test_quick_parsers_refuse_or_answer_as_python_does(lines):
    block = "".join(f"{line}\n" for line in lines).encode()
    try:
        rows = [row for row in csv.reader(io.StringIO(block.decode(), newline="")) if row]
        if any(len(row) != 2 or "_" in "".join(row) for row in rows):
            raise ValueError
        expected = np.array([[number_or_hole(cell) for cell in row] for row in rows]).reshape(-1, 2)
    except ValueError:
        expected = None
    for parse in (parse_by_arrow, parse_by_numpy):
        found = parse(block, Cells(2, [0, 1], []), take_rows(block, True).rows)
        if found is not None:
            assert expected is not None
            np.testing.assert_array_equal(found[0], expected)
            assert (np.signbit(found[0]) == np.signbit(expected))[~np.isnan(expected)].all()


@settings(max_examples=50, deadline=None)
@given(values=st.lists(st.tuples(*[st.floats(allow_nan=False)] * 3), min_size=1, max_size=20))
def test_quick_parsers_do_answer(values):
    block = "".join(f"{a!r},text,{b!r},{c!r}\r\n" for a, b, c in values).encode()
    for parse in (parse_by_arrow, parse_by_numpy):
        found = parse(block, Cells(4, [3, 0, 2], []), len(values))
        np.testing.assert_array_equal(found[0], np.array(values)[:, [2, 0, 1]])
    _, [texts] = parse_by_arrow(block, Cells(4, [0], [1]), len(values))
    assert texts == ["text"] * len(values)


@pytest.mark.usefixtures("parser")
def test_bad_rows_are_named_by_line_and_column(write, wanted, read):
    lines = ["a,b,c", "1,2,3", "", '"4",abc,6', "7,8", "1_0,2,3", "1,2,", "1,2,3,4", "  ", "5,5,5"]
    found = read(write("\n".join(lines)), wanted((3,), ABC, keep=("c",)))
    assert found.bad == {
        1: "line 4: expected a number in column 'b'. Received: 'abc'.",
        2: "line 5: expected 3 cells. Received: 2.",
        3: "line 6: expected a number in column 'a'. Received: '1_0'.",
        4: "line 7: no value in column 'c'.",
        5: "line 8: expected 3 cells. Received: 4.",
        6: "line 9: expected 3 cells. Received: 1.",
    }
    np.testing.assert_array_equal(found.x[[0, 7]], [[1, 2, 3], [5, 5, 5]])
    assert found.kept["c"].tolist() == ["3", "6", "", "3", "", "", "", "5"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 20, 2**20])
def test_lines_are_numbered_whatever_the_shards(write, wanted, read, monkeypatch, end, size):
    monkeypatch.setattr(ranges, "BLOCK", size)
    monkeypatch.setattr(ranges, "SHARD_BYTES", size)
    lines = ["a,b", "1,2", "", "3,4", f'5,"{end}6"', "7,oops", *["1,2"] * 9, "", "oops,1"]
    found = read(write(end.join(lines)), wanted((2,), ("a", "b")))
    numbers = {row: why.split(":")[0] for row, why in found.bad.items()}
    assert numbers == {3: "line 7", 13: "line 18"}


@pytest.mark.parametrize("quote", ["", '"'])
def test_few_bad_rows_among_many_leave_the_others_alone(write, wanted, read, monkeypatch, quote):
    monkeypatch.setattr(type(wanted()), "ROWS", 5000)
    rows = [f"{i},{i}.25,{quote}{i}{quote}" for i in range(9000)]
    for i in (0, 17, 4444, 8999):
        rows[i] = f"{i},,{i}"
    found = read(write("\n".join(["a,b,c", *rows])), wanted((3,), ABC))
    assert {row: why.split(":")[0] for row, why in found.bad.items()} == {
        i: f"line {i + 2}" for i in (0, 17, 4444, 8999)
    }
    good = np.setdiff1d(np.arange(9000), list(found.bad))
    np.testing.assert_array_equal(found.x[good], np.stack([good, good + 0.25, good], 1))


def test_infinity_is_read_and_left_to_the_check_and_nan_is_no_value(write, wanted, read):
    found = read(write("a,b,c\n1,inf,-Infinity\n1,2,-nan\n"), wanted((3,), ABC))
    assert found.bad == {1: "line 3: no value in column 'c' (-nan)."}
    np.testing.assert_array_equal(found.x[0], [1, np.inf, -np.inf])


def test_a_table_without_names_has_all_columns(write, wanted, read):
    found = read(write("1,2,3\n4,5,6\n"), wanted())
    np.testing.assert_array_equal(found.x, [[1, 2, 3], [4, 5, 6]])
    assert found.shards[0].line == 1
    named = read(write("id,p,q,r\nu,1,2,3\n"), wanted(machine_column="id"))
    np.testing.assert_array_equal(named.x, [[1, 2, 3]])
    assert named.machines.tolist() == ["u"]
    with refuses("expected 3 columns. Received: 2."):
        registry.plan(write("1,2\n"), wanted())


def test_a_row_whose_machine_is_not_named_is_bad(write, wanted, read):
    found = read(
        write("a,b,c,id\n1,2,3,u\n1,2,3, \n1,2,3,v\n"), wanted((3,), ABC, machine_column="id")
    )
    assert found.bad == {1: "expected the name of a machine. Received: none."}
    assert found.machines.tolist() == ["u", "", "v"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected rows of numbers. Received: an empty file."),
        ("a,b\n1,2\n", "expected the column 'c'. Received: no such column in a, b."),
        (b"a,b,c\n" + b"1,2,3\n" * 20_000 + b"1,2,\xe9\n", "expected text in utf-8."),
        ("a,b,c\n1,2,3\n" * 2 + '"' + "x" * 200_000, "expected lines of a table."),
        ("a,b,c\n" + "1" * 3_000_000 + "\n", "expected lines of at most 1,048,576 bytes."),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_is_refused_at_once(write, wanted, text, message):
    path = write(text)
    with refuses(f"{path}: {message}"):
        registry.plan(path, wanted((3,), ABC))


def test_columns_to_keep_must_be_there(write, wanted):
    for options in ({"keep": ("id",)}, {"machine_column": "id"}):
        with refuses("expected the column 'id'", ColumnError):
            registry.plan(write("a,b,c\n1,2,3\n"), wanted((3,), ABC, **options))


def test_a_header_alone_has_no_rows(write, wanted):
    assert registry.plan(write("a,b,c\n\n"), wanted((3,), ABC)) == []


def test_a_file_that_changes_between_plan_and_reading_is_noticed(write, wanted):
    path = write("a,b,c\n1,2,3\n4,5,6\n")
    (shard,) = registry.plan(path, wanted((3,), ABC))
    write("a,b,c\n1,2,3,4,5,6\n\n")
    with refuses("expected 2 rows from row 0 on. Received: 1."):
        list(registry.read(shard, wanted((3,), ABC)))
    write("a,b,c\n1,2\n")
    with refuses("Received: a file that shrank"):
        list(registry.read(shard, wanted((3,), ABC)))


def test_without_pyarrow_the_answer_is_the_same(write, wanted, read, monkeypatch):
    path = write("a,b,c,id\n" + "".join(f"{i},{i / 7!r},3,n{i}\n" for i in range(9)))
    asked = wanted((3,), ABC, keep=("id",))
    there = read(path, asked)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.csv", None)
    assert csv_fast.parse(b"1,2\n", Cells(2, [0, 1], []), 1)[0].tolist() == [[1, 2]]
    here = read(path, asked)
    np.testing.assert_array_equal(here.x, there.x)
    assert here.kept["id"].tolist() == there.kept["id"].tolist()


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_bad_row_among_lines_that_are_long_is_bad_alone(write, wanted, read, end, rows):
    n = 10_000
    names = tuple(f"c{i}" for i in range(n))
    good, bad = ",".join(["1.234567"] * n), ",".join(["1.234567"] * (n - 1) + [""])
    lines = [",".join(names), *[good] * (rows - 1), bad, *[good] * (rows - 1)]
    found = read(write(end.join(lines) + end), wanted((n,), names))
    assert list(found.bad) == [rows - 1]
    assert found.bad[rows - 1].startswith(f"line {rows + 1}: no value in column 'c9999'")
