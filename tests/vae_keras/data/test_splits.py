"""Who sees which rows: every row once, windows of one stretch on one side, shares as asked for."""

import dataclasses
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from vae_keras.configs import DataConfig
from vae_keras.data import Dataset, dealing, split, splits
from vae_keras.data.streams import FileStream
from vae_keras.data.windows import MIN_RECORDINGS, cut

CONFIG = DataConfig("rows", folds=1)
SHARES = {"train": 0.6, "validation": 0.1, "calibration": 0.2, "test": 0.1}


@pytest.fixture(scope="module")
def counted():
    x = np.arange(1000, dtype=np.float32)[:, None]
    return Dataset("counted", x, x[:, 0] >= 900, (0.0, 1000.0))


def test_every_row_is_dealt_out_once(counted):
    rows = split(counted, CONFIG)
    parts = [rows.train, rows.validation, rows.calibration, rows.test]
    assert [len(part) for part in parts] == [540, 90, 180, 190]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts), axis=0), counted.x)


def test_anomalies_are_in_the_test_rows_only_and_marked_there(counted):
    rows = split(counted, CONFIG)
    np.testing.assert_array_equal(rows.test_y, rows.test[:, 0] >= 900)
    for part in (rows.train, rows.validation, rows.calibration):
        assert part.max() < 900


