"""Rows that the caller has split: taken as they are, or refused with what is wrong of which set."""

import dataclasses
import re

import numpy as np
import pytest
import tensorflow as tf

from vae_keras import DataConfig, Split
from vae_keras.data import accept_split
from vae_keras.data.sources import ALL_OPTIONS
from vae_keras.data.streams import DatasetStream

X = np.random.default_rng(0).uniform(size=(40, 3)).astype(np.float32)
ROWS = Split(X[:20], X[20:25], X[25:35], X[35:], np.array([0, 0, 0, 1, 1], bool))
MINE = DataConfig("mine")
SETS = ("train", "validation", "calibration", "test")


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def accepts(config=MINE, **changes):
    return accept_split(config, dataclasses.replace(ROWS, **changes))


def as_bytes():
    parts = {name: (getattr(ROWS, name) * 255).astype(np.uint8) for name in SETS}
    return {**parts, "test_y": ROWS.test_y}


def batches(x):
    return tf.data.Dataset.from_tensor_slices(x).batch(8)


def test_arrays_are_taken_as_they_are():
    dataset, rows = accepts()
    assert rows == ROWS
    assert dataset.name == "mine"
    assert dataset.x is ROWS.train
    assert not dataset.y.any()
    assert (dataset.value_range, dataset.feature_names, dataset.one_hot) == ((0.0, 1.0), None, ())


def test_a_tf_dataset_is_taken_to_train_on():
    dataset, rows = accepts(train=batches(X[:20]))
    assert isinstance(rows.train, DatasetStream)
    assert (dataset.x.shape, len(dataset.y)) == ((20, 3), 20)
    assert rows.validation is ROWS.validation


def test_names_and_limits_may_be_said():
    config = DataConfig("mine", columns=("a", "b", "c"), value_range=(0.0, 1.0))
    dataset, _ = accepts(config)
    assert dataset.feature_names == ("a", "b", "c")
    assert dataset.value_range == (0.0, 1.0)


def test_bytes_span_their_range():
    assert accepts(**as_bytes())[0].value_range == (0.0, 255.0)


@pytest.mark.parametrize("option", sorted(ALL_OPTIONS - {"columns", "value_range"}))
def test_what_rows_in_hand_have_no_use_for_is_refused(option):
    asked = {"stride": 2, "recording": "m", "time": "t", "gap": 2.0}
    text = {"sep": ";", "decimal": ",", "thousands": ".", "encoding": "latin-1", "comment": "#"}
    classes = {"classes": "c", "labels_per_class": 3}
    plain = {
        "window": 2,
        "on_bad_row": "reject",
        "bad_columns": "drop",
        "stream": True,
        "channels": 1,
    }
    pairs = {
        "image_size": (2, 2),
        "one_hot": ("a",),
        "label": "y",
        "data_dir": "there",
        "machine": "m",
        "normal": ("ok",),
        "categories": ("a",),
        "category_values": {"a": ("x", "y")},
        "header": True,
        "skiprows": 1,
        "missing": ("-200",),
        "time_format": "%d.%m.%Y",
    }
    value = {**asked, **classes, **plain, **pairs, **text}[option]
    needed = {"window": 2} if option in asked else {}
    if option in ("time_format", "gap"):
        needed["time"] = "t"
    if option == "category_values":
        needed["categories"] = ("a",)
    needed = {"classes": "c"} if option == "labels_per_class" else needed
    config = DataConfig("mine", **{option: value}, **needed)
    with refuses("for mine. Received: "):
        accepts(config)


@pytest.mark.parametrize("name", SETS)
def test_a_set_of_another_shape_is_refused_by_its_name(name):
    wrong = "validation" if name == "train" else name  # the others are to be as train is
    with refuses(f"expected {wrong} of float32 or uint8, alike in all sets: float32 ("):
        accepts(**{name: getattr(ROWS, name)[:, :2]})


@pytest.mark.parametrize("name", SETS)
def test_a_set_of_another_type_is_refused_by_its_name(name):
    with refuses(f"expected {name} of float32 or uint8, alike in all sets: float") as e:
        accepts(**{name: getattr(ROWS, name).astype(np.float64)})
    assert "Received: float64 (3,)." in str(e.value)


def test_a_dataset_of_another_type_is_refused():
    with refuses("expected train of float32 or uint8, alike in all sets: float64 (3,)."):
        accepts(train=batches(X[:20].astype(np.float64)))


@pytest.mark.parametrize("name", SETS)
def test_an_empty_set_is_refused_by_its_name(name):
    with refuses(f"expected rows in {name}. Received: none."):
        accepts(**{name: getattr(ROWS, name)[:0]})


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", [*SETS, "dataset"])
def test_what_is_not_finite_is_refused_by_the_name_of_its_set(name, value):
    of = "train" if name == "dataset" else name
    bad = getattr(ROWS, of).copy()
    bad[-1, 1] = value
    with refuses(f"expected finite numbers in {of}. Received: NaN or infinity."):
        accepts(**{of: batches(bad) if name == "dataset" else bad})


@pytest.mark.parametrize("name", SETS)
def test_what_is_beyond_the_range_that_was_told_is_refused(name):
    bad = getattr(ROWS, name).copy()
    bad[0, 0] = 1.5
    with refuses("expected values from 0 to 1, as --value-range says. Received: "):
        accepts(DataConfig("mine", value_range=(0.0, 1.0)), **{name: bad})


@pytest.mark.parametrize("test_y", [np.zeros(5), np.zeros(4, bool), np.zeros((5, 1), bool)])
def test_labels_are_one_a_row_of_the_test(test_y):
    with refuses(f"expected test_y of bool (5,). Received: {test_y.dtype} {test_y.shape}."):
        accepts(test_y=test_y)


def test_names_are_one_a_column():
    with refuses("expected a name for each of 3 columns. Received: 2."):
        accepts(DataConfig("mine", columns=("a", "b")))


def test_what_is_neither_an_array_nor_a_dataset_is_refused():
    with refuses("expected an array, or a tf.data.Dataset of batches of x alone"):
        accepts(train=X.tolist())


def test_machines_of_rows_in_hand_are_refused():
    with refuses("expected rows without machines. Received: machines."):
        accepts(machines={"calibration": np.array(["a"])})
