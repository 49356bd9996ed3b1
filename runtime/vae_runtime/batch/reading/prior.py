"""Latents drawn from the prior, in place of files: one shard, the same for the same seed."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from vae_runtime.batch.parts import Part, Shard
from vae_runtime.expecting import whole

NAME = "the prior"


class Prior(NamedTuple):
    """Latents to decode, as a `Plan`.

    Args:
        rows: how many.
        latent_dim: numbers of each.
        seed: of the draws.
        part_rows: how many at a time.
    """

    rows: int
    latent_dim: int
    seed: int
    part_rows: int

    @property
    def shards(self) -> list[Shard]:
        """One: draws follow on each other."""
        return [Shard(NAME, ".prior", 0, self.rows, 0, self.rows)]

    @property
    def files(self) -> dict[str, Any]:
        """None but this."""
        return {NAME: self.seed}

    def fingerprint(self, shard: Shard) -> list[Any]:
        """What a shard is, as JSON."""
        return [*shard, *self]

    def read(self, shard: Shard) -> Iterator[Part]:
        """The draws, the first of which are those of a shorter draw, see `latents.noise`."""
        generator = np.random.default_rng(self.seed)
        for start in range(0, shard.rows, self.part_rows):
            stop = min(start + self.part_rows, shard.rows)
            z = generator.standard_normal((stop - start, self.latent_dim), np.float32)
            yield Part(NAME, z, {"row": np.arange(start, stop)}, {})


def prior(rows: int, latent_dim: int, seed: int | None, part_rows: int) -> Prior:
    """So many draws; of a seed of its own where none is given.

    Raises:
        ValueError: there are none to draw, or the seed is none.
    """
    rows = whole("a number of draws", rows, least=1)
    drawn = int(np.random.default_rng().integers(2**31)) if seed is None else seed
    return Prior(rows, latent_dim, whole("a seed", drawn, least=0), part_rows)
