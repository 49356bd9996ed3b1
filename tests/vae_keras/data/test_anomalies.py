"""Labels that mark anomalies: numbers, truths and words, whatever a format makes of them."""

import re

import numpy as np
import pytest

from vae_keras.data.anomalies import read_anomalies


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def read(values, normal=None, **options):
    marks, known = read_anomalies(np.asarray(values), normal, column="state", **options)
    assert marks.dtype == known.dtype == bool
    return marks.tolist(), known.tolist()


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
    ],
)
def test_what_is_one_or_true_is_an_anomaly(values):
    assert read(values) == ([False, True, False], [True] * 3)


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
        (np.array([None, "leak", None], object), ("None",)),
    ],
)
def test_what_is_not_among_the_normal_is_an_anomaly(values, normal):
    assert read(values, normal) == ([False, True, False], [True] * 3)


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        (["idle", "ok", "boil", "boil"], "--normal ok."),
        (["idle", "wash", "wash"], "--normal wash."),
        (["at rest", "at rest", "wash"], "--normal 'at rest'."),
        ([2, 2, 1], "--normal 2."),
        ([0.5, 0.5, 1.0], "--normal 0.5."),
    ],
)
def test_words_are_refused_with_what_to_type(values, advice):
    with refuses(advice):
        read(values)


def test_the_labels_that_were_seen_are_said():
    with refuses("Received: wash (2 rows), idle (1 rows)."):
        read(["idle", "wash", "wash"])
    with refuses(
        "expected rows of 'OK' in column 'state', as --normal says. Received: ok (2 rows)"
    ):
        read(["ok", "ok", "x"], ("OK",))


def test_many_labels_are_not_all_said():
    with refuses(" and 94 more."):
        read([f"w{i}" for i in range(100)])


@pytest.mark.parametrize("none", ["", None, float("nan"), "NA", "null"])
def test_a_missing_label_is_an_error_or_passed_over(none):
    values = np.array(["ok", none, "x"], object)
    with refuses("Received: none in row 1 (1 such rows)."):
        read(values, ("ok",))
    with refuses("or say that they are normal (--normal "):
        read(values, ("ok",))
    assert read(values, ("ok",), allow_missing=True)[1] == [True, False, True]


def test_a_missing_number_is_a_missing_label():
    assert read([0.0, np.nan, 1.0], allow_missing=True) == (
        [False, False, True],
        [True, False, True],
    )
