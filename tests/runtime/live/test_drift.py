"""The drift test: ranks are uniform, a change is noticed, an alarm is as rare as promised."""

import dataclasses
import json
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_runtime import DriftSettings
from vae_runtime.bundle.manifest import Calibration
from vae_runtime.live import drift
from vae_runtime.live.drift import BETS, DriftTest

MANY = 300  # rows within which each change below is noticed, beside 15 to 180 that it takes

CHANGES = {
    "rise": lambda rng, n: rng.normal(1.0, 1.0, n),
    "sink": lambda rng, n: rng.normal(-1.0, 1.0, n),
    "leap": lambda rng, n: rng.normal(9.0, 1.0, n),
    "scatter": lambda rng, n: rng.normal(0.0, 3.0, n),
    "calm": lambda rng, n: rng.normal(0.0, 0.3, n),
    "a stuck sensor": lambda rng, n: np.full(n, -0.2),
    "no number": lambda rng, n: np.full(n, np.nan),
}


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def test_of(scores, **options):
    return DriftTest(
        Calibration(0.01, 1e-6, tuple(sorted(scores.tolist()))), settings_of(**options)
    )


test_of.__test__ = False


def settings_of(rows=1e6, **options):
    return DriftSettings(rows, **options)


def feed(test, scores, row=0):
    """The first row at which drift was noticed; None where it was not."""
    for score in np.asarray(scores).tolist():
        if test.update(score, row):
            return row
        row += 1
    return None


def uniform(x):
    """Kolmogorov's distance of x from uniform on (0, 1), in units of its 0.1 % point."""
    x = np.sort(x)
    steps = np.arange(len(x) + 1) / len(x)
    return max((steps[1:] - x).max(), (x - steps[:-1]).max()) * math.sqrt(len(x)) / 1.95


@pytest.mark.parametrize(
    "scores", ["continuous", "few values", "all equal", "lower by rounding", "higher by rounding"]
)
def test_ranks_of_unchanged_scores_are_uniform(scores):
    rng = np.random.default_rng(0)
    x = {
        "continuous": rng.normal(size=3100),
        "few values": rng.integers(0, 3, 3100).astype(float),
        "all equal": np.full(3100, 7.0),
        # a score depends on its batch by rounding: those of a stream may all be a little off
        "lower by rounding": np.concatenate([np.full(100, 7.0), np.full(3000, 7.0 - 2e-6)]),
        "higher by rounding": np.concatenate([np.full(100, 7.0), np.full(3000, 7.0 + 2e-6)]),
    }[scores]
    test, ranks = test_of(x[:100]), []
    for row, score in enumerate(x[100:].tolist()):
        ranks.append(test._rank(score))
        test.update(score, row)
    assert uniform(np.array(ranks)) < 1
    assert abs(np.corrcoef(ranks[1:], ranks[:-1])[0, 1]) < 4 / math.sqrt(len(ranks))


def test_every_bet_is_fair_and_never_loses_all():
    test = test_of(np.zeros(9))
    winnings = np.stack([test._winnings(p) for p in (np.arange(4000) + 0.5) / 4000])
    assert winnings.shape == (4000, len(BETS))
    assert winnings.min() > 0
    np.testing.assert_allclose(winnings.mean(0), 1.0, atol=1e-6)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("capacity", [10_000, 1000])
def test_a_change_is_noticed_and_dated(change, capacity):
    rng = np.random.default_rng(1)
    test = test_of(rng.normal(size=360), capacity=capacity)
    assert feed(test, rng.normal(size=1500)) is None
    assert not test.noticed
    noticed = feed(test, CHANGES[change](rng, MANY), row=1500)
    assert noticed is not None
    assert test.drift.noticed
    assert test.drift.evidence >= 1
    assert 1400 < test.drift.since <= noticed


def test_years_of_normal_rows_do_not_hide_a_change():
    delays = []
    for normal in (1000, 30_000):
        rng = np.random.default_rng(2)
        test = test_of(rng.normal(size=1000), capacity=2000)
        assert feed(test, rng.normal(size=normal)) is None
        delays.append(feed(test, CHANGES["rise"](rng, MANY)))
    assert delays[1] < 2 * delays[0]


def test_false_alarms_are_as_rare_as_promised():
    rows, alarms, rng = 40_000, 0, np.random.default_rng(3)
    test = test_of(rng.normal(size=99), rows=500)
    for score in rng.normal(size=rows).tolist():
        if test.update(score, 0):
            alarms += 1
            test = test_of(rng.normal(size=99), rows=500)
    assert 10 < alarms <= rows / 500


