"""What is asked for becomes a model with these parts."""

import numpy as np
import pytest

from vae_keras import ModelConfig, TrainConfig
from vae_keras.data import Dataset
from vae_keras.fit.build_model import build

TRAIN = TrainConfig()


def built(x, *, value_range=None, train=TRAIN, **asked):
    dataset = Dataset("rows", x, np.zeros(len(x), bool), value_range)
    config = ModelConfig(hidden=(4, 8), **asked).resolve(
        x.shape[1:], bounded=value_range is not None, rows=len(x)
    )
    return build(config, x[: len(x) // 2], dataset, train)


@pytest.fixture
def table():
    return np.random.default_rng(0).normal(5.0, 2.0, (40, 3)).astype(np.float32)


@pytest.fixture
def images():
    return np.random.default_rng(0).random((40, 8, 8, 1)).astype(np.float32)


def test_tables_have_a_mixture_of_as_many_centres_as_asked_for(table):
    assert built(table).mixture.count == 20
    assert built(table, centres=7).mixture.count == 7
    assert built(table, centres=0).mixture is None


def test_images_have_none_unless_asked_for(images):
    assert built(images, value_range=(0.0, 1.0)).mixture is None
    assert built(images, value_range=(0.0, 1.0), centres=5).mixture.centres.shape == (5, 64)


def test_rows_without_limits_are_corrupted_by_default_and_as_asked_for(table):
    assert built(table).corruption == 0.2
    assert built(table, train=TrainConfig(corruption=0.3)).corruption == 0.3
    assert built(table, train=TrainConfig(corruption=0.0)).corruption == 0.0


def test_rows_within_limits_are_not_and_whoever_asks_is_told(images):
    assert built(images, value_range=(0.0, 1.0)).corruption == 0.0
    with pytest.raises(ValueError, match=r"expected a corruption of 0: .* Received: 0\.3\."):
        built(images, value_range=(0.0, 1.0), train=TrainConfig(corruption=0.3))


def test_images_that_never_vary_are_refused_in_words():
    with pytest.raises(ValueError, match="expected features that vary"):
        built(np.ones((40, 8, 8, 1), np.float32))


def test_a_feature_that_varies_in_other_normal_rows_alone_has_their_scale(table):
    table[:, 1] = np.arange(len(table)) >= 30  # in training rows, of which there are 20, it is 0
    scaling = built(table).preprocessing
    assert scaling.offset[1] == 0.0
    assert scaling.scale[1] == pytest.approx(np.std(table[:, 1]))
