"""Digits, and pieces of photographs that are none."""

import numpy as np

from vae_keras.configs import DataConfig
from vae_keras.data import load


def test_digits_are_ten_digits_and_real_photographs():
    digits = load(DataConfig("digits"))
    assert digits.x.shape == (2197, 8, 8, 1)
    assert digits.x.dtype == np.float32
    assert (digits.x.min(), digits.x.max()) == digits.value_range == (0.0, 16.0)
    assert digits.y.sum() == 400
    patches = digits.x[digits.y]
    assert (patches.max((1, 2, 3)) > patches.min((1, 2, 3))).all()  # every one shows something
