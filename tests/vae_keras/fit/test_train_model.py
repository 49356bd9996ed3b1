"""Models of folds that are trained by one program learn what each would by its own."""

import re

import numpy as np
import pytest

from vae_keras import VAE, DataConfig, ModelConfig, TrainConfig, train
from vae_keras.fit.train_model import Learner
from vae_keras.fit.way import FEWEST_STEPS

TINY = ModelConfig(hidden=(8,), latent_dim=2)
AT_MOST = re.compile(r"(\d+) steps at most")
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
    monkeypatch.setattr(Learner, "sharing", lambda learner, room, count: learner)
    own, each = run_of(few_csv, tmp_path / "own"), len(traced) - once
    for name in ("cross_score", "cross_neg_elbo", "score"):
        np.testing.assert_allclose(
            shared.calibration[name], own.calibration[name], rtol=1e-4, atol=1e-4
        )
    assert shared.history["val_elbo"] == pytest.approx(own.history["val_elbo"], rel=1e-4)
    assert once <= each / 2  # of four models


@pytest.mark.parametrize(("room", "whole"), [(0, True), (1, False)])
def test_models_that_share_a_program_pay_for_it_together(
    few_csv, tmp_path, monkeypatch, room, whole
):
    """Three folds and the model that is kept: all go one way, by the steps of all of them."""
    lines = []
    rows = DataConfig(str(few_csv), label="broken", folds=3)
    config = TrainConfig(epochs=2, batch_size=32)
    train(rows, TINY, config, out=tmp_path / "first", verbose=True, log=lines.append)
    (steps,) = {int(found[1]) for found in map(AT_MOST.search, lines) if found}
    monkeypatch.setitem(FEWEST_STEPS, "tensorflow", steps + room)
    del lines[:]
    train(rows, TINY, config, out=tmp_path / "run", verbose=True, log=lines.append)
    ways = ["one compiled program" in line for line in lines if "compiling pays" in line]
    assert ways == [whole] * 4
    assert steps % 4 == 0
