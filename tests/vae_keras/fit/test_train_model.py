"""Models of folds that are trained by one program learn what each would by its own."""

import numpy as np
import pytest

from vae_keras import VAE, DataConfig, ModelConfig, TrainConfig, train
from vae_keras.fit.train_model import Learner

TINY = ModelConfig(hidden=(8,), latent_dim=2)
CONFIG = TrainConfig(epochs=2, learning_rate=1e-2, batch_size=32, program="epoch")


@pytest.fixture
def traced(monkeypatch):
    """A list that grows by one for each time that the training step is traced."""
    found, step = [], VAE.train_step
    monkeypatch.setattr(VAE, "train_step", lambda *given: (found.append(1), step(*given))[1])
    return found


def run_of(few_csv, out, config=CONFIG):
    data = DataConfig(str(few_csv), label="broken", folds=3)
    return train(data, TINY, config, out=out, log=lambda line: None)[0]


def test_folds_learn_the_same_and_are_not_traced_again(few_csv, tmp_path, monkeypatch, traced):
    shared, once = run_of(few_csv, tmp_path / "shared"), len(traced)
    monkeypatch.setattr(Learner, "sharing", lambda learner, room: learner)
    own, each = run_of(few_csv, tmp_path / "own"), len(traced) - once
    for name in ("cross_score", "cross_neg_elbo", "score"):
        np.testing.assert_allclose(
            shared.calibration[name], own.calibration[name], rtol=1e-4, atol=1e-4
        )
    assert shared.history["val_elbo"] == pytest.approx(own.history["val_elbo"], rel=1e-4)
    assert once <= each / 2  # of four models
