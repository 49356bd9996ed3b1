"""Latents drawn from the prior, in place of files: the same for the same seed."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from vae_runtime._base.arguments import whole
from vae_runtime.batch.blocks import Block, Columns, Shard

from .segments import SHARD_BLOCKS

NAME = "the prior"


class Prior:
    """Latents to decode, as `Inputs`; the first of them are those of a shorter draw.

    Draws follow on each other. Where a shard begins, the generator's state is kept once somebody
    has drawn up to there: a shard is drawn twice at most, also where shards are read side by side.

    Args:
        rows: how many.
        latent_dim: numbers of each.
        seed: of the draws.
        block_rows: how many at a time.
    """

    def __init__(self, rows: int, latent_dim: int, seed: int, block_rows: int) -> None:
        self.rows, self._latent_dim, self._seed, self._block_rows = (
            rows,
            latent_dim,
            seed,
            block_rows,
        )
        self._states = {0: np.random.default_rng(seed).bit_generator.state}
        self._drawing = threading.Lock()

    @property
    def shards(self) -> list[Shard]:
        """Some blocks each."""
        size = SHARD_BLOCKS * self._block_rows
        ends = ((start, min(start + size, self.rows)) for start in range(0, self.rows, size))
        return [Shard(NAME, ".prior", start, stop, start, stop - start) for start, stop in ends]

    @property
    def files(self) -> dict[str, Any]:
        """None but this."""
        return {NAME: self._seed}

    def fingerprint(self, shard: Shard) -> list[Any]:
        """What a shard is, as JSON."""
        return [*shard, self.rows, self._latent_dim, self._seed, self._block_rows]

    def read(self, shard: Shard) -> Iterator[Block]:
        """The draws; see `latents.noise`."""
        generator = self._generator(shard.start)
        for start in range(shard.start, shard.stop, self._block_rows):
            stop = min(start + self._block_rows, shard.stop)
            z = self._draw(generator, stop - start)
            yield Block(NAME, z, {"row": np.arange(start, stop)}, {})

    def kept(self) -> Iterator[Columns]:
        """None: draws have no columns."""
        return iter(())

    def _generator(self, row: int) -> np.random.Generator:
        """As it is before the draw of this row, the first of a shard."""
        with self._drawing:
            known = max(start for start in self._states if start <= row)
            generator = _generator_of(self._states[known])
            for _ in range(known, row, self._block_rows):  # not at once: it may be long
                self._draw(generator, self._block_rows)
            self._states[row] = generator.bit_generator.state
        return generator

    def _draw(self, generator: np.random.Generator, rows: int) -> Any:
        return generator.standard_normal((rows, self._latent_dim), np.float32)


def _generator_of(state: Any) -> np.random.Generator:
    generator = np.random.default_rng()
    generator.bit_generator.state = state
    return generator


def prior(rows: int, latent_dim: int, seed: int | None, block_rows: int) -> Prior:
    """So many draws; of a seed of its own where none is given.

    Raises:
        ValueError: there are none to draw, or the seed is none.
    """
    rows = whole("a number of draws", rows, least=1)
    drawn = int(np.random.default_rng().integers(2**31)) if seed is None else seed
    return Prior(rows, latent_dim, whole("a seed", drawn, least=0), block_rows)
