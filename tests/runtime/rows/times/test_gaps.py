"""Steps in time: what is usual, which are holes, and what is said about them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_runtime.rows.times.gaps import GAP, is_hole, look_at, seconds, sentences


def looked_at(steps, *, new=None, gap=None):
    steps = np.array(steps, float)
    return look_at(steps, np.zeros(len(steps), bool) if new is None else np.array(new), gap=gap)


def test_steps_of_each_kind_are_counted():
    found = looked_at([1, 1, 1, 2, 3.5, 4, 0, 0, -7, 1, 1, 1])
    assert np.flatnonzero(found.breaks).tolist() == [5, 8]
    assert np.flatnonzero(found.back).tolist() == [8]
    assert (found.repeated, found.late, found.holes, found.longest) == (2, 2, 1, 4.0)
    assert (found.step, found.gap) == (1.0, 3.5)


@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=30), st.floats(0.01, 100))
def test_a_longer_gap_never_breaks_more(steps, gap):
    breaks, fewer = looked_at(steps, gap=gap), looked_at(steps, gap=2 * gap)
    assert (breaks.breaks >= fewer.breaks).all()
    assert breaks.gap == gap


@given(st.integers(1, 10**12), st.integers(1, 40))
def test_a_clock_of_any_unit_has_the_same_holes(unit, late):
    steps = np.array([1.0, 1, 1, late, 1, 1])
    assert looked_at(steps * unit).breaks.tolist() == looked_at(steps).breaks.tolist()
    assert looked_at(steps).breaks.any() == (late > GAP)


def test_times_that_are_repeated_do_not_make_all_others_late():
    found = looked_at([0, 0, 0, 1] * 9)
    assert not found.breaks.any()
    assert (found.step, found.repeated) == (1.0, 27)


def test_recordings_of_one_pace_have_one_gap_and_others_none():
    new = [False] * 4 + [True] + [False] * 4
    alike = looked_at([1, 1, 1, 1, -9, 1, 1, 1.2, 1], new=new)
    assert (alike.step, alike.gap, alike.back.any()) == (1.0, 3.5, False)
    others = looked_at([1, 1, 1, 1, -9, 7, 7, 7, 7], new=new)
    assert (others.step, others.gap, others.breaks.any()) == (None, None, False)


@pytest.mark.parametrize("steps", [[], [0.0], [-1.0], [0.0, -2.0]])
def test_without_a_step_forward_nothing_is_usual(steps):
    found = looked_at(steps)
    assert (found.step, found.gap, found.holes) == (None, None, 0)


def test_a_gap_is_met_up_to_the_rounding_of_seconds_since_1970():
    at = 1772352000.1 + np.arange(1000) * 0.35
    assert not is_hole(np.diff(at), 0.35).any()
    assert is_hole(0.351, 0.35)


def test_there_is_one_sentence_for_each_kind():
    found = looked_at([1, 1, 1, 2, 1, 4, 0, -7, 1, 1, 1])
    late, hole, back, repeated = sentences(found, "in row 8, from x to y")
    assert late.startswith("1 step in time longer than the usual 1 s, bridged as samples")
    assert hole.startswith("1 hole in time of more than 3.5 s, the longest 4 s")
    assert back.startswith("the clock was set back once, first in row 8, from x to y: ")
    assert repeated.startswith("1 time repeated from the row before")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0004, "0.0004 s"),
        (1, "1 s"),
        (75, "75 s"),
        (60, "1 min"),
        (7200, "2 h"),
        (2e5, "2.31 days"),
    ],
)
def test_seconds_are_said_in_the_unit_of_people(number, text):
    assert seconds(number) == text
