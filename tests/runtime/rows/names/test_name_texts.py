"""Names as text: the same thing has the same name, however a format writes it."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from vae_runtime.rows.names.name_texts import name_text, name_texts, natural_key, natural_order


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7, 10], ["7", "10"]),
        ([7.0, 10.0], ["7", "10"]),
        ([7.0, np.nan], ["7", ""]),
        ([7.0, 7.5], ["7", "7.5"]),
        (["7", "7.0", "7.", "7.00"], ["7", "7", "7", "7"]),
        (["-3.0", "0.0"], ["-3", "0"]),
        (["001", "1", "001.0"], ["001", "1", "001.0"]),
        (["7.05", "1.7.0", "v7.0"], ["7.05", "1.7.0", "v7.0"]),
        ([" a ", "b"], ["a", "b"]),
        ([True, False], ["True", "False"]),
        (["true", "FALSE", "True"], ["True", "False", "True"]),
        (np.array(["a", None, 7, 7.0, "7", True, float("nan")], object),
         ["a", "", "7", "7", "7", "True", ""]),
        (pd.Series(["a", None]), ["a", ""]),
        (pd.array([7, pd.NA], dtype="Int64"), ["7", ""]),
        (pa.array(["a", None]), ["a", ""]),
        ([1e300, 2.0**60], [f"{1e300:.0f}", str(2**60)]),
        (np.array([b"a", b"7.0"]), ["a", "7"]),
        ([], []),
    ],
)  # fmt: skip
def test_a_thing_has_one_name(values, expected):
    assert name_texts(np.asarray(values)).tolist() == expected


def test_the_shape_stays():
    assert name_texts(np.array([["a", "7.0"], ["b", "8"]])).tolist() == [["a", "7"], ["b", "8"]]
    assert name_texts(np.array("7.0")).shape == ()


def test_long_names_are_whole_when_others_change():
    assert name_texts(np.array(["t", "true"])).tolist() == ["t", "True"]
    assert name_texts(np.array(["tRUE", "7.000000"])).tolist() == ["True", "7"]


def test_what_was_given_stays_as_it_is():
    given = np.array(["7.0", "a "])
    name_texts(given)
    assert given.tolist() == ["7.0", "a "]


def test_one_value_is_named_as_many_are():
    values = ["7.0", 7, 7.0, " x", "None", None, True, np.nan, datetime.date(2026, 1, 31)]
    assert [name_text(value) for value in values] == name_texts(np.array(values, object)).tolist()


def test_numbers_in_names_are_ordered_by_their_size():
    names = np.array(["100", "81", "m10", "m2", "m2b", "081", "b"])
    assert names[natural_order(names)].tolist() == ["081", "81", "100", "b", "m2", "m2b", "m10"]
    assert natural_key("81") < natural_key("100") < natural_key("a")


def test_whole_numbers_with_a_power_of_ten_are_these_numbers():
    """As numpy's savetxt writes labels of 0 and 1."""
    written = ["0.000000000000000000e+00", "1.000000000000000000e+00", "-4.2e+01", "1.5e+00", "2E3"]
    assert name_texts(written).tolist() == ["0", "1", "-42", "1.5e+00", "2E3"]
