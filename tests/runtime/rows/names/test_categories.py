"""Columns of text as one-hot groups, whatever library or format gave them."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from vae_runtime.rows.names.categories import (
    UnknownValue,
    column_of,
    encode,
    numbers_of,
    part_names,
    refusal,
    without_value,
)

MODES = {"mode": ("idle", "run", "wash")}
BOTH = {**MODES, "level": ("1", "2")}


@pytest.mark.parametrize(
    "column",
    [
        ["wash", "idle", " wash "],
        np.array(["wash", "idle", "wash"], object),
        pd.Categorical(["wash", "idle", "wash"]),
        pd.Series(["wash", "idle", "wash"], dtype="string"),
        pl.Series(["wash", "idle", "wash"]),
        pa.array(["wash", "idle", "wash"]),
        pa.array(["wash", "idle", "wash"]).dictionary_encode(),
        pa.chunked_array([["wash"], ["idle", "wash"]]).dictionary_encode(),
    ],
)
def test_each_value_has_a_column_of_its_own(column):
    x, bad = encode({"mode": column}, MODES)
    assert x.dtype == np.float32
    assert x.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1]]
    assert bad == {}


@pytest.mark.parametrize("column", [[2, 1], [2.0, 1.0], ["2", "1.0"], pa.array([2, 1])])
def test_whole_numbers_are_values_too(column):
    x, bad = encode({"mode": ["run", "run"], "level": column}, BOTH)
    assert (x.tolist(), bad) == ([[0, 1, 0, 0, 1], [0, 1, 0, 1, 0]], {})


def test_a_value_that_is_not_known_makes_a_bad_row_that_names_it():
    x, bad = encode({"mode": ["run", "boil", "idle", "boil"]}, MODES)
    reason = "expected idle, run or wash in column 'mode'. Received: 'boil'."
    assert bad == {1: reason, 3: reason}
    assert all(isinstance(why, UnknownValue) for why in bad.values())
    assert x.tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("none", [None, "", "NA", "-", float("nan")])
def test_no_value_is_nan_and_may_be_refused(none):
    x, bad = encode({"mode": np.array(["run", none], object)}, MODES)
    assert bad == {}
    assert np.isnan(x).tolist() == [[False] * 3, [True] * 3]
    without_value(MODES, x, bad)
    assert bad == {1: "expected idle, run or wash in column 'mode'. Received: no value."}


def test_many_values_are_not_all_said():
    assert refusal("m", [f"v{i}" for i in range(40)], "'x'").startswith("expected v0, v1, v2")
    assert "and 30 more in column 'm'" in refusal("m", [f"v{i}" for i in range(40)], "'x'")


def test_features_are_the_numbers_and_the_parts():
    names = ("flow", *part_names(BOTH))
    assert part_names(BOTH) == ("mode_idle", "mode_run", "mode_wash", "level_1", "level_2")
    assert numbers_of(names, BOTH) == ("flow",)
    assert [column_of(i, names, BOTH) for i in (0, 1, 3, 4, 5)] == [
        None,
        *("mode", "mode", "level", "level"),
    ]
