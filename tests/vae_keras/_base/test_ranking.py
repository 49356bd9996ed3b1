"""Ranking figures, against scikit-learn and scipy."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

from vae_keras._base.ranking import auroc, average_precision, ranks, spearman


@pytest.mark.parametrize("digits", [0, 1, 6])
@pytest.mark.parametrize("rows", [5, 50, 3000])
def test_figures_are_those_of_the_libraries_with_ties_and_without(rows, digits):
    rng = np.random.default_rng(rows)
    y = rng.random(rows) < 0.4
    y[:2] = True, False
    score = np.round(rng.normal(size=rows) + y, digits)
    other = score + rng.normal(size=rows)
    assert auroc(y, score) == pytest.approx(roc_auc_score(y, score), abs=1e-12)
    assert average_precision(y, score) == pytest.approx(
        average_precision_score(y, score), abs=1e-12
    )
    assert spearman(score, other) == pytest.approx(spearmanr(score, other).statistic, abs=1e-12)


def test_infinite_scores_rank_as_the_highest():
    assert auroc(np.array([False, True]), np.array([1.0, np.inf])) == 1.0


def test_ties_share_the_mean_of_their_ranks():
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


@pytest.mark.parametrize("first", [[1.0, 1.0, 1.0], [1.0, math.nan, 2.0]])
def test_constants_and_nan_have_no_correlation(first):
    assert math.isnan(spearman(np.array(first), np.arange(3.0)))
    assert math.isnan(spearman(np.arange(3.0), np.array(first)))
