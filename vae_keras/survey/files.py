"""Blocks of rows of files, as the survey takes them, by the readers that training uses."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vae_runtime.rows import input_files
from vae_runtime.rows.blocks import Block, Wanted
from vae_runtime.rows.formats import registry
from vae_runtime.rows.formats.npz import MARKS
from vae_runtime.rows.text.cells import CellFormat
from vae_runtime.rows.text.dialect import Reading, cell_format, open_dialect
from vae_runtime.rows.text.endings import format_ending

from .records import Survey
from .table import RawBlock, survey

ARRAYS = (".npz", ".npy")
TEXT = ".csv"  # the format of all text
PLAIN = Reading()


class Files(NamedTuple):
    """Files, what their rows are, and whether their columns have names."""

    paths: list[Path]
    wanted: Wanted
    has_names: bool

    @property
    def is_text(self) -> bool:
        """Whether the first file is one of text, whose columns can be named by their numbers."""
        return format_ending(self.paths[0]) == TEXT

    @property
    def is_array(self) -> bool:
        """Whether the rows are those of an array."""
        return format_ending(self.paths[0]) in ARRAYS

    @property
    def is_table(self) -> bool:
        """Whether a row is a row of columns, and not an image or a window."""
        return self.has_names or len(self.wanted.shape or ()) == 1


def open_files(sources: Sequence[str], reading: Reading = PLAIN) -> Files:
    """Finds the columns of files.

    Args:
        sources: files, folders and globs.
        reading: of text.

    Raises:
        ValueError: there is nothing to read.
    """
    paths = input_files.files_of(sources, Wanted())
    found = input_files.settle(paths, Wanted(marked=True, reading=reading))
    return Files(paths, found, found.features is not None)


def survey_files(files: Files) -> Survey:
    """Surveys the table that is in files."""
    blocks = (block for path in files.paths for block in _blocks(path, files))
    found = survey(blocks, has_names=files.has_names, is_array=files.is_array)
    if not found.rows:
        raise ValueError(
            f"{files.paths[0]}: expected rows of numbers. Received: none below the line of names. "
            "If that line is a row, type --header none."
        )
    return found


def _blocks(path: Path, files: Files) -> Iterator[RawBlock]:
    wanted = _wanted(path, files)
    is_text, reading = format_ending(path) == TEXT, wanted.reading
    format = CellFormat(missing=reading.codes)
    if is_text:
        format = cell_format(open_dialect(path, reading))
    for shard in registry.plan(path, wanted):
        for block in registry.read(shard, wanted):
            columns = block.kept if wanted.keep else _numbered(block)
            yield RawBlock(str(path), columns, block.bad, format)


def _wanted(path: Path, files: Files) -> Wanted:
    """All columns of a file as they are; rows as numbers where the columns cannot be named."""
    found = registry.settle(path, files.wanted._replace(features=None, shape=None))
    if found.features is not None:
        return Wanted.columns(found.features)._replace(reading=found.reading)
    if not files.is_text:
        return found
    names = tuple(str(i + 1) for i in range(found.size))
    return Wanted.columns(names)._replace(reading=replace(found.reading, header=False))


def _numbered(block: Block) -> dict[str, Any]:
    """Columns of rows of numbers by their place, from 1, and marks of anomalies."""
    columns = {str(i + 1): np.asarray(block.x[:, i]) for i in range(block.x.shape[1])}
    return columns | ({MARKS: block.extra[MARKS]} if MARKS in block.extra else {})
