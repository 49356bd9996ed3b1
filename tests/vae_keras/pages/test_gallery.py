"""Images with the highest scores, however large and of whatever channels."""

import numpy as np
import pytest

from vae_keras.pages import gallery


@pytest.mark.parametrize("shape", [(8, 8, 1), (200, 120, 3), (5, 300, 2)])
def test_the_highest_scores_are_shown(findings, judge, shape):
    own = judge(input_shape=shape, feature_names=None, value_range=(0.0, 1.0))
    x = np.random.default_rng(0).random((20, *shape))
    x[17] = 1.0
    found = gallery.draw(findings(x, own=own))
    assert found.rows[0] == 17
    assert len(found.charts) == gallery.MOST
    assert found.png.startswith(b"\x89PNG")
    assert sum(map(len, found.charts)) < 1e6


def test_one_image_and_constant_ones_are_shown(findings, judge):
    own = judge(input_shape=(4, 4, 1), feature_names=None)
    assert len(gallery.draw(findings(np.zeros((1, 4, 4, 1)), own=own)).charts) == 1
