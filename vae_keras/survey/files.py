"""Blocks of rows of files, as the survey takes them, by the readers that training uses."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vae_runtime.rows import input_files
from vae_runtime.rows.blocks import Block, Wanted
from vae_runtime.rows.formats import registry
from vae_runtime.rows.formats.npz import MARKS

from .records import Survey
from .table import RawBlock, survey

ARRAYS = (".npz", ".npy")


class Files(NamedTuple):
    """Files, what to read of them, and whether their columns have names."""

    paths: list[Path]
    wanted: Wanted
    has_names: bool

    @property
    def is_array(self) -> bool:
        """Whether the rows are those of an array."""
        return self.paths[0].suffix.lower() in ARRAYS

    @property
    def is_table(self) -> bool:
        """Whether a row is a row of columns, and not an image or a window."""
        return self.has_names or len(self.wanted.shape or ()) == 1


def open_files(sources: Sequence[str]) -> Files:
    """Finds the columns of files.

    Args:
        sources: files, folders and globs.

    Raises:
        ValueError: there is nothing to read.
    """
    paths = input_files.files_of(sources, Wanted())
    found = input_files.settle(paths, Wanted(marked=True))
    return Files(paths, found, found.features is not None)


def survey_files(files: Files) -> Survey:
    """Surveys the table that is in files."""
    blocks = (block for path in files.paths for block in _blocks(path, files))
    return survey(blocks, has_names=files.has_names, is_array=files.is_array)


def _blocks(path: Path, files: Files) -> Iterator[RawBlock]:
    wanted = registry.settle(path, files.wanted._replace(features=None, shape=None))
    if wanted.features is not None:
        wanted = Wanted.columns(wanted.features)
    for shard in registry.plan(path, wanted):
        for block in registry.read(shard, wanted):
            columns = block.kept if files.has_names else _numbered(block)
            yield RawBlock(str(path), columns, block.bad)


def _numbered(block: Block) -> dict[str, Any]:
    """Columns of rows of numbers by their place, from 1, and marks of anomalies."""
    columns = {str(i + 1): np.asarray(block.x[:, i]) for i in range(block.x.shape[1])}
    return columns | ({MARKS: block.extra[MARKS]} if MARKS in block.extra else {})
