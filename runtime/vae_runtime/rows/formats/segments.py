"""Pieces of a table that are small, together in shards."""

from collections.abc import Sequence
from pathlib import Path

from vae_runtime.rows.blocks import Shard, Wanted

SHARD_BLOCKS = 4  # blocks of a shard at most: the machine that a run which was killed scores again


def stretches(path: Path, format: str, rows: Sequence[int], wanted: Wanted) -> list[Shard]:
    """Shards of pieces that have so many rows: as many as make a few blocks, or one that has more.

    `start` and `stop` of a shard are numbers of pieces; those at its ends have rows.
    """
    shards: list[Shard] = []
    start = stop = first = count = 0
    for number, more in enumerate(rows):
        if not more:
            continue
        if count and count + more > SHARD_BLOCKS * wanted.block_rows:
            shards.append(Shard(str(path), format, start, stop, first, count))
            first, count = first + count, 0
        start = start if count else number
        stop, count = number + 1, count + more
    return [*shards, Shard(str(path), format, start, stop, first, count)] if count else shards
