"""Cells of a live source's lines, by marks of the lines themselves, of training, or of options."""

import logging

import pytest

from vae_runtime.bundle.records import Dialect
from vae_runtime.live.line_cells import CellReader
from vae_runtime.rows.text.dialect import Reading

NAMES = {"temp", "flow"}


def reader(recorded=None, count=2, **asked):
    return CellReader(Reading(recorded=recorded, **asked), lambda cells: {*cells} >= NAMES, count)


@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
def test_a_header_tells_what_stands_between_cells(sep, caplog):
    caplog.set_level(logging.WARNING)
    found = reader()
    assert found.split(sep.join(["time", "temp", "flow"])) == ["time", "temp", "flow"]
    assert found.split(sep.join(["8:00", " 1.5", "2"])) == ["8:00", "1.5", "2"]
    assert caplog.text.count("read as") == (sep != ",")


def test_columns_that_are_padded_with_blanks_are_cells():
    found = reader()
    assert found.split("  temp    flow ") == ["temp", "flow"]
    assert found.split("   1.5     2.0 ") == ["1.5", "2.0"]


@pytest.mark.parametrize("line", ["1,5;2,5", "1,5;2"])
def test_a_decimal_comma_is_told_by_the_first_number_that_has_one(line, caplog):
    caplog.set_level(logging.WARNING)
    found = reader()
    cells = found.split(line)
    assert found.format.number(cells[0]) == 1.5
    assert found.split("3,25;4")[0] == "3,25"
    assert found.format.number("3,25") == 3.25
    assert caplog.text.count("decimal commas") == 1


def test_a_point_stays_a_point_where_commas_are_between_cells():
    found = reader()
    assert found.split("1,5") == ["1", "5"]
    assert found.format.decimal == "."


def test_what_is_open_is_as_in_training():
    found = reader(Dialect(sep=";", decimal=",", missing=("-200",)))
    found.split("temp;flow")
    assert found.format.number("1,5") == 1.5
    assert found.format.is_missing("-200")


def test_options_say_more_than_lines_and_training(caplog):
    caplog.set_level(logging.WARNING)
    found = reader(Dialect(sep=";", decimal=","), sep="|", decimal=".")
    assert found.split("1.5|2") == ["1.5", "2"]
    assert found.format.number("1.5") == 1.5
    assert not caplog.records


def test_a_line_that_tells_nothing_leaves_it_open():
    found = reader()
    assert found.split("hello; you") == ["hello; you"]
    assert found.split("temp;flow") == ["temp", "flow"]


def test_a_quote_that_is_not_closed_is_refused():
    with pytest.raises(ValueError, match="expected a line of CSV"):
        reader().split('"temp,flow')
