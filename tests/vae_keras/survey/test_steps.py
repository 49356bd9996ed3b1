"""Steps within recordings are the same in any blocks, and as if each recording stood alone."""

import numpy as np
import pytest

from vae_keras.survey.steps import Steps

RNG = np.random.default_rng(0)
NAMES = RNG.integers(0, 5, 400)
VALUES = np.cumsum(RNG.choice([0, 1, 1, 1, 3, -2], 400)).astype(float)
VALUES[RNG.random(400) < 0.1] = np.nan


def counts(steps):
    return steps.up, steps.same, steps.down, steps.longest, steps.usual(), steps.low, steps.high


@pytest.mark.parametrize("size", [1, 7, 400])
def test_blocks_do_not_change_what_is_counted(size):
    steps = Steps()
    for start in range(0, 400, size):
        steps.add(VALUES[start : start + size], NAMES[start : start + size])
    alone = Steps()
    alone.add(VALUES)
    assert counts(steps) == counts(alone)
    each = [Steps() for _ in range(5)]
    for name, own in enumerate(each):
        own.add(VALUES[name == NAMES])
    assert steps.apart is not None
    assert steps.apart.up == sum(own.up for own in each)
    assert steps.apart.down == sum(own.down for own in each)
    assert steps.apart.same == sum(own.same for own in each)
    assert steps.apart.longest == max(own.longest for own in each)


def test_no_step_leads_from_one_file_to_the_next():
    steps = Steps()
    for _ in range(2):
        steps.begin()
        steps.add(np.array([1.0, 2.0]), np.array([0, 0]))
    assert (steps.up, steps.down) == (2, 0)
    assert (steps.apart.up, steps.apart.down) == (2, 0)
