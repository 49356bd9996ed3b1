import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_runtime.verdicts.calibration import (
    SCORE_RTOL,
    PValues,
    check_alpha,
    p_values,
    rows_needed,
    threshold,
)

# Whole numbers below this are further apart than SCORE_RTOL, so that only equal ones are tied.
WHOLE = 10**4

# Alphas whose product with n + 1 falls on the wrong side of a whole number in floating point.
TRAPS = (0.07, 0.14, 0.28, 0.29, 0.55, 0.56, 0.57, 0.58)

scores_strategy = st.lists(st.integers(-WHOLE, WHOLE).map(float), min_size=1, max_size=30)
alphas = st.one_of(st.sampled_from(TRAPS), st.integers(1, 99).map(lambda k: k / 100))


def ascending(values):
    return np.sort(np.array(values, np.float64))


@settings(max_examples=100, deadline=None)
@given(scores_strategy, scores_strategy)
def test_p_values_are_the_formula(scores, calibration):
    expected = [(1 + sum(c >= s for c in calibration)) / (len(calibration) + 1) for s in scores]
    p = p_values(np.array(scores), ascending(calibration))
    assert p.shape == (len(scores),)
    assert p.dtype == np.float64
    np.testing.assert_array_equal(p, expected)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(width=32, allow_nan=False), min_size=2, max_size=30),
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=30),
)
def test_a_higher_score_never_has_a_higher_p_value(scores, calibration):
    p = p_values(ascending(scores), ascending(calibration))
    assert (np.diff(p) <= 0).all()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(width=32), min_size=1, max_size=30),
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=30),
)
def test_p_values_lie_between_one_in_n_plus_one_and_one(scores, calibration):
    p = p_values(np.array(scores), ascending(calibration))
    assert (p >= 1 / (len(calibration) + 1)).all()
    assert (p <= 1).all()


def simulate_alarms(draw, alpha, n, trials):
    """Share of trials in which the last of n + 1 exchangeable scores alarms."""
    alarms = 0
    for _ in range(trials):
        *calibration, score = draw(n + 1)
        alarms += int(p_values(np.array([score]), ascending(calibration))[0] <= alpha)
    return alarms / trials


TRIALS = 4000


def spread(alpha):
    """Four standard deviations of a rate seen in TRIALS trials: exceeded once in 30,000 seeds."""
    return 4 * np.sqrt(alpha * (1 - alpha) / TRIALS)


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.29])
@pytest.mark.parametrize("heavy_tailed", [False, True])
def test_false_alarms_are_at_most_alpha_and_nearly_as_many(alpha, heavy_tailed):
    rng, n = np.random.default_rng(0), 99
    draw = rng.standard_cauchy if heavy_tailed else rng.standard_normal
    rate = simulate_alarms(draw, alpha, n, TRIALS)
    assert rate <= alpha + spread(alpha)
    assert rate >= alpha - 1 / (n + 1) - spread(alpha)  # p comes in steps of 1 / (n + 1)


def test_false_alarms_are_at_most_alpha_where_many_scores_are_tied():
    rng, alpha = np.random.default_rng(0), 0.1
    rate = simulate_alarms(lambda n: rng.integers(0, 5, n).astype(float), alpha, 99, TRIALS)
    assert rate <= alpha + spread(alpha)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("score", [np.nan, np.inf])
def test_nan_and_infinity_are_the_most_anomalous(score, dtype):
    p = p_values(np.array([score, 50.0], dtype), np.arange(1.0, 100.0))
    np.testing.assert_array_equal(p, [1 / 100, 51 / 100])


def test_minus_infinity_is_the_least_anomalous():
    np.testing.assert_array_equal(p_values(np.array([-np.inf]), np.arange(1.0, 100.0)), [1.0])


@pytest.mark.parametrize("score", [-7.0, 7.0, 5e9])
@pytest.mark.parametrize("share", [-0.9, 0.9])
def test_scores_within_the_tolerance_count_as_tied(score, share):
    calibration = ascending([score] * 9)
    p = p_values(np.array([score * (1 + share * SCORE_RTOL)]), calibration)
    assert p == [1.0]


@pytest.mark.parametrize("score", [-7.0, 7.0, 5e9])
def test_scores_beyond_the_tolerance_do_not(score):
    p = p_values(np.array([score + 1.1 * SCORE_RTOL * abs(score)]), ascending([score] * 9))
    assert p == [1 / 10]


@pytest.mark.parametrize("score", [-7.0, 0.0, 7.0])
def test_scores_within_the_rounding_of_a_bundle_count_as_tied(score):
    p = p_values(np.array([score + 0.009, score + 0.011]), ascending([score] * 9), rounding=0.01)
    np.testing.assert_array_equal(p, [1.0, 1 / 10])


def test_the_rounding_of_a_bundle_is_never_less_than_that_of_the_score():
    p = p_values(np.array([5e9 * (1 + 0.9 * SCORE_RTOL)]), ascending([5e9] * 9), rounding=0.01)
    assert p == [1.0]


