"""Steps in time that are gaps again and again are told of, a few are not."""

import pytest

from vae_runtime.live.gap_monitor import FEWEST_GAPS, Pace


def told(pace, steps):
    """The numbers, from 1, of the steps at which something was wrong."""
    return [number for number, step in enumerate(steps, 1) if pace.step(step) is not None]


@pytest.mark.parametrize(("window", "many"), [(1, FEWEST_GAPS), (12, 12), (40, 40)])
def test_a_window_of_gaps_is_told_of_once(window, many):
    pace = Pace(1.0, window)
    assert told(pace, [10.0] * 3 * many) == [many]
    assert pace.gaps == 3 * many


def test_stretches_too_short_for_a_window_are_told_of():
    pace = Pace(1.0, 12)
    assert told(pace, [*[1.0] * 10, 2.0] * 30) == [12 * 11]


def test_stretches_long_enough_are_not():
    pace = Pace(1.0, 12)
    assert told(pace, [*[1.0] * 11, 2.0] * 30) == []
    assert pace.gaps == 30


def test_it_is_told_of_again_after_it_was_right():
    pace = Pace(1.0, 12)
    assert told(pace, [9.0] * 12 + [1.0] * 11 + [9.0] * 12) == [12, 35]


def test_without_a_gap_no_step_is_a_gap():
    pace = Pace(None, 12)
    assert told(pace, [9.0] * 99) == []
    assert pace.gaps == 0


def test_a_step_as_long_as_the_gap_is_none():
    pace = Pace(7.0, 12)
    pace.step(7.0)
    assert pace.gaps == 0
    pace.step(7.1)
    assert pace.gaps == 1


def test_steps_of_each_kind_are_counted():
    pace = Pace(7.0, 12)
    assert told(pace, [1.0, 0.0, 0.0, -3.0, 8.0, 1.0]) == []
    assert (pace.steps, pace.repeated, pace.set_back, pace.gaps) == (6, 2, 1, 1)
    assert not pace.mostly_gaps


@pytest.mark.parametrize("step", [-1.0, 9.0])
def test_a_source_of_gaps_is_told_of_at_the_end_too(step):
    pace = Pace(7.0, 12)
    for _ in range(FEWEST_GAPS):
        assert not pace.mostly_gaps
        pace.step(step)
    assert pace.mostly_gaps


def test_lines_of_two_machines_in_turn_are_told_of_as_such():
    pace = Pace(7.0, 12)
    warnings = [pace.step(step) for step in [5.0, -4.0] * 12]
    (warning,) = filter(None, warnings)
    assert "12 steps that go back or are gaps, the last of 4 s back" in warning
    assert "follow each machine in a process of its own" in warning
