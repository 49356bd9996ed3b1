"""What chance allows: against scipy, and against alarms that are drawn."""

import numpy as np
import pytest
from scipy.stats import betabinom, mannwhitneyu

from vae_runtime.bundle.manifest import Calibration, Trial
from vae_runtime.verdicts.observed_rates import (
    BELOW,
    BETTER,
    CHANCE,
    EXCEEDED,
    KEPT,
    LEVEL,
    TOO_FEW,
    UNKNOWN,
    beta_binomial,
    promise_of,
    promise_of_calibration,
    promises_of,
    warnings_of,
)


@pytest.mark.parametrize(("rows", "a", "b"), [(1, 0.5, 9.5), (100, 1.0, 99.0), (5000, 20.0, 380.0)])
def test_chances_are_those_of_scipy(rows, a, b):
    expected = betabinom(rows, a, b).pmf(np.arange(rows + 1))
    np.testing.assert_allclose(beta_binomial(rows, a, b), expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(
    ("rows", "alarms", "alpha", "n", "rate"),
    [
        (100, 20, 0.01, 200, EXCEEDED),
        (100, 1, 0.01, 200, KEPT),
        (100, 4, 0.01, 200, KEPT),  # chance does that
        (180, 3, 0.01, 360, KEPT),
        (5000, 0, 0.05, 5000, BELOW),
        (5000, 250, 0.05, 5000, KEPT),
        (5000, 400, 0.05, 5000, EXCEEDED),
        (5000, 400, 0.05, 99, KEPT),  # the luck of a threshold on few rows
        (1, 1, 0.01, 1000, KEPT),  # one row says little
        (10, 10, 0.01, 1000, EXCEEDED),
        (100, 100, 0.5, 1000, EXCEEDED),
        (10**9, 5 * 10**7, 0.01, 10**5, EXCEEDED),
    ],
)
def test_a_rate_beyond_chance_is_a_broken_promise(rows, alarms, alpha, n, rate):
    found = promise_of(Trial(rows, alarms, 0, None), alpha, n)
    assert (found.rate, found.ranking) == (rate, UNKNOWN)
    assert bool(warnings_of({"fp32": found})) == (rate == EXCEEDED)


def test_of_promises_that_are_kept_one_in_a_thousand_is_called_broken():
    """Thresholds on 99 rows, tests on 300: far from where a plain binomial would do."""
    rng, called = np.random.default_rng(0), 0
    trials = 20_000
    rates = rng.beta(1, 99, trials)
    worst = [promise_of(Trial(300, k, 0, None), 0.01, 99).rate == EXCEEDED for k in range(301)]
    called = np.array(worst)[rng.binomial(300, rates)].mean()
    assert 0 < called <= 2 * LEVEL


def test_what_chance_allows_is_said_with_what_was_seen():
    said = promise_of(Trial(100, 20, 0, None), 0.01, 200).rate_said
    assert said.startswith(
        "alarms more often than asked: 20 % of 100 normal test rows at 1 %; chance allows "
    )
    kept = promise_of(Trial(200, 1, 0, None), 0.01, 200)
    assert kept.rate_said == "keeps its rate: 0.5 % of 200 normal test rows at 1 %"
    assert 0.02 < kept.most < 0.08


def test_windows_that_share_rows_say_less():
    alone = promise_of(Trial(80, 8, 0, None), 0.01, 400)
    shared = promise_of(Trial(80, 8, 0, None, 0.1), 0.01, 400)
    assert (alone.rate, shared.rate) == (EXCEEDED, KEPT)
    far = promise_of(Trial(100, 30, 0, None, 0.25), 0.01, 900)
    assert (
        "30 % of 100 normal test rows, which count as 25, as windows share rows," in far.rate_said
    )
    assert far.rate == EXCEEDED


def test_rows_of_recordings_that_are_alike_say_less_of_the_rate_alone():
    alone = promise_of(Trial(1000, 100, 50, 0.9), 0.01, 400)
    alike = promise_of(Trial(1000, 100, 50, 0.9, 1.0, 0.01), 0.01, 400)
    assert (alone.rate, alike.rate) == (EXCEEDED, KEPT)
    assert "which count as 10, as rows of a recording are alike, at 1 %" in alike.rate_said
    assert alike.ranking == alone.ranking == BETTER
    both = promise_of(Trial(1000, 100, 0, None, 0.5, 0.02), 0.01, 400)
    assert "as 10, as windows share rows and rows of a recording are alike," in both.rate_said


@pytest.mark.parametrize(
    ("normal", "anomalies", "auroc", "ranking"),
    [
        (100, 50, 0.45, CHANCE),
        (100, 50, 0.5, CHANCE),
        (100, 50, 0.0, CHANCE),
        (100, 50, 0.58, CHANCE),
        (100, 50, 0.62, BETTER),
        (100, 3, 0.95, BETTER),
        (100, 1, 1.0, TOO_FEW),
        (3, 1, 0.3, TOO_FEW),
        (10_000, 10_000, 0.51, BETTER),
    ],
)
def test_scores_that_rank_no_better_than_chance_say_nothing(normal, anomalies, auroc, ranking):
    found = promise_of(Trial(normal, 0, anomalies, auroc), 0.01, 200)
    assert found.ranking == ranking
    assert bool(warnings_of({"fp32": found})) == (ranking == CHANCE)


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0])
def test_ranking_is_judged_as_by_the_test_of_mann_and_whitney(shift):
    rng = np.random.default_rng(3)
    normal, anomalies = rng.normal(size=80), rng.normal(shift, size=40)
    u, p = mannwhitneyu(anomalies, normal, alternative="greater", method="asymptotic")
    found = promise_of(Trial(80, 0, 40, u / 3200), 0.01, 200)
    assert (found.ranking == BETTER) == (p < 1 / 40)


