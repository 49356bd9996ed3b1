"""Windows: consecutive rows of one recording, without a hole; all of these and no others."""

import itertools
import re
import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vae_runtime.rows.times.times import read_times
from vae_runtime.rows.windows.windows import find_segments, one_of, window_rows, window_starts

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
        step[np.cumsum(lengths)[:-1]] = draw(st.integers(4, 50))
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


def test_recordings_are_in_the_order_of_people():
    recording = np.array(["run 100", "run 81", "run 9", "a2", "7"]).repeat(2)
    rows = window_rows(10, 2, 1, recording=recording)
    assert recording[rows[:, 0]].tolist() == ["7", "a2", "run 9", "run 81", "run 100"]


@pytest.mark.parametrize(("late", "windows"), [(2.0, 3), (3.5, 3), (3.51, 2), (1e6, 2)])
def test_a_hole_is_a_step_of_more_than_three_and_a_half_usual_ones(late, windows):
    time = np.cumsum([0.0, 1.0, late, 1.0])
    assert len(window_rows(4, 2, 1, time=time)) == windows


@pytest.mark.parametrize(("gap", "windows"), [(0.5, 0), (1.0, 2), (8.9, 2), (9.0, 3), (1e9, 3)])
def test_a_gap_that_is_given_is_the_longest_step_that_is_no_hole(gap, windows):
    time = np.cumsum([0.0, 1.0, 9.0, 1.0])
    if not windows:
        with refuses("Say which steps are still no hole (--gap SECONDS)"):
            window_rows(4, 2, 1, time=time, gap=gap)
        return
    assert len(window_rows(4, 2, 1, time=time, gap=gap)) == windows


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


@pytest.mark.parametrize("kind", ["datetime64[s]", str, object])
def test_equal_times_are_next_samples_and_a_clock_set_back_begins_a_stretch(kind, caplog):
    start = np.datetime64("2026-01-01T00:00:00")
    time = (start + np.array([0, 1, 1, 2, 3, 1, 2, 3])).astype(kind)
    assert window_rows(8, 3, 1, time=time).tolist() == [
        *([0, 1, 2], [1, 2, 3], [2, 3, 4]),
        [5, 6, 7],
    ]
    back, repeated = caplog.messages
    assert back == (
        f"the clock was set back once, first in row 5, from {time[4]} to {time[5]}: the order of "
        "rows is kept, and no window spans such a step"
    )
    assert repeated.startswith("1 time repeated from the row before: kept, each as the next sample")


def test_what_was_bridged_and_what_was_not_is_told_with_counts(caplog):
    time = np.cumsum([0.0, *[1.0] * 20, 2.0, 3.0, *[1.0] * 9, 60.0, 1.0])
    window_rows(len(time), 2, 1, time=time)
    assert caplog.messages == [
        "2 steps in time longer than the usual 1 s, bridged as samples that were missed (--gap "
        "3.5)",
        "1 hole in time of more than 3.5 s, the longest 1 min: no window spans one (--gap)",
    ]


def test_nothing_is_told_of_times_as_they_should_be(caplog):
    window_rows(50, 2, 1, time=np.arange(50.0))
    assert caplog.messages == []


def test_rows_in_no_order_are_refused_with_the_first_place():
    time = np.datetime64("2026-01-01T00:00:09") - np.arange(9)
    message = (
        "expected rows in time order. Received: 2026-01-01T00:00:08 in row 1 after "
        "2026-01-01T00:00:09 in row 0, and 8 of 8 steps go back. Sort the rows, or name the column "
        "that tells recordings apart (--recording)."
    )
    with refuses(message):
        window_rows(9, 2, 1, time=time)


def test_a_table_at_another_pace_than_the_gap_is_refused_with_both():
    message = (
        "expected a stretch of 4 rows without a gap. Received: 9 rows, of which the longest "
        "stretch has 1. Holes in time: 8, steps of more than 3.5 s, the longest 10 s; usual are 10 "
        "s."
    )
    with refuses(message):
        window_rows(9, 4, 1, time=10.0 * np.arange(9), gap=3.5)


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (np.array([0.0, np.nan, 2.0]), "row 1: expected a time as a number. Received: 'nan' (1"),
        (
            np.array(["2026-01-01", "NaT", "2026-01-03"], "datetime64[s]"),
            "expected a time. Received: 'N",
        ),
        (["1", "", "3"], "row 1: expected a time as a number. Received: '' (1 such rows)"),
        (["1", "2", "noon"], "row 2: expected a time as a number. Received: 'noon' (1 such rows)"),
        (["2026-01-01", "2026-01-02", "3"], "row 2: expected a time. Received: '3' (1 such rows)"),
        (["", "1", "-"], "row 0: expected a time as a number. Received: '' (2 such rows)"),
        (["9.1.26", "13.1.26", "3"], "expected a time as %d.%m.%y. Received: '3' (1 such rows)"),
    ],
)
@pytest.mark.parametrize("kind", [None, object])
def test_a_row_without_a_time_is_named_unless_it_is_not_good_anyway(time, shown, kind):
    time = np.array(time, kind)
    with refuses(shown):
        window_rows(3, 1, 1, time=time)
    good = read_times(time).good
    order, first = window_starts(3, 1, 1, time=time, good=good)
    assert order[first].tolist() == np.flatnonzero(good).tolist()


def test_windows_over_rows_that_are_not_good_are_left_out_and_counted(caplog):
    good = np.arange(9) != 4
    order, first = window_starts(9, 3, 1, good=good, time=np.arange(9.0))
    assert order[first].tolist() == [0, 1, 5, 6]
    assert caplog.messages == ["left out 3 windows over rows that are not good"]


def test_a_row_without_a_time_lasts_as_long_as_a_row():
    """What comes after it is compared with what was before."""
    time, good = np.array([0.0, 1, np.nan, 3, 4, np.nan, 9, 10]), np.ones(8, bool)
    good[[2, 5]] = False
    segments = find_segments(8, time=time, good=good)
    assert np.flatnonzero(segments.new).tolist() == [6]


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
