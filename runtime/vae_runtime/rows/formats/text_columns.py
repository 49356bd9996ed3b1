"""Columns of text among the features, in files of any format.

Readers are asked for the numbers, and for the columns of text beside them; here these become
one-hot groups behind the numbers. A file that has the groups already is read as it is.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from vae_runtime.rows.blocks import Block, Shard, Wanted
from vae_runtime.rows.names.categories import encode, numbers_of, sizes_of, without_value
from vae_runtime.rows.text.tables import ColumnError


def plan(
    of_format: Callable[[Path, Wanted], list[Shard]], path: Path, wanted: Wanted
) -> list[Shard]:
    """The shards of a file, by the function of its format; see `registry.Format`."""
    if not wanted.categories or _is_bare(path.suffix):
        return of_format(path, as_numbers(wanted))
    try:
        return of_format(path, as_text(wanted))
    except ColumnError as error:
        try:
            return of_format(path, as_numbers(wanted))
        except ColumnError:
            raise error from None


def read(
    of_format: Callable[[Shard, Wanted], Iterator[Block]], shard: Shard, wanted: Wanted
) -> Iterator[Block]:
    """The blocks of a shard, by the function of its format."""
    if not wanted.categories or _is_bare(shard.format):
        yield from of_format(shard, as_numbers(wanted))
        return
    blocks = of_format(shard, as_text(wanted))
    try:
        first = next(blocks, None)
    except ColumnError:
        yield from of_format(shard, as_numbers(wanted))
        return
    if first is not None:
        yield coded(first, wanted)
    yield from (coded(block, wanted) for block in blocks)


def _is_bare(ending: str) -> bool:
    """True for a format whose files are a single array, without names."""
    return ending == ".npy"


def as_text(wanted: Wanted) -> Wanted:
    """Describes what to read of a file with columns of text: numbers, and these beside them."""
    columns = [name for name in wanted.categories if name not in wanted.extra]
    groups = sum(sizes_of(wanted.categories))
    return wanted._replace(
        features=numbers_of(wanted.features or (), wanted.categories),
        shape=None if wanted.shape is None else (wanted.size - groups,),
        extra=(*wanted.extra, *columns),
        categories={},
    )


def as_numbers(wanted: Wanted) -> Wanted:
    """Describes what to read of a file that has one-hot columns already."""
    return wanted._replace(categories={})


def coded(block: Block, wanted: Wanted) -> Block:
    """A block whose rows have the one-hot groups of its columns of text."""
    columns = {name: block.extra[name] for name in wanted.categories}
    groups, unknown = encode(columns, wanted.categories)
    bad = {**unknown, **block.bad}
    if not wanted.allow_missing:
        without_value(wanted.categories, groups, bad)
    x = np.concatenate([block.x, groups], axis=1)
    x[list(bad)] = 0
    extra = {name: column for name, column in block.extra.items() if name not in columns}
    extra |= {name: columns[name] for name in wanted.extra if name in columns}
    return block._replace(x=x, bad=dict(sorted(bad.items())), extra=extra)
