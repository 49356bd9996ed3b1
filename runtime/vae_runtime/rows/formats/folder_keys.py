"""Columns that folders say: all rows of files in `day=1/` have the day 1.

Engines write tables so (Hive's layout). A column that is passed through, looked at, or names
machines is taken from the names of the folders where these have it, as text.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from vae_runtime.rows.blocks import Block, Columns, Shard, Wanted
from vae_runtime.rows.machine_names import names_or_bad

MISSING = "__HIVE_DEFAULT_PARTITION__"  # how engines write no value


def keys_of(path: Path) -> dict[str, str]:
    """Values that the folders of a file state, by column.

    >>> keys_of(Path("rows/site=north/day=1/part.parquet"))
    {'site': 'north', 'day': '1'}
    """
    parts = (part.partition("=") for part in path.parts[:-1])
    found = {unquote(name): unquote(value) for name, mark, value in parts if name and mark}
    return {name: "" if value == MISSING else value for name, value in found.items()}


def plan(of_file: Callable[[Path, Wanted], list[Shard]], path: Path, wanted: Wanted) -> list[Shard]:
    """The shards of a file, read without the columns that its folders say."""
    return of_file(path, _without(wanted, keys_of(path)))


def read(
    of_shard: Callable[[Shard, Wanted], Iterator[Block]], shard: Shard, wanted: Wanted
) -> Iterator[Block]:
    """The blocks of a shard, with the columns that the folders of its file say."""
    keys = keys_of(Path(shard.file))
    if not keys.keys() & {*wanted.named}:
        return of_shard(shard, wanted)
    return (_with(block, keys, wanted) for block in of_shard(shard, _without(wanted, keys)))


def kept(of_file: Callable[[Path, Wanted], Columns], path: Path, wanted: Wanted) -> Columns:
    """The columns of a file that are kept, without rows."""
    keys = keys_of(path)
    inside = of_file(path, _without(wanted, keys))
    return {name: np.empty(0, np.str_) if name in keys else inside[name] for name in wanted.keep}


def _without(wanted: Wanted, keys: dict[str, str]) -> Wanted:
    machine = wanted.machine_column
    return wanted._replace(
        keep=tuple(name for name in wanted.keep if name not in keys),
        extra=tuple(name for name in wanted.extra if name not in keys),
        machine_column=None if machine in keys else machine,
    )


def _with(block: Block, keys: dict[str, str], wanted: Wanted) -> Block:
    said = {name: np.full(len(block.x), keys[name]) for name in wanted.named if name in keys}
    extra = {**block.extra, **{name: said[name] for name in wanted.extra if name in said}}
    block = block._replace(
        kept={name: said[name] if name in said else block.kept[name] for name in wanted.keep},
        extra=extra,
    )
    if wanted.machine_column not in said:
        return block
    bad = dict(block.bad)
    machines = names_or_bad(said[wanted.machine_column], bad)
    return block._replace(machines=machines, bad=bad)
