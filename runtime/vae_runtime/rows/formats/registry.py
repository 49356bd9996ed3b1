"""The formats that rows are read from, by the endings of their files."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vae_runtime.rows.blocks import Block, Columns, Shard, Wanted
from vae_runtime.rows.text.endings import ARRAYS, ENDINGS, JSON_LINES, format_ending
from vae_runtime.rows.text.text_files import is_packed

from . import arrow, csv, folder_keys, images, jsonl, npy, npz, parquet, text_columns

# What to do with files of other endings that are met often.
SHEET = "Save the sheet as .csv."
ARCHIVE = "Unpack it, and name the folder: tar -xf FILE."
INSTEAD = {
    ".json": jsonl.AS_LINES,
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers"), SHEET),
    ".pq": "Rename it to .parquet.",
    **dict.fromkeys((".tar", ".tgz", ".tbz2", ".txz", ".7z", ".rar"), ARCHIVE),
    **dict.fromkeys(
        (".h5", ".hdf5", ".mat", ".nc", ".pkl", ".sqlite", ".db"), "Write it as .csv or .parquet."
    ),
    ".zip": "Unpack it.",
}
UNSEEN = (".json", ".zip")  # of these, files that are looked into

IMAGES = "images"  # in place of an ending
TABLE = ".csv"  # of all tables of text


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
    ending = path.suffix.lower()
    is_known = ending in INSTEAD and not (ending in UNSEEN and path.is_file())
    name = ending if is_known else format_ending(path)
    if name not in FORMATS:
        name = name or ending
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


def check_reading(path: Path, wanted: Wanted) -> None:
    """Raises ValueError for options of text that have no effect on a file of this format."""
    name = format_of(path)
    if name == TABLE:
        return
    heeded = ("encoding",) if name in JSON_LINES else ()
    idle = [f"--{option}" for option in wanted.reading.asked if option not in heeded]
    if idle:
        kind = "images" if name == IMAGES else f"a {name} file"
        raise ValueError(
            f"{path}: expected no {' and '.join(idle)} with {kind}, where options of text have no "
            "effect. Received: some. Leave them out."
        )


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