def false_alarms(rows):
    """How many of them, where calibration rows were a little too low, by two standard errors."""
    alarms, rng = 0, np.random.default_rng(4)
    for _ in range(3):
        low = rng.normal(size=1000) - 0.06
        test = test_of(low, rows=1000, capacity=1000)
        for score in rng.normal(size=rows // 3).tolist():
            if test.update(score, 0):
                alarms += 1
                test.reset()
    return alarms


def test_a_full_reference_is_not_taken_for_the_truth(monkeypatch):
    assert false_alarms(30_000) <= 30_000 / 1000
    monkeypatch.setattr(drift, "DEVIATIONS", 0.0)
    assert false_alarms(30_000) > 30_000 / 1000


def test_memory_is_bounded():
    test = test_of(np.arange(50.0), rows=1e12, capacity=60)
    feed(test, np.random.default_rng(5).normal(25, 9, 500))
    state = test.state()
    assert len(state.added) == 10
    assert len(json.dumps(dataclasses.asdict(state))) < 2000
    big = test_of(np.arange(100.0), capacity=60)
    feed(big, [3.0, 4.0])
    assert big.state().added == ()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 60), st.sampled_from([20, 30, 10_000]), st.integers(0, 3))
def test_a_restored_test_goes_on_bit_for_bit(stop, capacity, seed):
    x = np.random.default_rng(seed).integers(0, 30, 80).astype(float)
    whole, before, after = (test_of(x[:20], capacity=capacity, seed=seed) for _ in range(3))
    feed(before, x[20 : 20 + stop])
    document = json.loads(json.dumps(dataclasses.asdict(before.state())))
    state = before.state()
    after.restore(
        type(state)(**{k: tuple(v) if isinstance(v, list) else v for k, v in document.items()})
    )
    feed(after, x[20 + stop :], row=stop)
    feed(whole, x[20:])
    assert after.state() == dataclasses.replace(whole.state(), added=after.state().added)
    assert sorted(after.state().added) == sorted(whole.state().added)


def test_after_an_alarm_it_stays_until_reset():
    rng = np.random.default_rng(6)
    x = rng.normal(size=360)
    test = test_of(x)
    noticed = feed(test, CHANGES["leap"](rng, MANY))
    state = test.state()
    assert test.update(0.0, 999)
    assert test.state() == state
    test.reset()
    assert not test.noticed
    assert test.drift.since is None
    assert test.state() == test_of(x).state()
    assert feed(test, CHANGES["leap"](rng, MANY)) < 2 * noticed


def test_a_seed_gives_the_same_ranks_again_and_another_gives_others():
    x = np.random.default_rng(7).integers(0, 3, 200).astype(float)
    ends = []
    for seed in (0, 0, 1):
        test = test_of(x[:100], seed=seed)
        feed(test, x[100:])
        ends.append(test.state().evidence)
    assert ends[0] == ends[1] != ends[2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"evidence": (1.0,)}, "expected evidence of 12 bets"),
        ({"since": ()}, "expected evidence of 12 bets"),
        ({"added": (1.0, 2.0)}, "expected the scores of 1 rows. Received: 2"),
        ({"evidence": (-1.0,) * 12}, "from 0"),
        ({"since": (-1,) * 12}, "from 0"),
    ],
)
def test_a_state_that_cannot_be_is_refused(change, message):
    test = test_of(np.arange(9.0))
    feed(test, [3.0])
    with refuses(message):
        test.restore(dataclasses.replace(test.state(), **change))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": 0.5}, "expected rows_between_false_alarms from 1. Received: 0.5"),
        ({"rows": math.nan}, "Received: nan"),
        ({"rows": math.inf}, "Received: inf"),
        ({"spacing": 0}, "expected a spacing in rows from 1, as a whole number. Received: 0"),
        ({"spacing": 2.5}, "expected a spacing in rows from 1, as a whole number. Received: 2.5"),
        ({"capacity": 9.5}, "expected a capacity from 1, as a whole number"),
        ({"capacity": 0}, "expected a capacity from 1"),
        ({"seed": -1}, "a seed from 0"),
    ],
)
def test_settings_out_of_range_are_refused(options, message):
    with refuses(message):
        settings_of(**options)
