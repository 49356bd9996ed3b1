"""First lines of numbers: 0,1,2 is a header, other lines are rows, and what may be one is told."""

import logging

import numpy as np
import pytest

from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.formats.csv import columns as columns_of
from vae_runtime.rows.text.headers import is_numbered, may_be_names, may_be_row

FRACTIONS = [["1", "0.5", "2"], ["1", "2", "3"]]
WHOLE = [["1", "0", "2"], ["5", "1", "3"]]


@pytest.mark.parametrize(
    ("first", "below", "expected"),
    [
        ("0,1,2,3", [], True),
        ("0,1,2", WHOLE, True),
        (" 0, 1,2 ", WHOLE, True),
        ("0,1", WHOLE, False),
        ("0,1", [], False),
        ("0,1", FRACTIONS, True),
        ("0", WHOLE, False),
        ("0", [["0.5"]], True),
        ("0", [["nan"], ["1e-3"]], True),
        (",0,1", WHOLE, True),
        (",0", WHOLE, True),
        ("1,2,3", FRACTIONS, False),
        ("0,2,1", FRACTIONS, False),
        ("0.0,1.0,2.0", FRACTIONS, False),
        ("00,01,02", FRACTIONS, False),
        ("0,1,1", FRACTIONS, False),
        ("0,0", FRACTIONS, False),
    ],
)
def test_columns_that_are_numbered_from_0_have_a_header(first, below, expected):
    assert is_numbered(first.split(","), below) is expected


@pytest.mark.parametrize(
    ("first", "below", "expected"),
    [
        ("1,2,3,4", WHOLE, True),
        ("0,1", WHOLE, True),
        ("2019,2020,2021", WHOLE, True),
        ("0.5,1.0,1.5", FRACTIONS, True),
        ("10,30,20", FRACTIONS, True),
        ("10,30,20", WHOLE, False),
        ("10,30,10", FRACTIONS, False),
        ("0.5,1.5", FRACTIONS, False),
        ("3,2,1", WHOLE, False),
        ("0.31,0.92,0.11", FRACTIONS, False),
        ("5", WHOLE, False),
        ("1,,3", WHOLE, False),
    ],
)
def test_what_may_be_names_is_known(first, below, expected):
    assert may_be_names(first.split(","), below) is expected


@pytest.fixture
def save(tmp_path):
    """Writes lines, the first and rows of x."""

    def apply(first, x):
        path = tmp_path / "rows.csv"
        path.write_text("\n".join([first, *(",".join(map(str, row)) for row in x.tolist())]))
        return path

    return apply


@pytest.mark.parametrize("n", [1, 2, 3, 12])
def test_both_readers_take_the_same_line_as_names(save, wanted, read, n, read_rows):
    x = np.arange(10 * n).reshape(10, n) / 8
    path = save(",".join(map(str, range(n))), x)
    table = read_rows(path)
    assert table.names == tuple(map(str, range(n)))
    np.testing.assert_array_equal(table.x, x)
    found = read(path, wanted((n,)))
    np.testing.assert_array_equal(found.x, x)
    np.testing.assert_array_equal(found.row, np.arange(10))


def test_rows_of_two_states_are_rows(save, wanted, read, caplog, read_rows):
    x = np.array([[0, 1], [1, 0], [1, 1]])
    path = save("0,1", x)
    assert len(read_rows(path).x) == len(read(path, wanted((2,))).x) == 4
    assert caplog.text.count("the first line, 0,1, is taken as a row") == 1


@pytest.mark.parametrize("reader", ["table", "batch"])
def test_another_line_is_told_once(save, wanted, read, caplog, reader, read_rows):
    path = save("2019,2020,2021", np.ones((4, 3)))
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        x = read_rows(path).x if reader == "table" else read(path, wanted((3,))).x
        assert len(x) == 5
    assert caplog.text.count("the first line, 2019,2020,2021, is taken as a row") == 1


def test_an_index_of_the_rows_is_left_out_and_told(save, caplog, read_rows):
    caplog.set_level(logging.WARNING)
    assert read_rows(save(",0,1", np.ones((4, 3)))).names == ("0", "1")
    assert "the first column has no name: it is taken as an index" in caplog.text


def test_rows_are_not_told(save, caplog, read_rows):
    read_rows(save("0.31,0.92,0.11", np.ones((4, 3)) / 3))
    assert not caplog.records


@pytest.mark.parametrize(
    ("first", "names", "below", "expected"),
    [
        ("0,1", "0,1", [["1", "0"]], True),
        ("1,0", "0,1", [["1", "0"]], True),
        ("1,0", "0,1", [], True),
        ("1,0", "0,1", [["0.5", "0.25"]], True),
        ("0,1", "0,1", [["0.5", "0.25"]], False),  # a row would be 0.0,1.0
        ("0,1,2", "0,1,2", WHOLE, False),
        ("2,1,0", "0,1,2", WHOLE, True),
        ("0.5,1.5", "0.5,1.5", [["0.5", "0.25"]], True),
        ("1,0,a", "0,1", [["1", "0", "b"]], True),
        ("1,0,a", "0,1", [["1", "0", "7"]], False),  # text above numbers
        ("1,0,a", "0,1,a", [["1", "0", "b"]], False),
        ("a,b", "a,b", WHOLE, False),
    ],
)
def test_names_that_may_be_a_row_are_known(first, names, below, expected):
    assert may_be_row(first.split(","), names.split(","), below) is expected


@pytest.mark.parametrize("first", ["0,1", "1,0"])
@pytest.mark.parametrize("reader", ["table", "batch", "label", "columns"])
def test_names_that_may_be_a_row_are_told_once(
    save, wanted, read, caplog, first, reader, read_rows
):
    path = save(first, np.array([[0, 1], [1, 0], [1, 1]]))
    for _ in range(2):
        if reader == "columns":
            assert list(columns_of(path, Wanted(extra=("1",)))) == ["0"]
        elif reader == "batch":
            assert len(read(path, wanted((2,), ("0", "1"))).x) == 3
        else:
            columns = {"columns": ("0", "1")} if reader == "table" else {"label": "1"}
            assert len(read_rows(path, **columns).x) == 3
    assert caplog.text.count(f"the first line, {first}, is taken as names") == 1
    assert len(caplog.records) == 1


def test_names_of_text_are_not_told(save, wanted, read, caplog):
    path = save("a,b", np.array([[0, 1], [1, 0]]))
    read(path, wanted((2,), ("a", "b")))
    columns_of(path, Wanted())
    assert not caplog.records
