"""The spacing at which scores are as good as independent."""

import re

import numpy as np
import pytest

from vae_runtime import uncorrelated_spacing


def ar1(rho, n, seed=0):
    rng = np.random.default_rng(seed)
    noise, x = rng.normal(size=n) * np.sqrt(1 - rho**2), np.zeros(n)
    for i in range(1, n):
        x[i] = rho * x[i - 1] + noise[i]
    return x


@pytest.mark.parametrize("rho", [0.5, 0.9, 0.98])
@pytest.mark.parametrize("shape", [lambda x: x, np.exp, lambda x: np.round(x, 1)])
def test_at_the_spacing_little_is_left_of_the_correlation(rho, shape):
    spacing = uncorrelated_spacing(shape(ar1(rho, 50_000)))
    assert 0.0005 < rho**spacing < 0.02


def test_independent_scores_need_none():
    assert uncorrelated_spacing(np.random.default_rng(0).normal(size=5000)) == 1


@pytest.mark.parametrize(
    "scores",
    [np.arange(999.0), np.zeros(2000), np.full(2000, np.nan), np.zeros((2000, 2))],
)
def test_too_few_scores_are_refused(scores):
    with pytest.raises(ValueError, match=re.escape("expected 1,000 scores or more")):
        uncorrelated_spacing(scores)


def test_a_recording_that_is_too_short_is_refused():
    with pytest.raises(ValueError, match="Pass a longer recording"):
        uncorrelated_spacing(np.arange(2000.0))
