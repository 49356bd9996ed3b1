"""Where rows stand: on times as they came in, else side by side."""

import numpy as np
import pytest

from vae_keras.data.places import Places
from vae_keras.pages.axis import axis_of, read_times


def times(*seconds):
    return np.datetime64("2026-03-01T12:00:00") + np.array(seconds) * np.timedelta64(1, "s")


def test_rows_stand_at_their_times_and_a_missed_hour_is_a_gap():
    axis = axis_of(Places.of_rows(6, time=times(0, 10, 20, 3620, 3630, 3640)), 6, "row")
    assert axis.kind == "row"  # an hour of an hour is empty: side by side
    axis = axis_of(Places.of_rows(6, time=times(0, 10, 20, 60, 70, 80)), 6, "row")
    assert axis.kind == "date"
    start = axis.x[0]
    assert axis.gaps == ((start + 20, start + 60),)
    assert axis.broken.tolist() == [False, False, False, True, False, False]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (["2026-01-01T00:00:00+01:00", "2026-01-01T00:00:01+01:00"], "date"),
        (["1.5", "2.5"], "number"),
        (["2026-01-01 00:00", "2026-01-01 00:01"], "date"),
    ],
)
def test_times_are_read_as_they_came_in(text, kind):
    values, found = read_times(np.array(text))
    assert found == kind
    assert (np.diff(values) > 0).all()


def test_clocks_of_one_zone_are_shown_as_written():
    seconds, _ = read_times(np.array(["1970-01-01T01:00:00+01:00"]))
    assert seconds.tolist() == [3600.0]
    both, _ = read_times(np.array(["1970-01-01T01:00:00+01:00", "1970-01-01T00:00:01+00:00"]))
    assert both.tolist() == [0.0, 1.0]


def test_times_that_nobody_reads_are_written_below_the_rows():
    said = np.array(["KW1", "KW2", "KW3"])
    axis = axis_of(Places.of_rows(3, time=said), 3, "row")
    assert axis.kind == "row"
    assert axis.said.tolist() == said.tolist()


def test_recordings_that_run_at_the_same_time_stand_side_by_side():
    places = Places.of_rows(6, time=times(0, 1, 2, 0, 1, 2), recording=np.array(list("aaabbb")))
    axis = axis_of(places, 6, "window")
    assert axis.x.tolist() == [0, 1, 2, 3, 4, 5]
    assert axis.borders == ((0.0, "a"), (3.0, "b"))
    assert axis.gaps == ()
    assert "side by side" in axis.title


def test_rows_without_times_stand_at_their_numbers_and_left_out_ones_are_a_gap():
    places = Places.of_rows(10)[np.array([0, 1, 2, 3, 8, 9])]
    axis = axis_of(places, 6, "row")
    assert axis.x.tolist() == [0, 1, 2, 3, 8, 9]
    assert axis.gaps == ((3.0, 8.0),)


@pytest.mark.parametrize("rows", [1, 2])
def test_few_rows_have_an_axis(rows):
    for places in (None, Places.of_rows(rows), Places.of_rows(rows, time=times(*range(rows)))):
        low, high = axis_of(places, rows, "row").limits
        assert low < high


def sample(rows, of, **columns):
    """Places of a random sample of a file's rows, in their order."""
    chosen = np.sort(np.random.default_rng(0).choice(of, rows, replace=False))
    return Places(chosen, chosen, **{name: each[chosen] for name, each in columns.items()})


def test_nothing_is_a_gap_between_the_rows_of_a_sample():
    times = np.datetime64("2026-03-01") + np.arange(2000) * np.timedelta64(1, "s")
    axis = axis_of(sample(400, 2000, time=times), 400, "row")
    assert (axis.kind, axis.sampled, axis.gaps) == ("date", True, ())
    alone = np.diff(sample(400, 2000).last) > 1
    assert axis.broken[1:].tolist() == alone.tolist()  # rows beside each other are an episode
    axis = axis_of(sample(400, 2000), 400, "row")
    assert (axis.kind, axis.title, axis.sampled) == ("row", "row of the file", True)
    assert axis.x.tolist() == sample(400, 2000).last.tolist()


def test_a_sample_of_days_far_apart_stands_side_by_side():
    times = np.datetime64("2026-03-01") + np.arange(2000) * np.timedelta64(1, "s")
    times[1000:] += np.timedelta64(90, "D")
    axis = axis_of(sample(400, 2000, time=times), 400, "row")
    assert (axis.sampled, axis.title) == (True, "time; rows side by side")
    assert axis.said[-1] > np.datetime64("2026-05-01")


def test_windows_and_files_with_few_bad_rows_are_no_samples():
    starts = np.arange(0, 400, 4)
    assert not axis_of(Places(starts, starts + 11), 100, "window").sampled
    rows = np.delete(np.arange(500), np.arange(0, 500, 10))
    assert not axis_of(Places(rows, rows), len(rows), "row").sampled
