"""Cells of a column in a block."""

import numpy as np
import pyarrow as pa

from vae_keras.survey.cells import read_cells


def test_text_holds_numbers_missing_values_and_texts():
    cells = read_cells(np.array([" 1.5", "-2e3", "+3", "", "NA", "over", "1_000"]))
    np.testing.assert_array_equal(cells.numbers, [1.5, -2000, 3, *[np.nan] * 4])
    assert cells.missing.tolist() == [False, False, False, True, True, False, False]


def test_words_for_truth_are_flags_where_nothing_else_is():
    cells = read_cells(np.array(["True", "FALSE", "", "yes"]))
    assert cells.flags
    np.testing.assert_array_equal(cells.numbers, [1, 0, np.nan, 1])
    assert not read_cells(np.array(["yes", "no", "maybe"])).flags


def test_nothing_but_missing_values_is_no_flag():
    cells = read_cells(np.array(["", "nan"]))
    assert not cells.flags
    assert cells.missing.all()


def test_types_of_arrow_are_read():
    assert read_cells(pa.array([True, None])).numbers[0] == 1
    assert read_cells(pa.array(["a", "b"]).dictionary_encode()).texts.to_pylist() == ["a", "b"]
    date = read_cells(pa.array(np.array(["2026-01-01"], "datetime64[D]")))
    assert date.dates
    assert date.numbers.tolist() == [1_767_225_600]
