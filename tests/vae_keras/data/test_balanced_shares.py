"""Segments are dealt out whole, and shares come out about as asked for."""

import numpy as np
import pytest

from vae_keras.data.balanced_shares import deal_segments


@pytest.mark.parametrize("seed", range(20))
def test_recordings_of_unequal_length_leave_training_its_share(seed):
    sizes, shares = np.array([1000] + [50] * 11), np.array([0.1, 0.1, 0.2, 0.6])
    role = deal_segments(sizes, shares, np.random.default_rng(seed))
    dealt = np.bincount(role, sizes) / sizes.sum()
    assert dealt[3] >= 0.6  # the long one is there, whenever it is drawn
    assert dealt.min() > 0


def test_four_segments_are_one_for_each():
    role = deal_segments(np.array([9, 0, 5, 7, 1]), np.full(4, 0.25), np.random.default_rng(0))
    assert role[1] == -1  # one without normal rows is for nobody
    assert sorted(role[[0, 2, 3, 4]]) == [0, 1, 2, 3]
