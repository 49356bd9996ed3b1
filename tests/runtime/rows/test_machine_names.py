"""Names of machines, as text or whole numbers, one for each row."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from vae_runtime.rows.machine_names import names_of, of_windows


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


@pytest.mark.parametrize(
    ("machines", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        ([3, 10], ["3", "10"]),
        ([3.0, 10.0], ["3", "10"]),
        (np.array(["a", 7], object), ["a", "7"]),
        (pd.Series(["a", "b"], index=[7, 8]), ["a", "b"]),
        (pd.Categorical(["a", "b"]), ["a", "b"]),
        (pd.array(["a", "b"], dtype="string[pyarrow]"), ["a", "b"]),
        (pl.Series([3, 10]), ["3", "10"]),
        (pa.chunked_array([["a"], ["b"]]), ["a", "b"]),
    ],
)
def test_names_are_text_or_whole_numbers(machines, expected):
    assert names_of(machines, 2).tolist() == expected


@pytest.mark.parametrize(
    ("machines", "message"),
    [
        (["a"], "a name for each of 2 rows. Received: shape (1,)."),
        ("ab", "a name for each of 2 rows. Received: shape ()."),
        (["a", ""], "Received: none in row 1 (1 such rows)."),
        (np.array(["a", None]), "Received: none in row 1 (1 such rows)."),
        ([1.0, np.nan], "Received: none in row 1 (1 such rows)."),
        (pd.array(["a", pd.NA], dtype="string"), "Received: none in row 1 (1 such rows)."),
        (pd.array([1, pd.NA], dtype="Int64"), "Received: none in row 1 (1 such rows)."),
        (pd.Categorical(["a", None]), "Received: none in row 1 (1 such rows)."),
        (pl.Series(["a", None]), "Received: none in row 1 (1 such rows)."),
        (pa.array(["a", None]), "Received: none in row 1 (1 such rows)."),
        (
            np.ma.array(["a", "b"], mask=[False, True]),
            "machines: expected an array. Received: a mask",
        ),
        ([1.5, 2.0], "Received: [1.5 2. ]."),
        ([True, False], "Received: [ True False]."),
    ],
)
def test_what_names_nobody_is_refused(machines, message):
    with refuses(message):
        names_of(machines, 2)


def test_a_window_over_two_machines_is_refused():
    assert of_windows(np.array([["a", "a"], ["b", "b"]])).tolist() == ["a", "b"]
    with refuses("a window over rows of a and b (1 such windows)."):
        of_windows(np.array([["a", "a"], ["b", "a"]]))
