"""The numbers behind charts, against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from vae_keras.pages.curves import evenly_spaced, roc


def test_the_roc_is_scikit_learns_even_with_ties():
    rng = np.random.default_rng(0)
    y = rng.random(300) < 0.3
    score = np.round(rng.normal(y * 1.0, 1.0), 1)
    expected = roc_curve(y, score, drop_intermediate=False)[:2]
    np.testing.assert_allclose(roc(score, y), expected)


@pytest.mark.parametrize(("rows", "most", "count"), [(0, 5, 0), (3, 5, 3), (1000, 7, 7)])
def test_rows_are_thinned_evenly(rows, most, count):
    chosen = evenly_spaced(rows, most)
    assert len(chosen) == count
    assert not count or (chosen[0], chosen[-1]) == (0, rows - 1)
