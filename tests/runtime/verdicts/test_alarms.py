import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_runtime.bundle.manifest import Calibration
from vae_runtime.verdicts.alarms import Verdicts
from vae_runtime.verdicts.calibration import false_discoveries, p_values

NORMAL = tuple(float(score) for score in range(99))


def verdicts(alpha=0.05, scores=NORMAL):
    return Verdicts(Calibration(alpha, 1e-3, scores))


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def raised(scores, **level):
    found, score = verdicts(), np.array(scores, np.float32)
    return found.alarm(**level).raised(score, found.p_values(score)).tolist()


def test_the_bundles_own_level_is_the_default():
    assert raised([95.5, 50.0, 93.0]) == [True, False, False]


def test_a_level_of_the_call_takes_its_place():
    assert raised([95.5, 50.0, 93.0], alpha=0.1) == [True, False, True]


def test_a_threshold_alarms_above_itself():
    assert raised([3.0, 3.1], threshold=3.0) == [False, True]


@pytest.mark.parametrize("level", [{}, {"alpha": 0.02}, {"threshold": 1e9}, {"fdr": 0.5}])
def test_a_score_that_is_no_number_alarms(level):
    assert raised([np.nan], **level) == [True]


@pytest.mark.parametrize(
    ("level", "message"),
    [
        ({"alpha": 0.1, "fdr": 0.1}, "expected one of alpha, threshold and fdr. Received: alpha"),
        ({"threshold": 0.0, "fdr": 0.1}, "Received: threshold and fdr."),
        ({"threshold": np.nan}, "expected a threshold in nats. Received: NaN."),
        ({"alpha": 0.0}, "expected alpha between 0 and 1. Received: 0.0."),
        ({"fdr": 0.0}, "expected fdr between 0 and 1. Received: 0.0."),
        ({"fdr": 1.0}, "expected fdr between 0 and 1. Received: 1.0."),
        ({"alpha": 0.001}, "alpha=0.001 needs at least 999 calibration rows. Received: 99"),
        ({"fdr": 0.001}, "fdr=0.001 needs at least 999 calibration rows. Received: 99"),
    ],
)
def test_what_is_no_rule_is_refused(level, message):
    with refuses(message):
        verdicts().alarm(**level)


def test_the_bundles_own_level_is_refused_when_it_is_used_and_not_before():
    found = verdicts(alpha=0.001)
    assert found.alarm(threshold=1.0).raised(np.ones(1), np.ones(1)).tolist() == [False]
    with refuses("alpha=0.001 needs at least 999"):
        found.alarm()


any_score = st.floats(width=32) | st.sampled_from(NORMAL)


@given(st.lists(any_score, min_size=1, max_size=9))
def test_a_row_has_the_same_p_value_alone_as_among_others(scores):
    score, found = np.array(scores, np.float32), verdicts()
    together = found.p_values(score)
    np.testing.assert_array_equal(together, p_values(score, np.array(NORMAL), 1e-3))
    np.testing.assert_array_equal(
        np.concatenate([found.p_values(s[None]) for s in score]), together
    )


@given(st.lists(st.integers(1, 100), min_size=1, max_size=30), st.sampled_from([0.05, 0.2, 0.5]))
def test_false_discoveries_are_by_benjamini_and_hochberg(ranks, fdr):
    p = np.array(ranks) / 100
    named = false_discoveries(p, fdr)
    k = max((k for k in range(1, len(p) + 1) if sorted(p)[k - 1] <= fdr * k / len(p)), default=0)
    assert named.sum() >= k  # more only where p-values are tied with the last
    assert set(p[named]) == {value for value in p if k and value <= fdr * k / len(p)}


def test_the_share_of_false_alarms_among_the_alarms_is_kept():
    """4,000 draws of 60 normal rows and 20 others, each with a calibration of its own."""
    rng, shares = np.random.default_rng(0), []
    for _ in range(4000):
        found = Verdicts(Calibration(0.1, 0.0, tuple(np.sort(rng.normal(size=200)).tolist())))
        score = np.concatenate([rng.normal(size=60), rng.normal(3.0, 1.0, 20)]).astype(np.float32)
        alarms = found.alarm(fdr=0.2).raised(score, found.p_values(score))
        shares.append(alarms[:60].sum() / max(alarms.sum(), 1))
    error = np.std(shares) / np.sqrt(len(shares))
    assert np.mean(shares) <= 0.2 * 60 / 80 + 4 * error
    assert np.mean(shares) >= 0.2 * 60 / 80 - 4 * error - 0.01  # and not by alarming at nothing
