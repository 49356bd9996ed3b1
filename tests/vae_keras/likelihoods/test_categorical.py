"""One of several, against what probabilities must satisfy."""

import keras
import numpy as np
import pytest

from vae_keras.likelihoods import Categorical

FLOAT32 = 1e-5
LOGITS = np.random.default_rng(0).normal(0, 3, (4, 5)).astype(np.float32)


def one_hot(first, second):
    return np.concatenate([np.eye(3)[first], np.eye(2)[second]])[None].astype(np.float32)


def test_probabilities_of_all_combinations_sum_to_one():
    likelihood = Categorical((3, 2))
    total = sum(
        np.exp(-np.asarray(likelihood.feature_nll(one_hot(i, j), LOGITS[:1])).sum())
        for i in range(3)
        for j in range(2)
    )
    assert total == pytest.approx(1.0, rel=FLOAT32)


def test_nll_is_that_of_the_column_that_is_one():
    nll = np.asarray(Categorical((3, 2)).feature_nll(one_hot(2, 0), LOGITS[:1]))
    assert (np.flatnonzero(nll[0]) == [2, 3]).all()


def test_means_sum_to_one_in_each_group():
    mean = np.asarray(Categorical((3, 2)).mean(LOGITS))
    np.testing.assert_allclose(mean[:, :3].sum(1), 1.0, rtol=FLOAT32)
    np.testing.assert_allclose(mean[:, 3:].sum(1), 1.0, rtol=FLOAT32)


def test_a_huge_logit_neither_overflows_nor_is_undefined():
    nll = np.asarray(Categorical((2,)).feature_nll(np.float32([[0, 1]]), np.float32([[1e4, -1e4]])))
    np.testing.assert_allclose(nll, [[0.0, 2e4]])


def test_groups_that_are_not_the_columns_are_refused():
    with pytest.raises(ValueError, match=r"5 one-hot columns.*3, 2. Received: .*\(6,\)"):
        Categorical((3, 2)).build((None, 6))


def test_config_gives_the_same_likelihood():
    config = keras.saving.serialize_keras_object(Categorical((3, 2)))
    assert keras.saving.deserialize_keras_object(config).groups == (3, 2)
