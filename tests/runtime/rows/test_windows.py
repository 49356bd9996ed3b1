"""Windows: consecutive rows of one recording, without a hole; all of these and no others."""

import itertools
import re
import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vae_runtime.rows.windows import one_of, window_rows

START = np.datetime64("2026-01-31T23:59:50")

# How times come: as numbers, dates, or text of either.
TIMES = {
    "numbers": lambda t: t.astype(float) - 7.5,
    "whole numbers": lambda t: t,
    "dates": lambda t: START + t.astype("timedelta64[s]"),
    "dates of days": lambda t: np.datetime64("2026-01-31") + t.astype("timedelta64[D]"),
    "nanoseconds": lambda t: START.astype("datetime64[ns]") + t.astype("timedelta64[ns]"),
    "numbers as text": lambda t: (t / 4).astype(str),
    "dates as text": lambda t: (START + t.astype("timedelta64[s]")).astype(str),
    "dates with a space": lambda t: (START + t.astype("timedelta64[s]")).astype(object).astype(str),
}


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


@st.composite
def tables(draw):
    """Recordings with holes, interleaved: (recording of each row, its time), both int (rows,)."""
    stretches = st.lists(st.integers(1, 9), min_size=1, max_size=3)
    recordings = draw(st.lists(stretches, min_size=1, max_size=4))
    recording = np.repeat(np.arange(len(recordings)), [sum(lengths) for lengths in recordings])
    recording = np.array(draw(st.permutations(recording.tolist())))
    time = np.empty(len(recording), int)
    for number, lengths in enumerate(recordings):
        step = np.ones(sum(lengths), int)
        step[np.cumsum(lengths)[:-1]] = draw(st.integers(2, 50))
        time[recording == number] = np.cumsum(step)
    return recording, time


def expected_windows(recording, time, window, stride):
    """Every window, found the slow way: stretch by stretch, recording by recording."""
    for number in np.unique(recording):
        rows = np.flatnonzero(recording == number).tolist()
        stretch = [rows[0]]
        for before, row in itertools.pairwise([*rows, None]):
            if row is None or (time is not None and time[row] - time[before] > 1):
                for first in range(0, len(stretch) - window + 1, stride):
                    yield stretch[first : first + window]
                stretch = []
            stretch.append(row)


@settings(max_examples=200, deadline=None)
@given(tables(), st.integers(1, 5), st.integers(1, 6), st.sampled_from([None, *TIMES]))
def test_all_stretches_without_a_gap_are_found_and_nothing_else(table, window, stride, times):
    recording, time = table
    if times is not None:
        steps = [np.diff(time[recording == number]) for number in np.unique(recording)]
        usual = [np.median(own) for own in (np.concatenate(steps), *steps) if len(own)]
        assume(usual and set(usual) == {1})  # what is usual must be usual
    expected = list(expected_windows(recording, None if times is None else time, window, stride))
    assume(expected)
    given_time = None if times is None else TIMES[times](time)
    found = window_rows(len(recording), window, stride, recording=recording, time=given_time)
    assert found.dtype == np.int64
    assert found.tolist() == expected


@settings(max_examples=50, deadline=None)
@given(tables(), st.integers(1, 3), st.integers(1, 3))
def test_interleaved_recordings_give_what_separate_ones_give(table, window, stride):
    recording, _ = table
    values = np.random.default_rng(0).normal(size=len(recording))
    apart = [values[recording == number] for number in np.unique(recording)]
    apart = [rows for rows in apart if len(rows) >= window]
    assume(apart)
    expected = [rows[window_rows(len(rows), window, stride)] for rows in apart]
    together = values[window_rows(len(recording), window, stride, recording=recording)]
    np.testing.assert_array_equal(together, np.concatenate(expected))


def test_without_group_and_time_all_rows_are_one_stretch():
    assert window_rows(7, 3, 2).tolist() == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]


@pytest.mark.parametrize("names", [["b", "a"], [10, 9], [True, False], [1.5, 0.5]])
def test_recordings_may_be_named_by_anything(names):
    recording = np.array(names)[[0, 1, 0, 1]]
    assert sorted(window_rows(4, 2, 1, recording=recording).tolist()) == [[0, 2], [1, 3]]


@pytest.mark.parametrize(("late", "windows"), [(1.5, 3), (1.51, 2), (1e6, 2)])
def test_a_hole_is_a_step_of_more_than_one_and_a_half_usual_ones(late, windows):
    time = np.cumsum([0.0, 1.0, late, 1.0])
    assert len(window_rows(4, 2, 1, time=time)) == windows


def test_each_recording_has_a_pace_of_its_own():
    recording, time = np.repeat([0, 1], 5), np.concatenate([np.arange(5.0), 10 * np.arange(5.0)])
    assert len(window_rows(10, 5, 1, recording=recording, time=time)) == 2
    assert (
        len(window_rows(10, 5, 1, recording=recording, time=time.astype(np.int64) * 100 + 2**60))
        == 2
    )