def test_the_split_follows_its_seed(counted):
    first, again, other = (
        split(counted, DataConfig("c", seed=s, folds=1)).train for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_too_few_rows_to_split_are_refused():
    few = Dataset("few", np.ones((4, 2), np.float32), np.zeros(4, bool))
    with pytest.raises(ValueError, match=r"Received: 4 in few, which leave 1 for calibration, 0"):
        split(few, CONFIG)


def test_no_more_is_held_back_than_sharpens_a_level(counted, monkeypatch):
    monkeypatch.setattr(dealing, "MOST_HELD_BACK", 50)
    rows = split(counted, CONFIG)
    sizes = [len(part) for part in (rows.train, rows.validation, rows.calibration, rows.test)]
    assert sizes == [900 - 90 - 50 - 50, 90, 50, 50 + 50]
    assert rows.test_y.sum() == 50


# Streams


@pytest.fixture
def streamed(counted, tmp_path):
    path = tmp_path / "counted.parquet"
    pq.write_table(pa.table({"a": counted.x[:, 0]}), path, row_group_size=70)
    return Dataset("counted", FileStream.of(path, ("a",)), counted.y, (0.0, 1000.0))


def test_a_stream_is_dealt_out_as_an_array_is(counted, streamed, rows_of):
    expected, rows = split(counted, CONFIG), split(streamed, CONFIG)
    for name in ("validation", "calibration", "test", "test_y"):
        np.testing.assert_array_equal(getattr(rows, name), getattr(expected, name))
    assert isinstance(rows.train, FileStream)
    np.testing.assert_array_equal(rows_of(rows.train), np.sort(expected.train, axis=0))


def test_of_a_stream_no_more_is_held_in_memory_than_is_of_use(streamed, monkeypatch):
    monkeypatch.setattr(dealing, "MOST_HELD_BACK", 50)
    rows = split(streamed, CONFIG)
    sizes = [len(part) for part in (rows.train, rows.validation, rows.calibration, rows.test)]
    assert sizes == [900 - 3 * 50, 50, 50, 50 + 50]


# Windows


@st.composite
def windowed(draw, folds=None):
    """Windows over recordings, a channel of which is the number of the row; and whose it is."""
    window, stride = draw(st.integers(2, 5)), draw(st.integers(1, 3))
    sizes = draw(st.lists(st.integers(20 * window, 30 * window), min_size=1, max_size=14))
    recording = np.arange(len(sizes)).repeat(sizes)
    if draw(st.booleans()):
        recording = np.random.default_rng(0).permutation(recording)
    x = np.arange(len(recording), dtype=np.float32)[:, None]
    y = np.zeros(len(recording), bool)
    y[draw(st.lists(st.integers(0, len(recording) - 1), max_size=4))] = True
    seed, folds = draw(st.integers(0, 99)), draw(st.just(1) if folds is None else folds)
    config = DataConfig("rows", window=window, stride=stride, seed=seed, folds=folds)
    table = Dataset("rows", x, y)
    return (
        cut(table, config, good=np.ones(len(x), bool), recording=recording, time=None),
        recording,
        config,
    )


def deal(dataset, config):
    """The split; what leaves a set without rows is rightly refused: another example is drawn."""
    try:
        return split(dataset, config)
    except ValueError as error:
        if not re.match("expected (enough normal rows|normal recordings)", str(error)):
            raise
        reject()


def samples(windows):
    """The numbers of the table's rows that are in any of these windows."""
    return set(windows[:].astype(int).ravel().tolist())


@settings(max_examples=60, deadline=None)
@given(windowed())
def test_no_sample_of_a_normal_window_is_on_two_sides(given_windows):
    dataset, recording, config = given_windows
    rows = deal(dataset, config)
    sides = (rows.train, rows.validation, rows.calibration, rows.test[~rows.test_y])
    seen = [samples(side) for side in sides]
    assert all(seen)
    assert len(set.union(*seen)) == sum(map(len, seen))
    if len(np.unique(recording)) >= MIN_RECORDINGS:  # then no recording is on two sides either
        recordings = [{recording[row] for row in rows_seen} for rows_seen in seen]
        assert len(set.union(*recordings)) == sum(map(len, recordings))


@settings(max_examples=30, deadline=None)
@given(windowed())
def test_windows_are_dealt_out_at_most_once_and_anomalies_only_to_the_test(given_windows):
    dataset, _, config = given_windows
    rows = deal(dataset, config)
    test, anomalies = rows.test[~rows.test_y], rows.test[rows.test_y]
    dealt = np.concatenate([rows.train[:], rows.validation, rows.calibration, test])[:, 0, 0]
    assert len(np.unique(dealt)) == len(dealt)
    assert set(dealt) <= set(dataset.x[~dataset.y][:, 0, 0])
    counted = dataset.x.counted
    assert sorted(anomalies[:, 0, 0]) == sorted(dataset.x[dataset.y & counted][:, 0, 0])
    held_back = np.concatenate([rows.validation, rows.calibration, test])[:, 0, 0]
    assert set(held_back) <= set(dataset.x[counted][:, 0, 0])


@settings(max_examples=60, deadline=None)
@given(windowed())
def test_shares_of_whole_recordings_are_off_by_few_recordings_at_most(given_windows):
    """One that is dealt out goes to the set that lacks most, so none gets one too many."""
    dataset, recording, config = given_windows
    if len(np.unique(recording)) < MIN_RECORDINGS:
        return
    rows = deal(dataset, config)
    normal = dataset.x[~dataset.y]
    of_recordings = np.bincount(recording[normal[:, 0, 0].astype(int)])
    normal_parts = {name: getattr(rows, name) for name in SHARES}
    normal_parts["test"] = rows.test[~rows.test_y]
    for name, share in SHARES.items():
        recordings = np.unique(recording[normal_parts[name][:, 0, 0].astype(int)])
        excess = of_recordings[recordings].sum() - share * len(normal)
        assert -3 * of_recordings.max() <= excess <= of_recordings.max()


def test_shares_of_one_long_recording_are_about_what_was_asked_for():
    x = np.arange(20_000, dtype=np.float32)[:, None]
    config = DataConfig("rows", window=10, stride=5)
    dataset = cut(
        Dataset("rows", x, np.zeros(len(x), bool)),
        config,
        good=x[:, 0] >= 0,
        recording=None,
        time=None,
    )
    rows = split(dataset, config)
    for name, share in SHARES.items():
        whole = len(dataset.x) if name == "train" else dataset.x.epoch_rows
        assert len(getattr(rows, name)) == pytest.approx(share * whole, rel=0.1)
    held_back = sum(len(getattr(rows, name)) for name in SHARES if name != "train")
    lost = dataset.x.epoch_rows - rows.train.epoch_rows - held_back
    assert 0 < lost < 2 * 10 / 2 * 40  # windows over the end of a stretch


def test_windows_held_back_are_limited_too(monkeypatch):
    monkeypatch.setattr(dealing, "MOST_HELD_BACK", 30)
    x = np.arange(2_000, dtype=np.float32)[:, None]
    config = DataConfig("rows", window=4, stride=2, folds=1)
    table = Dataset("rows", x, x[:, 0] >= 1800)
    rows = split(cut(table, config, good=x[:, 0] >= 0, recording=None, time=None), config)
    assert (len(rows.calibration), (~rows.test_y).sum(), rows.test_y.sum()) == (30, 30, 30)


@pytest.mark.parametrize("anomalies", [0, 100])
def test_a_recording_too_short_to_deal_out_is_refused_with_what_to_do(anomalies):
    x = np.arange(100, dtype=np.float32)[:, None]
    config = DataConfig("rows", window=20, stride=5)
    table = Dataset("short", x, x[:, 0] < anomalies)
    windows = cut(table, config, good=x[:, 0] >= 0, recording=None, time=None)
    with pytest.raises(ValueError, match=r"in short, which leave .*Shorter windows or more record"):
        split(windows, config)


# Folds


def test_with_folds_every_row_is_tested_on_or_in_one_fold(counted):
    rows = split(counted, dataclasses.replace(CONFIG, folds=5))
    own = np.concatenate([rows.train, rows.validation])
    np.testing.assert_array_equal(rows.calibration, own)
    assert (len(rows.train), len(rows.validation), (~rows.test_y).sum()) == (729, 81, 90)
    assert (rows.folds[729:] == 0).all()  # those that stop the last model stop another's too
    assert rows.stopping[729:].all()
    assert np.bincount(rows.folds).tolist() == [162] * 5
    assert np.bincount(rows.folds[rows.stopping]).tolist() == [81] * 5  # a tenth of all
    everything = np.sort(np.concatenate([own, rows.test]), axis=0)
    np.testing.assert_array_equal(everything, counted.x)
    np.testing.assert_array_equal(rows.test_y, rows.test[:, 0] >= 900)


def test_folds_follow_the_seed(counted):
    configs = [DataConfig("c", seed=seed, folds=3) for seed in (0, 0, 1)]
    first, again, other = (split(counted, config) for config in configs)
    np.testing.assert_array_equal(first.train, again.train)
    np.testing.assert_array_equal(first.folds, again.folds)
    assert not np.array_equal(first.train, other.train)


@settings(max_examples=60, deadline=None)
@given(windowed(folds=st.integers(3, 6)))
def test_no_sample_of_a_normal_window_is_in_two_folds_or_in_the_test(given_windows):
    dataset, recording, config = given_windows
    rows = deal(dataset, config)
    folds = [rows.calibration[rows.folds == fold] for fold in range(config.folds)]
    seen = [samples(side) for side in (*folds, rows.test[~rows.test_y])]
    assert all(seen)
    assert len(set.union(*seen)) == sum(map(len, seen))
    if len(np.unique(recording)) >= MIN_RECORDINGS:
        recordings = [{recording[row] for row in rows_seen} for rows_seen in seen]
        assert len(set.union(*recordings)) == sum(map(len, recordings))


def numbered(n):
    return Dataset("n", np.arange(n, dtype=np.float32)[:, None], np.zeros(n, bool))


@pytest.mark.parametrize(
    ("n", "options", "folds"),
    [
        (999, {}, 5),
        (1000, {}, 1),
        (999, {"calibration": 0.3}, 1),  # somebody chose how many to hold back
        (999, {"test": 0.2}, 5),
        (999, {"folds": 1}, 1),
        (1000, {"folds": 3}, 3),
        (5, {}, 1),
    ],
)
def test_folds_are_where_rows_are_few(n, options, folds):
    assert splits.choose_folds(numbered(n), DataConfig("rows", **options)) == folds


def test_rows_from_a_stream_are_held_back_however_few(streamed):
    assert splits.choose_folds(streamed, DataConfig("rows", stream=True)) == 1


@pytest.mark.parametrize(("recordings", "folds"), [(5, 1), (6, 5)])
def test_there_must_be_a_recording_for_each_fold_and_one_for_the_test(recordings, folds):
    recording = np.arange(60) % recordings
    segments = np.stack([recording, recording], axis=1)
    dataset = dataclasses.replace(numbered(60), segments=segments)
    assert splits.choose_folds(dataset, DataConfig("rows")) == folds
    if folds == 1:
        with pytest.raises(ValueError, match=r"each of 5 folds and for a test.*fewer folds \(--f"):
            split(dataset, DataConfig("rows", folds=5))


def test_folds_of_many_rows_are_refused(counted, monkeypatch):
    monkeypatch.setattr(dealing, "MOST_HELD_BACK", 800)
    with pytest.raises(ValueError, match=r"800 rows at most with folds.*Received: 810.*--folds 1"):
        split(counted, DataConfig("rows", folds=3))


# Machines


@pytest.fixture
def fleet():
    """Rows of three machines, mixed, 10 of machine c being anomalies; each row is its number."""
    machines, x = np.repeat(["a", "b", "c"], [200, 50, 750]), np.arange(1000, dtype=np.float32)
    mixed = np.random.default_rng(0).permutation(1000)
    return Dataset("fleet", x[mixed][:, None], mixed >= 990, machines=machines[mixed]), machines


def test_each_machine_gives_its_shares_to_every_set(fleet):
    dataset, machines = fleet
    rows = split(dataset, CONFIG)
    for role in ("calibration", "test"):
        named = rows.machines[role]
        np.testing.assert_array_equal(named, machines[getattr(rows, role)[:, 0].astype(int)])
    assert [(rows.machines["calibration"] == machine).sum() for machine in "abc"] == [40, 10, 148]
    assert [(rows.machines["test"] == machine).sum() for machine in "abc"] == [20, 5, 74 + 10]


def windows_of(machines, *, folds):
    """Machines of 400 rows, each its number; the machine of each row, and their windows, split."""
    recording = np.repeat([f"m{i:02d}" for i in range(machines)], 400)
    x = np.arange(len(recording), dtype=np.float32)[:, None]
    table = Dataset("fleet", x, np.zeros(len(x), bool), machines=recording)
    config = DataConfig("fleet", window=4, stride=2, recording="m", machine="m", folds=folds)
    windows = cut(table, config, good=np.ones(len(x), bool), recording=recording, time=None)
    return recording, split(windows, config)


@pytest.mark.parametrize("machines", [3, MIN_RECORDINGS + 2])
def test_each_machine_holds_windows_back_though_no_two_sets_share_a_row(machines):
    recording, rows = windows_of(machines, folds=1)
    for role in ("calibration", "test"):
        named = rows.machines[role]
        np.testing.assert_array_equal(named, recording[getattr(rows, role)[:, 0, 0].astype(int)])
        counts = np.unique(named, return_counts=True)[1]
        own = counts / counts.sum() * machines  # each machine's part of the set: 1 were they equal
        assert len(own) == machines
        np.testing.assert_allclose(own, 1.0, atol=0.15)  # as many stretches of each, a window apart
    sets = [samples(part) for part in (rows.train, rows.validation, rows.calibration, rows.test)]
    assert sum(map(len, sets)) == len(set().union(*sets))


def test_whole_recordings_of_each_machine_are_held_back_where_there_are_many():
    recording = np.repeat([f"run {i}" for i in range(24)], 40)
    machines = np.repeat(["a", "b"], 480)
    x = np.arange(960, dtype=np.float32)[:, None]
    config = DataConfig("fleet", window=4, recording="run", machine="m", folds=1)
    table = Dataset("fleet", x, np.zeros(960, bool), machines=machines)
    windows = cut(table, config, good=np.ones(960, bool), recording=recording, time=None)
    rows = split(windows, config)
    runs = [{*recording[[*samples(part)]]} for part in (rows.train, rows.calibration)]
    assert not runs[0] & runs[1]
    assert set(rows.machines["calibration"]) == {"a", "b"}


def test_each_machine_gives_its_share_to_the_test_and_to_every_fold(fleet):
    dataset, machines = fleet
    rows = split(dataset, dataclasses.replace(CONFIG, folds=5))
    for role in ("calibration", "test"):
        named = rows.machines[role]
        np.testing.assert_array_equal(named, machines[getattr(rows, role)[:, 0].astype(int)])
    assert [(rows.machines["test"] == machine).sum() for machine in "abc"] == [20, 5, 74 + 10]
    np.testing.assert_array_equal(rows.calibration, np.append(rows.train, rows.validation, axis=0))
    for machine, least in zip("abc", (36, 9, 133), strict=True):
        own = rows.machines["calibration"] == machine
        each, stopping = np.bincount(rows.folds[own]), np.bincount(rows.folds[own & rows.stopping])
        assert (each.min(), len(each)) == (least, 5)
        assert each.max() <= least + 1
        assert stopping.tolist() == [round(own.sum() * 0.1)] * 5
    everything = np.sort(np.concatenate([rows.calibration, rows.test]), axis=0)
    np.testing.assert_array_equal(everything[:, 0], np.arange(1000))


@pytest.mark.parametrize("machines", [3, MIN_RECORDINGS + 2])
def test_each_machine_has_windows_in_every_fold_though_no_two_share_a_row(machines):
    recording, rows = windows_of(machines, folds=5)
    named = rows.machines["calibration"]
    np.testing.assert_array_equal(named, recording[rows.calibration[:, 0, 0].astype(int)])
    counts = np.array(
        [np.bincount(rows.folds[named == machine]) for machine in np.unique(recording)]
    )
    assert counts.shape == (machines, 5)
    np.testing.assert_allclose(counts / counts.mean(), 1.0, atol=0.25)  # 40 stretches of each
    folds = [samples(rows.calibration[rows.folds == fold]) for fold in range(5)]
    sets = [*folds, samples(rows.test)]
    assert sum(map(len, sets)) == len(set.union(*sets))


def test_a_machine_of_too_few_rows_for_the_folds_is_refused_by_name(fleet):
    dataset, _ = fleet
    few = dataclasses.replace(
        dataset, machines=np.where(dataset.x[:, 0] < 4, "d", dataset.machines)
    )
    with pytest.raises(
        ValueError, match=r"5 folds and.*Received: 4 rows of machine d in fleet, which"
    ):
        split(few, dataclasses.replace(CONFIG, folds=5))
    assert splits.choose_folds(dataset, DataConfig("fleet")) == 5
    assert splits.choose_folds(few, DataConfig("fleet")) == 1


def test_there_must_be_a_recording_of_each_machine_for_each_fold():
    recording = np.arange(60) % 12
    segments = np.stack([recording, recording], axis=1)
    dataset = dataclasses.replace(numbered(60), segments=segments)
    for dealt, folds in (
        (np.where(recording < 6, "a", "b"), 5),
        (np.where(recording < 7, "a", "b"), 1),
    ):
        mixed = dataclasses.replace(dataset, machines=dealt)
        assert splits.choose_folds(mixed, DataConfig("rows")) == folds
