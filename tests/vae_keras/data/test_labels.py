"""Labels: what a column says, who sees which, what is refused."""

import dataclasses

import numpy as np
import pytest

from vae_keras import data
from vae_keras.configs import DataConfig
from vae_keras.data import labels


def read(values, anomalies=None):
    anomalies = np.zeros(len(values), bool) if anomalies is None else np.array(anomalies, bool)
    found, names = labels.read(np.array(values), anomalies, column="kind")
    return found.tolist(), names


@pytest.mark.parametrize(
    ("values", "expected", "names"),
    [
        (["b", "", "a", "b"], [1, -1, 0, 1], ("a", "b")),
        (["10", "9", "", "2"], [2, 1, -1, 0], ("2", "9", "10")),
        (["x", "3", "12", ""], [2, 0, 1, -1], ("3", "12", "x")),
        ([7, -1, 3, 7], [1, -1, 0, 1], ("3", "7")),
        ([True, False, True], [1, 0, 1], ("False", "True")),
        (["", ""], [-1, -1], ()),
        ([7.0, np.nan, 3.0], [1, -1, 0], ("3", "7")),
        (np.array(["b", None, "a"], object), [1, -1, 0], ("a", "b")),
        (["7.0", "-1", "3", ""], [1, -1, 0, -1], ("3", "7")),
        (np.array([7, None, "3"], object), [1, -1, 0], ("3", "7")),
        (["007", "7", ""], [0, 1, -1], ("007", "7")),
        (["true", "False", ""], [1, 0, -1], ("False", "True")),
    ],
)
def test_names_are_numbered_in_their_order_and_the_unknown_is_minus_one(values, expected, names):
    assert read(values) == (expected, names)


def test_labels_are_int32():
    assert labels.read(np.array([0, 5]), np.zeros(2, bool), column="kind")[0].dtype == np.int32


def test_what_only_anomalies_are_is_no_class():
    assert read(["a", "b", "wreck", "b"], [0, 0, 1, 1]) == ([0, 1, -1, -1], ("a", "b"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.0, 1.5], "text or whole numbers in 'kind'. Received: float64"),
        ([0.0, np.inf], "text or whole numbers in 'kind'. Received: float64"),
        ([0, -2, 1], "from 0, and -1 where unknown, in 'kind'. Received: -2"),
        (["a", "-1", "b"], "an empty cell in 'kind' where the class is unknown. Received: '-1'"),
    ],
)
def test_what_says_no_class_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        read(values)


def test_so_many_labels_of_each_class_are_kept_and_the_rest_forgotten():
    given = np.repeat([0, 1, -1], [50, 20, 30]).astype(np.int32)
    kept = labels.keep_random_labels(given, 10, ("a", "b"), seed=0)
    assert np.bincount(kept + 1).tolist() == [80, 10, 10]
    assert (kept[kept >= 0] == given[kept >= 0]).all()
    np.testing.assert_array_equal(kept, labels.keep_random_labels(given, 10, ("a", "b"), seed=0))
    assert (kept != labels.keep_random_labels(given, 10, ("a", "b"), seed=1)).any()


def test_a_class_with_fewer_labels_is_refused():
    given = np.repeat([0, 1], [50, 9]).astype(np.int32)
    with pytest.raises(ValueError, match=r"10 labels of each class.*9 of 'b'.*labels-per-class"):
        labels.keep_random_labels(given, 10, ("a", "b"), seed=0)


@pytest.fixture
def dataset():
    """A row's value is its number; its class is whether that is even, where it says so."""
    x = np.arange(1000, dtype=np.float32)[:, None]
    plain = data.Dataset("counted", x, x[:, 0] >= 900)
    says = np.where(np.arange(1000) % 5 < 3, np.arange(1000) % 2, -1)
    return labels.with_labels(plain, says, column="kind")


def test_labels_stay_with_their_rows_through_the_split(dataset):
    rows = data.split(dataset, DataConfig("counted", classes="kind", folds=1))
    for role, found in rows.labels.items():
        number = getattr(rows, role)[:, 0].astype(int)
        known = (number % 5 < 3) & (number < 900)
        np.testing.assert_array_equal(found, np.where(known, number % 2, -1), err_msg=role)
    assert (rows.labels["test"][rows.test_y] == -1).all()


def test_the_split_of_rows_is_the_same_with_and_without_classes(dataset):
    plain = dataclasses.replace(dataset, labels=None, classes=None)
    one = data.split(dataset, DataConfig("counted", classes="kind", labels_per_class=3, folds=1))
    other = data.split(plain, DataConfig("counted", folds=1))
    assert other.labels is None
    for role in ("train", "validation", "calibration", "test"):
        np.testing.assert_array_equal(getattr(one, role), getattr(other, role))


