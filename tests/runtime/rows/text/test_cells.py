"""Cells of text: numbers, truths, missing values, text."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_runtime.rows.text.cells import (
    MISSING,
    PLAIN,
    CellFormat,
    NoValue,
    no_value,
    number_or_hole,
)


@given(st.floats(allow_nan=False))
def test_a_number_is_that_of_python(value):
    for text in (repr(value), f" {value!r} "):
        assert PLAIN.number(text) == value


@pytest.mark.parametrize("cell", ["True", "TRUE", " yes ", "On", "1"])
def test_truths_are_one(cell):
    assert PLAIN.number(cell) == 1


@pytest.mark.parametrize("cell", ["False", "NO", "off", "0"])
def test_truths_are_zero(cell):
    assert PLAIN.number(cell) == 0


@pytest.mark.parametrize("cell", [*MISSING, "NA", "Bad", " Null ", "-nan", "+NaN"])
def test_words_of_a_missing_value(cell):
    with pytest.raises(NoValue):
        PLAIN.number(cell)
    assert PLAIN.is_missing(cell)
    assert math.isnan(number_or_hole(cell))
    assert not PLAIN.is_text(cell)


@pytest.mark.parametrize("cell", ["x", "1_0", "1,5", "1 2", "yess", "12:30"])
def test_text_is_neither(cell):
    assert PLAIN.is_text(cell)
    with pytest.raises(ValueError, match="expected a number") as error:
        number_or_hole(cell)
    assert not isinstance(error.value, NoValue)


def test_codes_are_words_or_numbers():
    format = CellFormat(decimal=",", missing=("-200", "Err"))
    assert [format.is_missing(c) for c in ("-200", "-200,0", "-2e2", "ERR", "200", "-200,1")] == [
        True, True, True, True, False, False,
    ]  # fmt: skip


def test_a_reason_names_the_column_and_the_cell():
    assert no_value("temp", " NA ") == "no value in column 'temp' (NA)."
    assert no_value("temp", "") == no_value("temp") == "no value in column 'temp'."


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1.5D+02", 150.0), ("1D+05", 1e5), ("-2.5d-3", -0.0025), (".5D1", 5.0), ("3.D0", 3.0)],
)
def test_exponents_of_fortran_are_numbers(cell, value):
    assert PLAIN.number(cell) == value
    assert CellFormat(",").number(cell.replace(".", ",")) == value


@pytest.mark.parametrize("word", ["7D65", "1D", "D5", "0x1D", "1.5D", "12d5"])
def test_other_words_with_a_d_are_text(word):
    assert PLAIN.is_text(word)


@pytest.mark.parametrize(
    "word", ["---", "#DIV/0!", "#VALUE!", "1.#QNAN", "-1.#IND", "<NA>", "n.a."]
)
def test_words_of_programs_mean_no_value(word):
    assert PLAIN.is_missing(word)
