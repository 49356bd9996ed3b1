"""Latents drawn from the prior, in place of files: the same for the same seed."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from vae_runtime._base.arguments import whole
from vae_runtime.rows.blocks import Block, Columns, Shard

NAME = "the prior"


class Prior(NamedTuple):
    """Latents to decode, a `job.Source`; the first of them are those of a shorter draw.

    Draws follow on each other, so that all of them are one shard, which no run goes on within.

    Args:
        rows: how many.
        latent_dim: numbers of each.
        seed: of the draws.
        block_rows: how many at a time.
    """

    rows: int
    latent_dim: int
    seed: int
    block_rows: int

    @property
    def shards(self) -> list[Shard]:
        """The only shard."""
        return [Shard(NAME, ".prior", 0, self.rows, 0, self.rows)]

    @property
    def files(self) -> dict[str, int]:
        """Name of the draws, with their seed."""
        return {NAME: self.seed}

    def fingerprint(self, shard: Shard) -> list[int | str]:
        """Identifies a shard of draws, with their seed, as a JSON list."""
        return [*shard, self.seed]

    def read(self, shard: Shard) -> Iterator[Block]:
        """The draws; see `latents.noise`."""
        generator = np.random.default_rng(self.seed)
        for start in range(0, shard.stop, self.block_rows):
            stop = min(start + self.block_rows, shard.stop)
            z = generator.standard_normal((stop - start, self.latent_dim), np.float32)
            yield Block(NAME, z, {"row": np.arange(start, stop)}, {})

    def kept(self) -> Iterator[Columns]:
        """No columns: draws have none."""
        return iter(())


def prior(rows: int, latent_dim: int, seed: int | None, block_rows: int) -> Prior:
    """So many draws; of a seed of its own where none is given.

    Raises:
        ValueError: invalid number of rows, or invalid seed.
    """
    rows = whole("a number of draws", rows, least=1)
    drawn = int(np.random.default_rng().integers(2**31)) if seed is None else seed
    return Prior(rows, latent_dim, whole("a seed", drawn, least=0), block_rows)