def test_what_training_may_not_see_it_may_not_be_stopped_by_but_is_judged_by(dataset):
    seen = data.split(
        dataset, DataConfig("counted", classes="kind", labels_per_class=7, folds=1)
    ).labels
    assert np.bincount(seen["train"] + 1)[1:].tolist() == [7, 7]
    assert (seen["validation"] == -1).all()
    everything = data.split(dataset, DataConfig("counted", classes="kind", folds=1)).labels
    for role in ("calibration", "test"):
        np.testing.assert_array_equal(seen[role], everything[role])


@pytest.mark.parametrize(
    ("says", "message"),
    [
        (np.full(1000, -1), "two classes or more. Received: no label at all"),
        (np.where(np.arange(1000) < 100, 4, -1), "two classes or more. Received: 4"),
    ],
)
def test_a_single_class_is_refused(dataset, says, message):
    dataset = labels.with_labels(dataset, says, column="kind")
    with pytest.raises(ValueError, match=message):
        data.split(dataset, DataConfig("counted", classes="kind", folds=1))


def test_a_class_that_training_would_never_see_is_refused(dataset):
    config = DataConfig("counted", classes="kind", folds=1)
    says = np.full(1000, 4)
    says[data.split(dataset, config).calibration[:3, 0].astype(int)] = 5
    with pytest.raises(
        ValueError, match=r"every class among the training rows. Received: none of 5"
    ):
        data.split(labels.with_labels(dataset, says, column="kind"), config)


def test_labels_are_translated_by_name():
    translated = labels.translate(np.array([0, 1, -1, 0], np.int32), ("b", "c"), ("a", "b", "c"))
    assert translated.tolist() == [1, 2, -1, 1]


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (("a", "b"), "the model's classes a, b. Received: c"),
        ((), "no --classes: this model was trained without any"),
    ],
)
def test_classes_that_a_model_does_not_know_are_refused(known, message):
    with pytest.raises(ValueError, match=message):
        labels.translate(np.array([0], np.int32), ("c",), known)


def test_digits_say_which_they_are_where_that_is_asked_for():
    digits = data.load(DataConfig("digits", classes="digit"))
    assert digits.classes == tuple("0123456789")
    assert np.bincount(digits.labels + 1)[:3].tolist() == [400, 178, 182]  # photographs, 0, 1
    assert (digits.labels[digits.y] == -1).all()
    assert data.load(DataConfig("digits")).classes is None


def test_a_column_of_text_says_the_class_of_a_row_and_is_no_feature(states_csv):
    table = data.load(DataConfig(str(states_csv), classes="state"))
    assert table.classes == ("full, hot", "half", "idle")
    assert table.x.shape == (900, 6)
    assert table.feature_names[-1] == "speed"
    assert (table.labels >= 0).sum() == 100
    temperature = [table.x[table.labels == i, 0].mean() for i in range(3)]
    assert temperature == sorted(temperature, reverse=True)


@pytest.mark.parametrize(
    "says", [np.array([-1, 3, 5]), np.array(["", "3", "5"]), np.array([-1, 3, 5], np.int8)]
)
def test_a_key_of_an_npz_file_says_the_class_of_a_row(tmp_path, says):
    np.savez(tmp_path / "rows.npz", x=np.eye(3), kind=says)
    dataset = data.load(DataConfig(str(tmp_path / "rows.npz"), classes="kind"))
    assert dataset.labels.tolist() == [-1, 0, 1]
    assert dataset.classes == ("3", "5")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("rows.npz", "expected the key 'kind'. Received: x"),
        ("rows.csv", "expected the column 'kind'. Received: no such column in a, b"),
        ("rows.npy", "parts have names, for kind"),
        ("digits", "classes of 'digit' for digits. Received: 'kind'"),
        ("mnist", "no classes for mnist. Received: kind"),
    ],
)
def test_classes_that_are_not_there_are_refused(tmp_path, monkeypatch, source, message):
    np.savez(tmp_path / "rows.npz", x=np.eye(3))
    np.save(tmp_path / "rows.npy", np.eye(3))
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        data.load(DataConfig(source, classes="kind"))


@pytest.mark.parametrize("cell", ["", "nan", "NA", "null", "None", " "])
def test_what_is_no_value_elsewhere_is_no_class(cell):
    assert read(["b", cell, "a"]) == ([1, -1, 0], ("a", "b"))


def test_missing_values_of_parquet_are_unknown():
    assert read([1.0, np.nan, 3.0]) == ([0, -1, 1], ("1", "3"))
    values = np.array(["x", None, "y"], object)
    assert labels.read(values, np.zeros(3, bool), column="k")[0].tolist() == [0, -1, 1]
