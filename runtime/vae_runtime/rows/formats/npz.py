"""Rows of a .npz file, read while the archive is unpacked.

They are the key `x` (or `X`), or another that is wanted as the column of rows.
"""

import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from vae_runtime.rows.blocks import Block, Columns, Shard, Wanted
from vae_runtime.rows.machine_names import names_or_bad
from vae_runtime.rows.names.missing_names import meant, some
from vae_runtime.rows.text.tables import ColumnError

from .npy import Header, check_rows, read_array, read_header

MARKS = "y"  # the key of labels: 0 normal, 1 anomaly
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)


class Member(NamedTuple):
    """An array of an archive, and its file, which stands where the rows go on."""

    file: IO[bytes]
    header: Header


def plan(path: Path, wanted: Wanted) -> list[Shard]:
    """One shard: a compressed array can only be read from its start."""
    with _opened(path, wanted) as (x, _):
        rows = x.header.shape[0]
    return [Shard(str(path), ".npz", 0, rows, 0, rows)] if rows else []


def read(shard: Shard, wanted: Wanted) -> Iterator[Block]:
    """Reads rows, some at a time."""
    path = Path(shard.file)
    with _opened(path, wanted) as (x, extra):
        # Column by column, no row is complete before the last column is read.
        held = read_array(path, *x, shard.rows) if x.header.is_by_column else None
        for start in range(0, shard.rows, wanted.block_rows):
            rows = min(wanted.block_rows, shard.rows - start)
            block = held[start : start + rows] if held is not None else read_array(path, *x, rows)
            columns = {name: read_array(path, *member, rows) for name, member in extra.items()}
            bad: dict[int, str] = {}
            machines = (
                None
                if wanted.machine_column is None
                else names_or_bad(columns[wanted.machine_column], bad)
            )
            kept, looked_at = wanted.some(columns)
            looked_at |= {name: columns[name] for name in _marks(extra, wanted)}
            where = {"row": np.arange(start, start + rows)}
            yield Block(shard.file, block, where, kept, machines, bad, extra=looked_at)


def kept(path: Path, wanted: Wanted) -> Columns:
    """Kept keys, without rows."""
    with _archive(path) as (archive, keys):
        found = {}
        for name in wanted.keep:
            with archive.open(keys[name]) as file:
                found[name] = np.empty(0, read_header(path, file).dtype)
        return found


def settle(path: Path, wanted: Wanted) -> Wanted:
    """Completes what is wanted by the shape of a row that the file has."""
    return wanted._replace(shape=header_of_x(path, wanted).shape[1:])


def header_of_x(path: Path, wanted: Wanted) -> Header:
    """Reads the header of the array of rows, whatever its shape."""
    with (
        _archive(path) as (archive, keys),
        archive.open(keys[_key_of_x(path, keys, wanted)]) as file,
    ):
        return read_header(path, file)


@contextmanager
def _opened(path: Path, wanted: Wanted) -> Iterator[tuple[Member, dict[str, Member]]]:
    """x, and the other keys that are wanted; ValueError where the archive is damaged."""
    with _archive(path) as (archive, keys), ExitStack() as stack:
        members = []
        named = tuple(dict.fromkeys((*wanted.named, *_marks(keys, wanted))))
        for key in (_key_of_x(path, keys, wanted), *named):
            if key not in keys:
                near = meant([key], keys, wanted.named)
                raise ColumnError(
                    f"{path}: expected the key {key!r}. Received: {some([*keys])}.{near}"
                )
            file = stack.enter_context(archive.open(keys[key]))
            members.append(Member(file, read_header(path, file)))
        x, extra = members[0], dict(zip(named, members[1:], strict=True))
        check_rows(path, x.header, wanted)
        _check_extra(path, x.header.shape[:1], extra)
        yield x, extra


@contextmanager
def _archive(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, str]]]:
    """A .npz file, and its arrays' names in it by their keys."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive, {name.removesuffix(".npy"): name for name in archive.namelist()}
    except DAMAGED as error:
        raise ValueError(f"{path} is not a numpy file of plain numbers: {error}") from error


def _key_of_x(path: Path, keys: dict[str, str], wanted: Wanted) -> str:
    for key in ("x", "X") if wanted.column == "x" else (wanted.column,):
        if key in keys:
            return key
    near = meant([wanted.column], keys, wanted.named)
    raise ValueError(
        f'{path}: expected the key "{wanted.column}". Received: {some([*keys])}.{near}'
    )


def _marks(keys: Collection[str], wanted: Wanted) -> tuple[str, ...]:
    """The key of labels, where it is there and looked at."""
    return (MARKS,) if wanted.marked and MARKS in keys else ()


def _check_extra(path: Path, rows: tuple[int, ...], members: dict[str, Member]) -> None:
    for key, member in members.items():
        if member.header.shape != rows:
            raise ValueError(
                f"{path}: expected {key} of shape {rows}. Received: {member.header.shape}."
            )