def test_p_values_leave_the_scores_as_they_are():
    scores = np.array([1.0, np.inf, np.nan])
    p_values(scores, np.arange(3.0))
    np.testing.assert_array_equal(scores, [1.0, np.inf, np.nan])


@settings(max_examples=100, deadline=None)
@given(
    arrays(np.float64, st.integers(99, 130), elements=st.integers(-WHOLE, WHOLE).map(float)),
    alphas,
)
def test_a_score_at_the_threshold_is_no_alarm_and_one_above_it_is(values, alpha):
    calibration = np.sort(values)
    limit = threshold(calibration, alpha)
    above = limit + 2 * SCORE_RTOL * abs(limit) + 1e-9  # beyond a tie, also at a limit of 0
    at, over = p_values(np.array([limit, above]), calibration)
    assert at > alpha
    assert over <= alpha


@pytest.mark.parametrize("alpha", TRAPS)
def test_as_many_calibration_rows_alarm_as_alpha_allows(alpha):
    n = 99
    calibration = np.arange(float(n))
    allowed = max(k for k in range(1, n + 1) if k / (n + 1) <= alpha)
    assert int((calibration > threshold(calibration, alpha)).sum()) == allowed - 1


def test_the_threshold_of_99_rows_at_one_percent_is_their_highest():
    assert threshold(np.arange(1.0, 100.0), 0.01) == 99.0


def test_the_threshold_refuses_what_the_rows_cannot_resolve():
    with pytest.raises(ValueError, match="at least 99 calibration rows"):
        threshold(np.arange(98.0), 0.01)


@pytest.mark.parametrize(("alpha", "n"), [(0.01, 99), (0.05, 19), (0.1, 9), (0.5, 1), (0.001, 999)])
def test_alpha_is_refused_one_row_below_what_it_needs_and_says_how_many(alpha, n):
    check_alpha(alpha, n)
    with pytest.raises(ValueError, match=f"alpha={alpha} needs at least {n} calibration rows") as e:
        check_alpha(alpha, n - 1)
    assert f"Received: {n - 1}," in str(e.value)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.01, 2.0, float("nan"), float("inf")])
def test_what_is_no_level_is_refused(alpha):
    with pytest.raises(ValueError, match=f"alpha between 0 and 1. Received: {alpha}"):
        check_alpha(alpha, 10**6)


def test_the_smallest_alpha_there_is_is_refused_as_any_other():
    with pytest.raises(ValueError, match="calibration rows"):
        check_alpha(5e-324, 99)


def test_rows_needed_ends_for_an_alpha_beyond_the_precision_of_its_inverse():
    command = "from vae_runtime.verdicts.calibration import rows_needed; print(rows_needed(1e-25))"
    done = subprocess.run(  # in a process of its own, for it can be stopped where it never ends
        [sys.executable, "-c", command], capture_output=True, text=True, timeout=5
    )
    assert int(done.stdout) == pytest.approx(1 / 1e-25)


@settings(max_examples=100, deadline=None)
@given(st.one_of(alphas, st.floats(1e-4, 0.999), st.integers(2, 9999).map(lambda n: 1 / n)))
def test_rows_needed_are_the_fewest_that_resolve_alpha(alpha):
    n = np.arange(10_001)
    assert rows_needed(alpha) == int(n[1 / (n + 1) <= alpha][0])


def test_scores_within_the_rounding_of_the_bundle_are_tied_also_near_zero():
    calibration = ascending([-1.0, 0.0, 1.0])
    np.testing.assert_array_equal(p_values(np.array([1e-5]), calibration, 2e-5), [0.75])
    np.testing.assert_array_equal(p_values(np.array([1e-5]), calibration, 5e-6), [0.5])


finite = st.floats(-(2.0**120), 2.0**120, width=32)
near = st.integers(-3, 3)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(finite, min_size=1, max_size=20),
    st.lists(st.floats(width=32), max_size=20),
    st.sampled_from([0.0, 1e-6, 1e-3, 1.0, 1e30]),
    near,
)
def test_the_tables_give_the_formula_also_a_few_floats_around_each_step(
    calibration, scores, rounding, steps
):
    calibration = ascending(calibration)
    around = ((calibration + rounding) * (1 + SCORE_RTOL)).astype(np.float32)
    for _ in range(abs(steps)):
        around = np.nextafter(around, np.float32(np.copysign(np.inf, steps)))
    score = np.concatenate([np.array(scores, np.float32), around])
    found = PValues(calibration, rounding)(score)
    np.testing.assert_array_equal(found, p_values(score, calibration, rounding))


def test_the_tables_know_what_is_no_number():
    found = PValues(np.arange(99.0), 0.0)(np.array([np.nan, np.inf, -np.inf], np.float32))
    np.testing.assert_array_equal(found, [0.01, 0.01, 1.0])
