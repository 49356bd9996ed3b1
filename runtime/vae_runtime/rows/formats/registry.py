"""The formats that rows are read from, by the endings of their files."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vae_runtime.rows.blocks import Block, Columns, Shard, Wanted

from . import arrow, csv, images, jsonl, npy, npz, parquet, windows

# What to do with files of other endings that are met often.
INSTEAD = {
    ".gz": "Unpack it, or pipe it: gunzip -c FILE | vae-runtime score BUNDLE -.",
    ".zst": "Unpack it, or pipe it: zstd -dc FILE | vae-runtime score BUNDLE -.",
    ".tsv": "Write commas between cells, and .csv.",
    ".txt": "Rename it, to say what it is.",
    ".json": "Write an object a line, and .jsonl.",
    ".pq": "Rename it to .parquet.",
    **dict.fromkeys(images.SUFFIXES, "Give the folder that images are in."),
}

IMAGES, WINDOWS = "images", "windows"  # in place of an ending


class Format(NamedTuple):
    """Functions that cut files of a format into shards, and read the blocks of a shard.

    `plan` gives the shards of a file in order, none where it has no rows, and raises ValueError
    where what is wanted cannot be there; `read` gives the blocks of a shard.
    """

    plan: Callable[[Path, Wanted], list[Shard]]
    read: Callable[[Shard, Wanted], Iterator[Block]]


FORMATS = {
    ".npy": Format(npy.plan, npy.read),
    ".npz": Format(npz.plan, npz.read),
    ".csv": Format(csv.plan, csv.read),
    ".jsonl": Format(jsonl.plan, jsonl.read),
    ".ndjson": Format(jsonl.plan, jsonl.read),
    ".parquet": Format(parquet.plan, parquet.read),
    ".arrow": Format(arrow.plan_file, arrow.read_file),
    ".feather": Format(arrow.plan_file, arrow.read_file),
    ".arrows": Format(arrow.plan_stream, arrow.read_stream),
    IMAGES: Format(images.plan, images.read),
    WINDOWS: Format(windows.plan, windows.read),
}
# Of files whose columns have types; those of the others are text.
KEPT: dict[str, Callable[[Path, Wanted], Columns]] = {
    ".npz": npz.kept,
    ".parquet": parquet.kept,
    **dict.fromkeys((".arrow", ".feather", ".arrows"), arrow.kept),
}
ENDINGS = tuple(name for name in FORMATS if name.startswith("."))


def format_of(path: Path, wanted: Wanted) -> str:
    """The key in `FORMATS` of what is to read a path; a folder is one of images.

    Raises:
        ValueError: nothing does; or it is no table to cut into windows, and is to be cut.
    """
    if path.is_dir():
        name = IMAGES
    elif wanted.model.stride is not None and windows.is_table(path, wanted):
        return WINDOWS
    else:
        name = path.suffix
    if name not in FORMATS:
        received = name or ("a file without an ending" if path.exists() else "nothing there")
        instead = f" {INSTEAD[name.lower()]}" if name.lower() in INSTEAD else ""
        raise ValueError(
            f"{path}: expected a file of {', '.join(ENDINGS)}. Received: {received}.{instead}"
        )
    if any(option is not None for option in wanted.windowing):
        raise ValueError(
            f"{path}: expected --stride, --recording, --time and --gap with a model of "
            "windows and a table to cut into them. Received: rows that are "
            f"{wanted.model.input_shape} already."
        )
    return name


def kept_of(path: Path, wanted: Wanted) -> Columns:
    """The columns of a file that are kept, without rows, of their types."""
    if path.suffix in KEPT:
        return KEPT[path.suffix](path, wanted)
    return {name: np.empty(0, np.str_) for name in wanted.keep}


def plan(path: Path, wanted: Wanted) -> list[Shard]:
    """The shards of a file, or of a folder of images, in order; see `Format`."""
    return FORMATS[format_of(path, wanted)].plan(path, wanted)


def read(shard: Shard, wanted: Wanted) -> Iterator[Block]:
    """The blocks of a shard."""
    return FORMATS[shard.format].read(shard, wanted)
