"""Journal of a run: its results so far, beside its output, from which a killed run goes on.

A file of records, each with its length and checksum: first what the run is (bundle, options), then
the results of each shard, closed by what the shard was. A record that a kill has cut short, or a
shard that was not closed, is as if it had never been: its rows are scored again.
"""

import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.atomic_files import named
from vae_runtime.batch.results import Result
from vae_runtime.rows.bad_rows import Reject
from vae_runtime.rows.blocks import Column

from .columns import pack, unpack

Bytes: TypeAlias = bytes | memoryview

HEAD = struct.Struct("<4sQ")  # mark, bytes of the content
CHECKSUM = struct.Struct("<I")  # of head and content, between them
NOTE = struct.Struct("<I")  # bytes of a result's note
RUN, RESULT, SHARD = b"vrun", b"rslt", b"done"


class Done(NamedTuple):
    """A shard whose results are in a journal: what it was, and where its last record ends."""

    shard: list[Any]
    end: int


class JournalRefused(ValueError):
    """A journal that this run cannot go on with, or must not touch."""


class Journal:
    """A journal that is being written.

    Args:
        path: of the file.
        run: what the run is, as JSON.
        end: where to go on; 0 to begin anew.
    """

    def __init__(self, path: Path, run: Mapping[str, Any], end: int = 0) -> None:
        self.path, self.has_done = path, end > 0
        self._file: IO[bytes] = path.open("r+b" if end else "wb")
        self._file.seek(end)
        self._file.truncate()
        if not end:
            with named(path):
                self._write(RUN, json.dumps(run).encode())
                self._file.flush()

    def add(self, result: Result) -> None:
        """Notes what became of a block."""
        with named(self.path):
            self._write(RESULT, *_packed(result))

    def close_shard(self, shard: list[Any]) -> None:
        """Notes that all blocks of a shard are there; `shard` says what it was, as JSON."""
        with named(self.path):
            self._write(SHARD, json.dumps(shard).encode())
            self._file.flush()
        self.has_done = True

    def flush(self) -> int:
        """Lets others read all that was noted; gives where it ends."""
        with named(self.path):
            self._file.flush()
        return self._file.tell()

    def close(self) -> None:
        """Closes the file, which stays."""
        with named(self.path):
            self._file.close()

    def close_or_remove(self) -> None:
        """Closes the file, which stays where there is something to go on with."""
        try:
            self.close()
        finally:
            if not self.has_done:
                self.path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Closes the file, which is needed no more."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _write(self, mark: bytes, *content: Bytes) -> None:
        head = HEAD.pack(mark, sum(len(each) for each in content))
        self._file.write(head + CHECKSUM.pack(_checksum(head, *content)))
        for each in content:
            self._file.write(each)


def read_run(path: Path) -> dict[str, Any] | None:
    """Reads the record of the run that a journal is of; None where it is missing or cut short.

    Raises:
        JournalRefused: the file is no journal.
    """
    if path.is_symlink():  # what it leads to would be written, and the link removed
        raise JournalRefused(f"{path}: expected the journal of a run. Received: a link.")
    if not path.exists():
        return None
    with path.open("rb") as file:
        mark, content = next(_records(file), (b"", b""))[:2]
        if mark != RUN:
            file.seek(0)
            if file.read(len(RUN)) not in (b"", RUN):
                raise JournalRefused(
                    f"{path}: expected the journal of a run. Received: another file."
                )
            return None
    run: dict[str, Any] = json.loads(content)
    return run


def read_done(path: Path) -> list[Done]:
    """The shards that are closed, in their order."""
    with path.open("rb") as file:
        return [Done(json.loads(c), end) for mark, c, end in _records(file) if mark == SHARD]


def read_results(path: Path, end: int) -> Iterator[Result]:
    """The results of the records up to `end`, where one of them ends.

    Raises:
        JournalRefused: a record before that was damaged since `end` was known.
    """
    read = 0
    with path.open("rb") as file:
        for mark, content, place in _records(file, end):
            read = place
            if mark == RESULT:
                yield _unpacked(content)
    if read != end:
        raise JournalRefused(
            f"{path}: expected {end:,} bytes of records. Received: one that was damaged, after "
            f"{read:,} bytes. Run again with --resume, to score again what it held."
        )


def _checksum(*content: Bytes) -> int:
    checksum = 0
    for each in content:
        checksum = zlib.crc32(each, checksum)
    return checksum


def _records(file: IO[bytes], end: int | None = None) -> Iterator[tuple[bytes, bytes, int]]:
    """(mark, content, where it ends) of each record, up to the first that is not whole.

    Args:
        file: to read from the start.
        end: bytes of it to read; all where None.
    """
    size = os.fstat(file.fileno()).st_size
    left = size if end is None else min(size, end)
    begin = HEAD.size + CHECKSUM.size
    while left >= begin:
        head, checksum = file.read(HEAD.size), *CHECKSUM.unpack(file.read(CHECKSUM.size))
        mark, size = HEAD.unpack(head)
        left -= begin + size
        if left < 0:
            return  # a damaged length, or a record that was cut short
        content = file.read(size)
        if _checksum(head, content) != checksum:
            return
        yield mark, content, file.tell()


def _packed(result: Result) -> list[Bytes]:
    """A note of what the result is, and the bytes of its columns, which are not copied."""
    columns = {name: pack(column) for name, column in result.columns.items()}
    note = {
        "rows": result.rows,
        "anomalies": result.anomalies,
        "left_out": result.left_out,
        "classes": result.classes,
        "rejects": result.rejects,
        "columns": {name: [c.dtype.str, c.shape] for name, c in columns.items()},
    }
    text = json.dumps(note).encode()
    return [
        NOTE.pack(len(text)),
        text,
        *(c.reshape(-1).view(np.uint8).data for c in columns.values()),
    ]


def _unpacked(content: bytes) -> Result:
    place = NOTE.size + NOTE.unpack_from(content)[0]
    note = json.loads(content[NOTE.size : place])
    columns: dict[str, Column] = {}
    for name, (dtype, shape) in note["columns"].items():
        array: NDArray[Any] = np.ndarray(shape, dtype, buffer=content, offset=place)
        columns[name], place = unpack(array), place + array.nbytes
    rejects = tuple(Reject(*each) for each in note["rejects"])
    counts = {name: note[name] for name in ("rows", "anomalies", "left_out", "classes")}
    return Result(columns, rejects=rejects, **counts)
