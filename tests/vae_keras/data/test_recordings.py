"""Recordings: whole ones are held back where there are enough, stretches of them where not."""

import dataclasses

import numpy as np
import pytest

from vae_keras.configs import DataConfig
from vae_keras.data import Dataset, dealing, recordings, split, splits

SETS = ("train", "validation", "calibration", "test")


def table(names, *, anomalies=(), machines=None):
    """Rows that are their own number, of recordings of these names."""
    x = np.arange(len(names), dtype=np.float32)[:, None]
    return Dataset(
        "bench",
        x,
        np.isin(np.arange(len(x)), anomalies),
        recordings=np.asarray(names),
        machines=None if machines is None else np.asarray(machines),
    )


def runs(count, rows=50):
    return np.repeat([f"run {i}" for i in range(count)], rows)


def numbers(rows):
    return rows[:, 0].astype(int)


def by_set(dataset, rows):
    """Names of the recordings that normal rows of each set are of."""
    found = {name: numbers(getattr(rows, name)) for name in SETS}
    normal = {name: own[~dataset.y[own]] for name, own in found.items()}
    return {name: set(dataset.recordings[own].tolist()) for name, own in normal.items()}


@pytest.mark.parametrize("count", [4, 6, 30])
@pytest.mark.parametrize("interleaved", [False, True])
def test_whole_recordings_are_held_back(count, interleaved):
    names = runs(count)
    names = np.random.default_rng(0).permutation(names) if interleaved else names
    dataset = table(names)
    rows = split(dataset, DataConfig("bench", folds=1))
    held = by_set(dataset, rows)
    assert all(held.values())
    assert sum(map(len, held.values())) == len(set.union(*held.values())) == count
    assert rows.recordings.whole
    assert rows.recordings.counts == {name: len(own) for name, own in held.items()}
    for role in ("calibration", "test"):
        own = numbers(getattr(rows, role))
        np.testing.assert_array_equal(rows.recordings.names[role], dataset.recordings[own])


@pytest.mark.parametrize(
    ("count", "rows", "options", "folds"),
    [
        (3, 500, {}, 1),  # too few for folds of whole ones, and rows enough to hold stretches back
        (3, 50, {}, 5),  # rows are few: folds of stretches
        (4, 500, {}, 3),
        (5, 500, {}, 4),
        (6, 500, {}, 5),
        (49, 50, {}, 5),
        (50, 50, {}, 1),
        (6, 500, {"calibration": 0.3}, 1),
        (6, 500, {"folds": 1}, 1),
    ],
)
def test_few_recordings_calibrate_by_folds(count, rows, options, folds):
    dataset = table(runs(count, rows))
    assert splits.choose_folds(dataset, DataConfig("bench", **options)) == folds


def test_no_recording_is_in_two_folds_or_in_the_test():
    dataset = table(runs(6, 200))
    rows = split(dataset, DataConfig("bench"))
    own = numbers(rows.calibration)
    folds = [set(dataset.recordings[own[rows.folds == fold]].tolist()) for fold in range(5)]
    test = set(dataset.recordings[numbers(rows.test)].tolist())
    assert [len(each) for each in (*folds, test)] == [1] * 6
    assert len(set.union(*folds, test)) == 6
    assert rows.recordings.whole
    counts = {"train": 4, "validation": 1, "calibration": 5, "test": 1}
    assert rows.recordings.counts == counts


@pytest.mark.parametrize("count", [1, 2, 3])
def test_of_too_few_recordings_stretches_are_held_back(count):
    dataset = table(runs(count, 800))
    rows = split(dataset, DataConfig("bench", folds=1))
    assert not rows.recordings.whole
    held = np.sort(rows.test[:, 0])
    assert (np.diff(held) == 1).mean() > 0.9  # neighbours stay together
    sizes = [len(getattr(rows, name)) for name in SETS]
    np.testing.assert_allclose(np.array(sizes) / (count * 800), [0.6, 0.1, 0.2, 0.1], atol=0.03)