def test_what_is_usual_is_so_over_all_recordings():
    """A recording of two rows cannot say by itself what its pace is."""
    recording, time = np.array([0, 0, 0, 0, 1, 1]), np.array([0.0, 1.0, 2.0, 3.0, 0.0, 9.0])
    assert window_rows(6, 2, 1, recording=recording, time=time).max() == 3


def test_dates_of_several_zones_are_compared_as_the_moments_that_they_are():
    time = np.array(["2026-01-31T23:00:00Z", "2026-02-01T00:00:01+01:00", "2026-01-31T23:00:02"])
    assert len(window_rows(3, 3, 1, time=time)) == 1


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="other systems have no TZ to set")
def test_dates_without_a_zone_have_no_hole_where_summer_ends(monkeypatch):
    """What the device's clock makes of them does not matter."""
    monkeypatch.setenv("TZ", "EST5EDT,M3.2.0,M11.1.0")
    time.tzset()
    try:
        halves = np.datetime64("2026-10-31T23:30") + 30 * np.arange(8).astype("timedelta64[m]")
        assert len(window_rows(8, 8, 1, time=halves.astype(str))) == 1
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_recording_of_one_row_needs_no_pace():
    assert window_rows(1, 1, 1, time=np.array([5.0])).tolist() == [[0]]


@pytest.mark.parametrize(("window", "stride"), [(0, 1), (1, 0), (-1, 1)])
def test_sizes_below_1_are_refused(window, stride):
    with refuses(f"expected window and stride from 1. Received: {window} and {stride}."):
        window_rows(9, window, stride)


def test_no_stretch_that_is_long_enough_is_refused_with_the_longest():
    with refuses(
        "expected a stretch of 4 rows without a gap. Received: 5 rows, of which the longest "
        "stretch has 3."
    ):
        window_rows(5, 4, 1, recording=np.array(["a", "b", "a", "a", "b"]))


@pytest.mark.parametrize("time", [None, np.array([]), np.array([], "datetime64[s]")])
def test_no_rows_have_no_windows(time):
    with refuses("Received: 0 rows"):
        window_rows(0, 1, 1, time=time)


@pytest.mark.parametrize("second", ["2026-01-01T00:00:00", "2025-12-31T23:59:59"])
@pytest.mark.parametrize("kind", [str, "datetime64[s]"])
def test_times_that_do_not_rise_are_named_as_they_are_with_their_rows(second, kind):
    recording = np.array(["b", "a", "b"])
    time = np.array(["2026-01-01T00:00:00", "2026-01-01T00:00:00", second]).astype(kind)
    message = (
        f"expected times that rise. Received: {second} in row 2 after 2026-01-01T00:00:00 in row "
        "0. Sort the rows, or name the column that tells recordings apart (--recording)."
    )
    with refuses(message):
        window_rows(3, 1, 1, recording=recording, time=time)


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (np.array([0.0, np.nan, 2.0]), "nan"),
        (np.array(["2026-01-01", "NaT", "2026-01-03"], "datetime64[s]"), "NaT"),
    ],
)
def test_a_missing_time_does_not_rise(time, shown):
    with refuses(f"expected times that rise. Received: {shown} in row 1 after"):
        window_rows(3, 1, 1, time=time)


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (["1", "", "3"], "'' in row 1."),
        (["1", "2", "noon"], "'noon' in row 2."),
        (["2026-01-01", "2026-01-02", "3"], "'3' in row 2."),
        (["", "1", "2"], "'' in row 0."),
    ],
)
@pytest.mark.parametrize("kind", [str, object])
def test_what_is_no_time_is_named_with_its_row(time, shown, kind):
    message = f"expected times as numbers, or as 2026-01-31T23:59:59. Received: {shown}"
    with refuses(message):
        window_rows(3, 1, 1, time=np.array(time, kind))


@pytest.mark.parametrize("missing", ["", None, np.nan, np.datetime64("NaT")])
def test_a_row_of_no_recording_is_refused(missing):
    recording = np.array(["a", missing, "a", missing], object)
    message = "expected the name of a recording in each row. Received: none in row 1 (2 such rows)."
    with refuses(message):
        window_rows(4, 1, 1, recording=recording)


@given(st.integers(1, 300), st.integers(1, 60), st.integers(0, 9))
def test_one_of_so_many_neighbours_is_marked(count, neighbours, seed):
    marked = one_of(count, neighbours, seed=seed)
    parts = [marked[i : i + neighbours].sum() for i in range(0, count, neighbours)]
    assert (len(marked), set(parts)) == (count, {1})


def test_those_that_are_marked_begin_at_any_phase():
    phases = np.flatnonzero(one_of(4000, 12, seed=0)) % 48
    assert len(set(phases.tolist())) == 48
