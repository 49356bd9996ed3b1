"""Windows as examples: what they hold, which are anomalies, which must stay together."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_keras.configs import DataConfig
from vae_keras.data import Dataset
from vae_keras.data.windows import MIN_RECORDINGS, MIN_WINDOWS, SEGMENTS, cut
from vae_runtime.rows.windows.windows import window_rows


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def table(rows, *, anomalies=()):
    """A table whose first channel is the number of the row."""
    x = np.stack([np.arange(rows), np.ones(rows)], 1).astype(np.float32)
    return Dataset("table", x, np.isin(np.arange(rows), anomalies), feature_names=("a", "b"))


def windows_of(given_table, *, good=None, recording=None, time=None, **options):
    good = np.ones(len(given_table.x), bool) if good is None else good
    config = DataConfig("table", **{"window": 3, "stride": 1, **options})
    return cut(given_table, config, good=good, recording=recording, time=time)


@settings(max_examples=50, deadline=None)
@given(
    recording=st.lists(st.integers(0, 2), min_size=12, max_size=30).map(np.array),
    bad=st.sets(st.integers(0, 29), max_size=3),
    anomalies=st.sets(st.integers(0, 29), max_size=4),
    window=st.integers(1, 3),
    stride=st.integers(1, 4),
)
def test_windows_are_at_every_offset_but_over_bad_rows(recording, bad, anomalies, window, stride):
    rows = window_rows(len(recording), window, 1, recording=recording)
    expected = [row for row in rows.tolist() if not bad & set(row)]
    good = ~np.isin(np.arange(len(recording)), list(bad))
    options = {"good": good, "recording": recording, "window": window, "stride": stride}
    if not expected:
        with refuses(f"expected a stretch of {window} rows without missing values."):
            windows_of(table(len(recording)), **options)
        return
    dataset = windows_of(table(len(recording), anomalies=list(anomalies)), **options)
    assert dataset.x[:, :, 0].tolist() == expected
    assert dataset.x.dtype == np.float32
    assert dataset.y.tolist() == [bool(anomalies & set(row)) for row in expected]
    assert (dataset.stride, dataset.feature_names) == (stride, ("a", "b"))
    assert dataset.x.counted.all()  # windows as short as these have no quarter


def test_a_window_is_of_a_class_where_all_its_rows_are():
    known = np.array([0, 0, 0, 1, 1, -1, -1, -1], np.int32)
    labelled = replace(table(8), labels=known, classes=("x", "y"))
    assert windows_of(labelled, window=2).labels.tolist() == [0, 0, -1, 1, -1, -1, -1]
    assert windows_of(labelled, window=1).labels.tolist() == known.tolist()
    assert windows_of(labelled, window=4).labels.tolist() == [-1] * 5


def test_a_window_over_rows_of_two_machines_is_refused_with_their_names():
    fleet = replace(table(8), machines=np.array(["p1"] * 4 + ["p2"] * 4))
    with refuses("Received: a window over rows of p1 and p2 (2 such windows)."):
        windows_of(fleet)
    apart = windows_of(fleet, recording=fleet.machines)
    assert apart.machines.tolist() == ["p1", "p1", "p2", "p2"]


@pytest.mark.parametrize(
    ("window", "stride", "one_in"), [(64, 16, 16), (64, None, 16), (64, 4, 4), (64, 200, 16)]
)
def test_as_many_windows_count_as_at_the_stride_or_at_a_quarter_of_a_window(window, stride, one_in):
    windows = windows_of(table(2000), window=window, stride=stride).x
    assert len(windows) == 2000 - 63
    assert windows.epoch_rows == -(-len(windows) // one_in)


@pytest.mark.parametrize(("window", "stride"), [(1, 1), (3, 1), (4, 1), (9, 2), (64, 16)])
def test_the_stride_is_a_quarter_of_a_window_where_none_is_said(window, stride):
    assert windows_of(table(70), window=window, stride=None).stride == stride


def test_windows_that_are_cut_already_are_taken_as_they_are():
    x = np.random.default_rng(0).normal(size=(5, 3, 2)).astype(np.float32)
    good = np.array([1, 1, 0, 1, 1], bool)
    dataset = windows_of(Dataset("cut", x, np.arange(5) == 4), good=good, stride=2)
    np.testing.assert_array_equal(dataset.x, x[good])
    assert dataset.y.tolist() == [False, False, False, True]
    assert (dataset.stride, dataset.segments) == (2, None)


@pytest.mark.parametrize("shape", [(5, 4, 2), (5, 3, 3, 1)])
def test_what_is_neither_a_table_nor_such_windows_is_refused(shape):
    given_rows = Dataset("rows", np.zeros(shape, np.float32), np.zeros(5, bool))
    with refuses(
        "expected a table (rows, channels) to cut into windows, or windows of 3 rows without times."
        f" Received: rows of shape {shape[1:]}."
    ):
        windows_of(given_rows)


def test_windows_in_hand_stay_with_their_recording():
    given_rows = Dataset("rows", np.zeros((5, 3, 2), np.float32), np.zeros(5, bool))
    dataset = windows_of(given_rows, recording=np.array(["b", "a", "b", "c", "c"]))
    assert dataset.segments.tolist() == [[1, 1], [0, 0], [1, 1], [2, 2], [2, 2]]
    assert "(--recording)" in windows_of(given_rows).notes[0]  # who knows whether they overlap


def segments_of_rows(dataset):
    """The segment of each row of the table that begins or ends a window."""
    found = {}
    for window, ends in zip(dataset.x[:, :, 0].astype(int), dataset.segments, strict=True):
        for row, segment in zip(window[[0, -1]].tolist(), ends.tolist(), strict=True):
            assert found.setdefault(row, segment) == segment
    return found


def test_of_many_recordings_each_is_a_segment():
    recording = np.arange(MIN_RECORDINGS).repeat(5)
    rng = np.random.default_rng(0)
    recording = rng.permutation(recording)
    found = segments_of_rows(windows_of(table(len(recording)), recording=recording))
    assert {(recording[row], segment) for row, segment in found.items()} == {
        (i, i) for i in range(MIN_RECORDINGS)
    }


@pytest.mark.parametrize("recordings", [1, 2, 9])
def test_fewer_recordings_are_cut_into_stretches_in_time_order(recordings):
    recording = np.arange(3600) % recordings  # interleaved
    found = segments_of_rows(windows_of(table(3600), recording=recording))
    assert SEGMENTS <= len(set(found.values())) <= SEGMENTS + recordings
    for number in range(recordings):
        rows = [row for row in sorted(found) if recording[row] == number]
        assert (np.diff([found[row] for row in rows]) >= 0).all()
    assert len({(recording[row], segment) for row, segment in found.items()}) == len(
        set(found.values())
    )


def test_a_short_recording_is_cut_into_stretches_of_several_windows():
    dataset = windows_of(table(3 * MIN_WINDOWS * 5 + 4), window=5)
    starts, ends = dataset.segments.T
    assert set(starts) | set(ends) == {0, 1, 2}
    assert (ends - starts <= 1).all()


def test_without_recordings_all_is_one():
    alone = windows_of(table(500))
    grouped = windows_of(table(500), recording=np.zeros(500))
    np.testing.assert_array_equal(alone.segments, grouped.segments)
