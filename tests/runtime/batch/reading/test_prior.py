"""Draws from the prior: the same however they are cut, and from wherever a run goes on."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from vae_runtime.batch.reading.prior import prior
from vae_runtime.batch.reading.segments import SHARD_BLOCKS
from vae_runtime.rows.latents import noise

BLOCK = 3
SHARD = SHARD_BLOCKS * BLOCK


def draws(given, shards):
    return np.concatenate([block.x for shard in shards for block in given.read(shard)])


@pytest.mark.parametrize("rows", [1, BLOCK, SHARD, SHARD + 1, 5 * SHARD - 2])
def test_they_are_those_of_a_single_call(rows):
    given = prior(rows, 5, 7, BLOCK)
    assert sum(shard.rows for shard in given.shards) == rows
    np.testing.assert_array_equal(draws(given, given.shards), noise(rows, 5, 7))
    numbers = [block.where["row"] for shard in given.shards for block in given.read(shard)]
    np.testing.assert_array_equal(np.concatenate(numbers), np.arange(rows))


def test_a_run_goes_on_at_any_shard():
    expected = noise(6 * SHARD, 4, 1)
    for first in range(6):
        given = prior(6 * SHARD, 4, 1, BLOCK)
        left = draws(given, given.shards[first:])
        np.testing.assert_array_equal(left, expected[first * SHARD :])


def test_shards_may_be_read_side_by_side_and_again():
    given = prior(20 * SHARD, 4, 2, BLOCK)
    shards = [*reversed(given.shards), *given.shards]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda shard: draws(given, [shard]), shards))
    expected = noise(20 * SHARD, 4, 2)
    for shard, x in zip(shards, found, strict=True):
        np.testing.assert_array_equal(x, expected[shard.start : shard.stop])


def test_without_a_seed_each_run_draws_anew():
    one, other = prior(9, 2, None, BLOCK), prior(9, 2, None, BLOCK)
    assert not np.array_equal(draws(one, one.shards), draws(other, other.shards))
    np.testing.assert_array_equal(draws(one, one.shards), draws(one, one.shards))
