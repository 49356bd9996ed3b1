"""Tables of several kinds of columns: the sum of their parts."""

import keras
import numpy as np
import pytest

from vae_keras import VAE, mlp_pair
from vae_keras.likelihoods import Bernoulli, Categorical, Gaussian, Mixed


def mixed():
    return Mixed([Gaussian(), Bernoulli(), Categorical((3,))], (2, 1, 3), name="likelihood")


def rows(n=64):
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, n)
    numbers = rng.normal(kind[:, None], 0.1, (n, 2))
    return np.concatenate([numbers, kind[:, None] > 0, np.eye(3)[kind]], 1).astype(np.float32)


def test_it_is_the_sum_of_its_parts():
    likelihood, x = mixed(), rows()
    likelihood.build((None, 6))
    parameters = np.random.default_rng(1).normal(size=x.shape).astype(np.float32)
    whole = np.asarray(likelihood.feature_nll(x, parameters))
    parts = [
        part.feature_nll(x[:, a:b], parameters[:, a:b])
        for part, (a, b) in zip(likelihood.parts, [(0, 2), (2, 3), (3, 6)], strict=True)
    ]
    np.testing.assert_array_equal(whole, np.concatenate([np.asarray(p) for p in parts], 1))
    assert likelihood.mean(parameters).shape == x.shape


def test_each_part_keeps_its_weights():
    likelihood = mixed()
    likelihood.build((None, 6))
    assert [w.shape for w in likelihood.trainable_variables] == [(2,)]


def test_a_model_with_it_trains_saves_and_loads(tmp_path):
    vae = VAE(*mlp_pair((6,), 2, (16,)), likelihood=mixed())
    vae.compile(keras.optimizers.Adam(1e-2))
    losses = vae.fit(rows(), epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    vae.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for name, value in vae.score(rows()).items():
        np.testing.assert_array_equal(again.score(rows())[name], value, err_msg=name)


def test_widths_that_are_not_the_columns_are_refused():
    with pytest.raises(ValueError, match=r"rows of 6 columns.*2, 1, 3. Received: .*\(7,\)"):
        mixed().build((None, 7))


def test_a_width_for_each_part_is_needed():
    with pytest.raises(ValueError, match=r"each of 1 parts\. Received: 2 widths"):
        Mixed([Gaussian()], (1, 2))
