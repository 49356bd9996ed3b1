"""Beta as a function of the step."""

import keras
import numpy as np
import pytest

from vae_keras import VAE, mlp_pair
from vae_keras.model import schedules
from vae_keras.model.schedules import Cyclical, Warmup


def values(schedule, steps):
    return [float(schedule(step)) for step in steps]


def test_a_number_is_a_constant():
    assert values(schedules.get(0.3), [0, 1, 10**9]) == pytest.approx([0.3] * 3)


def test_warmup_rises_in_a_straight_line_and_stays():
    assert values(Warmup(2.0, 100), [0, 25, 50, 100, 10**6]) == pytest.approx([0, 0.5, 1, 2, 2])


def test_cycles_rise_over_half_their_length_and_end():
    steps = [0, 25, 50, 99, 100, 125, 399, 400, 425]
    expected = [0, 0.5, 1, 1, 0, 0.5, 1, 1, 1]
    assert values(Cyclical(1.0, steps=100, cycles=4), steps) == pytest.approx(expected)


@pytest.mark.parametrize("beta", [0.5, Warmup(0.7, 8), Cyclical(0.9, steps=6, cycles=2)])
def test_a_model_trains_by_it_and_keeps_it_when_saved(tmp_path, beta):
    rows = np.random.default_rng(0).normal(size=(64, 6)).astype(np.float32)
    vae = VAE(*mlp_pair((6,), 2, (8,)), likelihood="gaussian", beta=beta)
    vae.compile(keras.optimizers.Adam(1e-3))
    vae.fit(rows, epochs=2, verbose=0)
    vae.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    steps = range(0, 20, 3)
    assert values(again.beta, steps) == values(vae.beta, steps)


def test_the_loss_follows_the_schedule():
    """With a learning rate of 0 nothing else changes: loss is nll + beta(step) kl."""
    rows = np.random.default_rng(0).normal(size=(32, 6)).astype(np.float32)
    vae = VAE(*mlp_pair((6,), 2, (8,)), likelihood="gaussian", beta=Warmup(1.0, 4))
    vae.compile(keras.optimizers.SGD(0.0))
    history = vae.fit(rows, epochs=6, batch_size=32, verbose=0).history
    share = (np.array(history["loss"]) - history["nll"]) / history["kl"]
    np.testing.assert_allclose(share, [0, 0.25, 0.5, 0.75, 1, 1], atol=1e-4)
