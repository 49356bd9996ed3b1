"""Draws from the prior: the same however they are cut."""

import numpy as np
import pytest

from vae_runtime.batch.prior import prior
from vae_runtime.rows.latents import noise

BLOCK = 3


def draws(given):
    return np.concatenate([block.x for shard in given.shards for block in given.read(shard)])


@pytest.mark.parametrize("rows", [1, BLOCK, 4 * BLOCK, 4 * BLOCK + 1, 20 * BLOCK - 2])
def test_they_are_those_of_a_single_call(rows):
    given = prior(rows, 5, 7, BLOCK)
    assert sum(shard.rows for shard in given.shards) == rows
    np.testing.assert_array_equal(draws(given), noise(rows, 5, 7))
    blocks = [block for shard in given.shards for block in given.read(shard)]
    assert max(len(block.x) for block in blocks) <= BLOCK
    numbers = np.concatenate([block.where["row"] for block in blocks])
    np.testing.assert_array_equal(numbers, np.arange(rows))


def test_without_a_seed_each_run_draws_anew():
    one, other = prior(9, 2, None, BLOCK), prior(9, 2, None, BLOCK)
    assert not np.array_equal(draws(one), draws(other))
    np.testing.assert_array_equal(draws(one), draws(one))
