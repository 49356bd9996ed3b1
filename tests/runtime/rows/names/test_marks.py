"""Labels of rows: numbers, truths and words, whatever a format makes of them."""

import numpy as np
import pyarrow as pa
import pytest

from vae_runtime.rows.names.marks import is_of_words, marks_of


def read(values, normal=None):
    column = values if isinstance(values, pa.Array) else np.asarray(values)
    marks, bad = marks_of(column, "state", normal)
    assert marks.dtype == bool
    return marks.tolist(), bad


@pytest.mark.parametrize(
    "values",
    [
        [0, 1, 0],
        [0.0, 1.0, 0.0],
        np.array([0, 1, 0], np.int8),
        [False, True, False],
        ["0", "1", "0.0"],
        ["0.0", "1.0", "0.0"],
        ["False", "True", "FALSE"],
        ["no", "yes", "No"],
        ["off", " on", "off "],
        np.array([False, "yes", 0], object),
        pa.array([0, 1, 0]),
        pa.array([False, True, False]),
        pa.array(["no", "yes", "no"]).dictionary_encode(),
    ],
)
def test_what_is_one_or_true_is_an_anomaly(values):
    assert read(values) == ([False, True, False], {})


@pytest.mark.parametrize(
    ("values", "normal"),
    [
        (["ok", "broken", "idle"], ("ok", "idle")),
        ([3, 4, 3], ("3",)),
        ([3.0, 4.0, 3.0], ("3",)),
        (["3.0", "4", "3"], ("3.0",)),
        ([1, 0, 1], ("1",)),
        ([True, False, True], ("true",)),
        (np.array(["ok", "broken", "ok "], object), ("ok",)),
        (["none", "leak", "none"], ("none",)),
        (["None", "leak", "None"], ("None",)),
        (["", "leak", ""], ("",)),
    ],
)
def test_what_is_not_among_the_normal_is_an_anomaly(values, normal):
    assert read(values, normal) == ([False, True, False], {})


def test_a_label_that_says_nothing_is_a_bad_row():
    expected = "expected 0 (normal) or 1 (anomaly) in column 'state'. Received: "
    values = np.array(["0", "broken", None, "2"], object)
    assert read(values) == (
        [False] * 4,
        {1: f"{expected}'broken'.", 2: f"{expected}no value.", 3: f"{expected}'2'."},
    )
    assert read(np.array(["ok", None, "x"], object), ("ok",)) == (
        [False, False, True],
        {1: "expected a label in column 'state'. Received: no value."},
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["ok", "leak"], True),
        (["0", "1", "broken"], False),
        (["0", ""], False),
        ([2, 3, 3], True),
        ([], False),
    ],
)
def test_words_are_told_from_numbers_with_a_slip(values, expected):
    assert is_of_words(np.asarray(values)) == expected
