"""Rows that fit worst are left out of a batch's means, and so teach nothing."""

import keras
import numpy as np
import pytest

from vae_keras import VAE, mlp_pair
from vae_keras.model import trimming

LOSS = np.float32([5, 1, 9, 3, 2, 8, 4, 7, 6, 100])


@pytest.mark.parametrize(
    ("share", "left_out"), [(0.1, {9}), (0.3, {9, 2, 5}), (0.0, set()), (0.09, set()), (0.19, {9})]
)
def test_the_share_with_the_largest_losses_is_left_out(share, left_out):
    stays = np.asarray(trimming.fitting(LOSS, share))
    assert stays.dtype == np.float32
    assert set(np.flatnonzero(stays == 0)) == left_out


def test_means_are_of_the_rows_that_stay():
    stays = np.asarray(trimming.fitting(LOSS, 0.1))
    assert float(trimming.mean(LOSS, stays)) == pytest.approx(5.0)
    both = np.stack([LOSS, -LOSS], axis=1)
    np.testing.assert_allclose(trimming.mean(both, stays), [5.0, -5.0], rtol=1e-6)
    assert float(trimming.mean(LOSS, None)) == pytest.approx(14.5)


def trained(x, trim):
    keras.utils.set_random_seed(0)
    vae = VAE(*mlp_pair((4,), 2, (16,)), likelihood="gaussian", trim=trim)
    vae.compile(keras.optimizers.Adam(0.01))
    vae.fit(x, epochs=40, batch_size=100, verbose=0)
    return vae


def test_anomalies_among_the_rows_are_not_learned():
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(500, 1)) * [1.0, -1.0, 0.5, 2.0] + rng.normal(0, 0.1, (500, 4))
    wild = rng.normal([3.0, 3.0, 3.0, -3.0], 0.1, (25, 4))
    x = np.concatenate([normal, wild]).astype(np.float32)
    plain, robust = (trained(x, share).score(x)["score"] for share in (0.0, 0.1))
    beyond = [np.mean(np.asarray(s)[500:, None] > np.asarray(s)[:500]) for s in (plain, robust)]
    assert beyond[1] > 0.99  # of the pairs of an anomaly and a normal row
    assert beyond[1] > beyond[0]


def test_it_is_saved_with_its_model():
    vae = VAE(*mlp_pair((4,), 2, (8,)), likelihood="gaussian", trim=0.1)
    assert VAE.from_config(vae.get_config()).trim == 0.1
