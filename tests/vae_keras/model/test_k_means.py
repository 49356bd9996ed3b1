"""K-means, against scikit-learn's on one thread."""

import warnings

import numpy as np
import pytest
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from vae_keras.model import k_means as module
from vae_keras.model.k_means import k_means, square_to_nearest

ROUNDING = 1e-12  # of centres whose values are about 1


def theirs(rows, count, seed):
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fewer different rows than groups
        return KMeans(count, n_init=1, max_iter=30, random_state=seed).fit(rows)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("rows", "features", "count", "digits"),
    [(2000, 19, 256, 9), (300, 3, 64, 0), (1000, 10, 300, 1), (30, 4, 1, 9), (12, 2, 12, 9)],
    ids=["usual", "many ties", "empty groups", "one group", "a group a row"],
)
def test_groups_are_those_of_scikit_learn(rows, features, count, digits, seed):
    x = np.round(np.random.default_rng(seed).normal(size=(rows, features)), digits)
    x[:5] *= 50
    found, known = k_means(x, count, seed), theirs(x, count, seed)
    np.testing.assert_allclose(found.centres, known.cluster_centers_, atol=50 * ROUNDING)
    assert found.sizes.tolist() == np.bincount(known.labels_, minlength=count).tolist()
    nearest = np.square(known.transform(x)).min(axis=1)
    np.testing.assert_allclose(square_to_nearest(x, found.centres), nearest, atol=1e-8)


def test_groups_that_no_row_is_left_for_are_empty():
    found = k_means(np.array([[1.0], [1.0], [5.0]]), 3, seed=0)
    assert sorted(found.sizes.tolist()) == [0, 1, 2]
    assert set(found.centres.ravel().tolist()) == {1.0, 5.0}


def test_blocks_of_rows_change_nothing(monkeypatch):
    x = np.random.default_rng(0).normal(size=(500, 4))
    whole = k_means(x, 20, seed=0)
    monkeypatch.setattr(module, "BLOCK", 20 * 7)
    np.testing.assert_allclose(k_means(x, 20, seed=0).centres, whole.centres, atol=ROUNDING)


def test_the_rows_are_left_as_they_are():
    x = np.random.default_rng(0).normal(size=(50, 4))
    before = x.copy()
    k_means(x, 5, seed=0)
    np.testing.assert_array_equal(x, before)
