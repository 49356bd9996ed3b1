"""False alarms by recording: counted by hand; rows that are alike count as few."""

import numpy as np
import pytest

from vae_runtime.verdicts.recordings import (
    RecordingAlarms,
    by_recording,
    by_the_others,
    correlation,
    describe,
    independent_share,
    together,
)

RNG = np.random.default_rng(0)


def test_alarms_are_counted_by_recording():
    alarm, names = np.array([True, False, True, False]), np.array(["b", "b", "a", "b"])
    assert by_recording(alarm, names) == {"a": RecordingAlarms(1, 1), "b": RecordingAlarms(3, 1)}
    assert by_recording(alarm[:0], names[:0]) == {}


def test_a_recording_is_judged_by_the_threshold_of_the_others():
    scores = np.concatenate([np.arange(100.0), np.arange(100.0) + 50])
    names = np.repeat(["low", "high"], 100)
    found = by_the_others(scores, names, alpha=0.1, rounding=0.0)
    assert found == {"low": RecordingAlarms(100, 0), "high": RecordingAlarms(100, 59)}


def test_a_recording_whose_others_are_too_few_is_not_judged():
    names = np.repeat(["long", "short"], [100, 5])
    found = by_the_others(np.arange(105.0), names, alpha=0.1, rounding=0.0)
    assert list(found) == ["short"]


def test_counts_add_up():
    some, more = (
        {"a": RecordingAlarms(4, 1)},
        {"a": RecordingAlarms(6, 2), "b": RecordingAlarms(1, 0)},
    )
    assert together(some, more) == {"a": RecordingAlarms(10, 3), "b": RecordingAlarms(1, 0)}
    assert together() == {}


def test_rows_that_depend_on_nothing_all_count():
    scores, names = RNG.normal(size=4000), np.repeat(np.arange(20).astype(str), 200)
    assert independent_share(scores, names, alpha=0.05, rows=names) > 0.4


def test_rows_of_recordings_that_differ_count_as_few():
    names = np.repeat(np.arange(20).astype(str), 200)
    scores = RNG.normal(size=20)[np.arange(20).repeat(200)] + 0.1 * RNG.normal(size=4000)
    share = independent_share(scores, names, alpha=0.05, rows=names)
    assert 20 <= share * 4000 < 25
    few = names[:400]  # of two recordings
    assert 2 <= independent_share(scores, names, alpha=0.05, rows=few) * 400 < 3


@pytest.mark.parametrize("names", [["a"] * 50, [str(i) for i in range(50)]])
def test_where_nothing_is_known_of_likeness_all_rows_count(names):
    scores = RNG.normal(size=50)
    assert independent_share(scores, np.array(names), alpha=0.1, rows=np.array(names)) == 1.0


def test_correlation_is_that_of_the_analysis_of_variance():
    names = np.repeat(["a", "b", "c"], 2)
    values = np.array([1.0, 3.0, 5.0, 7.0, 9.0, 11.0])
    between, within = 32.0, 2.0  # mean squares, by hand
    assert correlation(values, names) == pytest.approx((between - within) / (between + within))
    assert correlation(np.ones(6), names) == 0.0


def test_the_spread_is_described_with_the_worst():
    counts = {
        "a": RecordingAlarms(100, 0),
        "b": RecordingAlarms(8, 1),
        "c": RecordingAlarms(100, 1),
    }
    assert describe(counts) == "by recording: 0.0 % to 12.5 %, median 1.0 %; worst b"
    assert describe({"a": RecordingAlarms(9, 0), "b": RecordingAlarms(9, 0)}).endswith(
        "median 0.0 %"
    )
    assert describe({"a": RecordingAlarms(4, 1)}) == "by recording: 25.0 % of the one there is, a"
    assert describe({}) == describe({"a": RecordingAlarms(0, 0)}) == ""
