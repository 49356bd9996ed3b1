"""The formats that rows are read from, by the endings of their files."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vae_runtime.rows.blocks import Block, Columns, Shard, Wanted
from vae_runtime.rows.text.endings import ARRAYS, ENDINGS, format_ending
from vae_runtime.rows.text.text_files import is_packed

from . import arrow, csv, folder_keys, images, jsonl, npy, npz, parquet, text_columns

# What to do with files of other endings that are met often.
INSTEAD = {
    ".json": "Write an object a line, and .jsonl.",
    ".xlsx": "Save the sheet as .csv.",
    ".xls": "Save the sheet as .csv.",
    ".pq": "Rename it to .parquet.",
    ".zip": "Unpack it.",
}

IMAGES = "images"  # in place of an ending


class Format(NamedTuple):
    """Functions that cut files of a format into shards, and read the blocks of a shard.

    `plan` gives the shards of a file in order, none where it has no rows, and raises ValueError
    where what is wanted cannot be there; `read` gives the blocks of a shard. `settle` says which
    columns and what shape of rows the file has, where nobody did; `columns`, of files that name
    them, which of those that are not named otherwise hold numbers.
    """

    plan: Callable[[Path, Wanted], list[Shard]]
    read: Callable[[Shard, Wanted], Iterator[Block]]
    settle: Callable[[Path, Wanted], Wanted]
    columns: Callable[[Path, Wanted], dict[str, bool] | None] | None = None


FORMATS = {
    ".npy": Format(npy.plan, npy.read, npy.settle),
    ".npz": Format(npz.plan, npz.read, npz.settle),
    ".csv": Format(csv.plan, csv.read, csv.settle, csv.columns),
    ".jsonl": Format(jsonl.plan, jsonl.read, jsonl.settle, jsonl.columns),
    ".ndjson": Format(jsonl.plan, jsonl.read, jsonl.settle, jsonl.columns),
    ".parquet": Format(parquet.plan, parquet.read, parquet.settle, parquet.columns),
    ".arrow": Format(arrow.plan_file, arrow.read_file, arrow.settle, arrow.columns),
    ".feather": Format(arrow.plan_file, arrow.read_file, arrow.settle, arrow.columns),
    ".arrows": Format(arrow.plan_stream, arrow.read_stream, arrow.settle, arrow.columns),
    IMAGES: Format(images.plan, images.read, images.settle),
}
# Of files whose columns have types; those of the others are text.
KEPT: dict[str, Callable[[Path, Wanted], Columns]] = {
    ".npz": npz.kept,
    ".parquet": parquet.kept,
    **dict.fromkeys((".arrow", ".feather", ".arrows"), arrow.kept),
}


def format_of(path: Path) -> str:
    """Key in `FORMATS` of the reader for a path; a folder is one of images.

    Raises:
        ValueError: nothing does.
    """
    if path.is_dir() or path.suffix.lower() in images.SUFFIXES:
        return IMAGES
    name = path.suffix.lower() if path.suffix.lower() in INSTEAD else format_ending(path)
    if name not in FORMATS:
        received = name or ("a file without an ending" if path.exists() else "nothing there")
        instead = f" {INSTEAD[name]}" if name in INSTEAD else ""
        raise ValueError(
            f"{path}: expected a file of {', '.join(ENDINGS)}. Received: {received}.{instead}"
        )
    if name in ARRAYS and is_packed(path):
        raise ValueError(
            f"{path}: expected text where a file is packed. Received: {name}, which packs itself. "
            "Unpack it first."
        )
    return name


def settle(path: Path, wanted: Wanted) -> Wanted:
    """Completes what is wanted by the columns and the shape of a row that a file has."""
    return FORMATS[format_of(path)].settle(path, wanted)


def columns_of(path: Path, wanted: Wanted) -> dict[str, bool] | None:
    """Columns that are not named for another use; True for those that hold numbers.

    None of arrays, and of a table without a line of names.
    """
    columns = FORMATS[format_of(path)].columns
    return None if columns is None else columns(path, wanted)


def kept_of(path: Path, wanted: Wanted) -> Columns:
    """Kept columns of a file, of their types, without rows."""
    return folder_keys.kept(KEPT.get(format_ending(path), _kept_as_text), path, wanted)


def plan(path: Path, wanted: Wanted) -> list[Shard]:
    """The shards of a file, or of a folder of images, in order; see `Format`."""
    of_format = partial(folder_keys.plan, FORMATS[format_of(path)].plan)
    return text_columns.plan(of_format, path, wanted)


def read(shard: Shard, wanted: Wanted) -> Iterator[Block]:
    """The blocks of a shard."""
    of_format = partial(folder_keys.read, FORMATS[shard.format].read)
    return text_columns.read(of_format, shard, wanted)


def _kept_as_text(path: Path, wanted: Wanted) -> Columns:
    return {name: np.empty(0, np.str_) for name in wanted.keep}