def test_what_was_not_measured_is_said_to_be():
    nothing = promise_of(Trial(0, 0, 7, None), 0.01, 200)
    assert nothing.rate_said == "not measured: no normal test rows"
    assert nothing.ranking_said == "not measured: no normal rows among the test rows"
    assert warnings_of({"fp32": nothing}) == []
    assert promise_of_calibration(Calibration(0.01, 0.0, (1.0,) * 99)) is None


def test_with_machines_the_one_with_fewest_rows_says_what_chance_allows():
    trial = Trial(5000, 400, 0, None)
    few, many = (1.0,) * 99, (1.0,) * 5000
    together = Calibration(0.05, 0.0, few + many, trial=trial)
    assert promise_of_calibration(together).rate == EXCEEDED
    apart = Calibration(0.05, 0.0, few + many, by_machine={"a": few, "b": many}, trial=trial)
    assert promise_of_calibration(apart).rate == KEPT


def test_each_kind_is_warned_of_once_with_the_names_it_is_true_of():
    scores = tuple(range(400))
    broken = Calibration(0.01, 0.0, scores, trial=Trial(100, 20, 50, 0.45))
    other = Calibration(0.01, 0.0, scores, trial=Trial(100, 21, 50, 0.9))
    fine = Calibration(0.01, 0.0, scores, trial=Trial(100, 1, 50, 0.9))
    promises = promises_of({"fp32": broken, "fp16": broken, "int8": other, "dynamic": fine})
    rate, ranking = warnings_of(promises)
    assert "20 % of 100" in rate
    assert "(fp32, fp16); alarms more often than asked: 21 % of 100" in rate
    assert "(int8)" in rate
    assert "vae-runtime calibrate" in rate
    assert "AUROC 0.45 of 50 anomalies" in ranking
    assert "(fp32, fp16)" in ranking
    assert "dynamic" not in rate + ranking
    assert warnings_of({"fp32": promises["dynamic"]}) == []


def test_windows_are_called_windows():
    promise = promise_of(Trial(200, 2, 0, None, 0.3), 0.01, 400, noun="window")
    assert "of 200 normal test windows, which count as 60, as windows share rows," in (
        promise.rate_said
    )
    assert promise.ranking_said == "not measured: no anomalies among the test windows"
    none = promise_of(Trial(0, 0, 5, None), 0.01, 400, noun="window")
    assert "no normal test windows" in none.rate_said