def test_anomalies_of_any_recording_go_to_the_test():
    dataset = table(runs(6, 200), anomalies=[0, 1, 700])
    rows = split(dataset, DataConfig("bench"))
    assert sorted(rows.test[rows.test_y][:, 0].tolist()) == [0, 1, 700]
    assert len(rows.recordings.names["test"]) == len(rows.test)


def test_a_recording_of_anomalies_alone_is_none_to_learn_from():
    dataset = table(runs(5, 300), anomalies=range(300))
    assert recordings.fewest(dataset) == 4
    rows = split(dataset, DataConfig("bench"))
    assert rows.recordings.counts["calibration"] + rows.recordings.counts["test"] == 4


def test_each_machine_holds_recordings_of_its_own_back():
    machines = np.repeat(["a", "b"], [6 * 100, 2 * 300])
    names = np.concatenate([runs(6, 100), runs(2, 300)])  # both call their first "run 0"
    rows = split(table(names, machines=machines), DataConfig("bench", folds=1))
    for role in ("calibration", "test"):
        assert set(rows.machines[role]) == {"a", "b"}
    held, trained = numbers(rows.calibration), numbers(rows.train)
    assert not set(names[held[machines[held] == "a"]]) & set(
        names[trained[machines[trained] == "a"]]
    )
    assert not rows.recordings.whole  # b has too few


def test_a_machine_that_is_a_recording_gives_stretches():
    names = runs(12, 200)
    rows = split(table(names, machines=names), DataConfig("bench", folds=1))
    assert set(rows.machines["calibration"]) == set(rows.machines["test"]) == set(names)


def test_of_long_recordings_no_more_rows_calibrate_than_are_of_use(monkeypatch):
    monkeypatch.setattr(dealing, "MOST_HELD_BACK", 100)
    rows = split(table(runs(6, 200)), DataConfig("bench"))
    assert (len(rows.calibration), rows.calibrates.sum(), len(rows.test)) == (1000, 100, 100)


def test_names_are_text_or_whole_numbers():
    assert recordings.names_of(np.array([1.0, 2.0]), good=np.ones(2, bool)).tolist() == ["1", "2"]
    for nameless in (np.array([1.0, np.nan]), np.array(["a", ""]), np.array(["a", None])):
        with pytest.raises(ValueError, match=r"a recording for each row.*none in row 1 \(1 such"):
            recordings.names_of(nameless, good=np.ones(2, bool))
        assert len(recordings.names_of(nameless, good=np.array([True, False]))) == 2


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (("d/run_1.csv", "d/run_2.csv"), ["run_1", "run_2"]),
        (("d/a.csv", "d/a.txt"), ["a.csv", "a.txt"]),
        (("d/x/a.csv", "d/y/a.csv"), ["x/a.csv", "y/a.csv"]),
    ],
)
def test_each_file_is_a_recording(files, names):
    dataset = dataclasses.replace(table(["-"] * 4), files=np.array([0, 1, 1, 0]), file_names=files)
    good = np.ones(4, bool)
    expected = [names[i] for i in (0, 1, 1, 0)]
    assert recordings.named(dataset, None, good=good).tolist() == expected
    column = np.array(["am", "am", "pm", "pm"])
    both = [f"{file}/{half}" for file, half in zip(expected, column, strict=True)]
    assert recordings.named(dataset, column, good=good).tolist() == both
    assert recordings.named(table(["-"] * 4), column, good=good).tolist() == column.tolist()
    assert recordings.named(table(["-"] * 4), None, good=good) is None


def test_segments_that_windows_have_are_left_alone():
    dataset = table(runs(6, 200))
    segments = np.stack([np.arange(1200) // 100] * 2, axis=1)
    rows = split(dataclasses.replace(dataset, segments=segments), DataConfig("bench", folds=1))
    assert not rows.recordings.whole
