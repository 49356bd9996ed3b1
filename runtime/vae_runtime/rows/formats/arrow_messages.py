"""Positions of the record batches in an Arrow file or stream, and of their buffers.

Only messages' heads are read here, by plain reads, so that rows can be read some at a time without
mapping the file: one that shrinks while it is mapped kills the process.
Source: Arrow columnar format, "IPC File Format"; flatbuffers, "Internals".
"""

import os
import struct
from pathlib import Path
from typing import NamedTuple

MAGIC = b"ARROW1"
FOOTER = 10  # bytes at the end of a file: the length of the footer, and the mark
CONTINUED = b"\xff\xff\xff\xff"
LONGEST_HEAD = 2**28  # bytes of a footer, or of what a message says of itself
SCHEMA, RECORD_BATCH = 1, 3  # kinds of messages
LITTLE = 0
CUT = "it ends before its last row. Copy it again"
IMPOSSIBLE = "it has impossible positions. Copy it again"


class Batch(NamedTuple):
    """Record batch: number of rows, and places of its buffers in the file.

    Args:
        rows: of each column.
        nulls: of each array, in the order of the schema, children behind their parents.
        buffers: first byte and length of each.
        is_plain: whether the numbers are as they are in memory: not compressed, little-endian.
    """

    rows: int
    nulls: list[int]
    buffers: list[tuple[int, int]]
    is_plain: bool


class Source:
    """A file that is read by positions; ValueError where it ends before."""

    def __init__(self, path: Path) -> None:
        self.path, self._file = path, path.open("rb", buffering=0)
        self.size = os.fstat(self._file.fileno()).st_size

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, start: int, size: int) -> bytes:
        """Reads so many bytes from a position."""
        if start < 0 or size < 0:
            raise _damaged(self.path, IMPOSSIBLE)
        if start + size > self.size:
            raise _damaged(self.path, CUT)
        self._file.seek(start)
        found = self._file.read(size)
        if len(found) < size:
            raise _damaged(self.path, CUT)
        return found


def batches_of_file(source: Source) -> list[Batch]:
    """Record batches of a .arrow or .feather file, which its footer lists."""
    end = source.read(source.size - FOOTER, FOOTER) if source.size > FOOTER else b""
    if end[4:] != MAGIC:
        raise _damaged(source.path, "not an Arrow file")
    (size,) = struct.unpack("<i", end[:4])
    footer = _Table.root(source, source.read(source.size - FOOTER - size, _checked(source, size)))
    is_little = footer.table(1).number(0, "<h") == LITTLE
    found = []
    for offset, _, _ in footer.structs(3, "<qi4xq"):
        message, body = _message(source, offset)
        found.append(_batch(message.table(2), body, is_little))
    return found


def batches_of_stream(source: Source) -> list[Batch]:
    """Record batches of a .arrows stream, one after the other."""
    found, place, is_little = [], 0, True
    while place < source.size and not _is_end(source, place):
        message, body = _message(source, place)
        kind = message.number(1, "<B")
        if kind == SCHEMA:
            is_little = message.table(2).number(0, "<h") == LITTLE
        elif kind == RECORD_BATCH:
            found.append(_batch(message.table(2), body, is_little))
        place = body + message.number(3, "<q")
        if place < body:
            raise _damaged(source.path, IMPOSSIBLE)
    if place > source.size:
        raise _damaged(source.path, CUT)
    return found


def _is_end(source: Source, place: int) -> bool:
    """True where the end mark of a stream is: 8 bytes, 4 as of Arrow before 0.15."""
    head = source.read(place, 4)
    return (source.read(place + 4, 4) if head == CONTINUED else head) == b"\0" * 4


def _message(source: Source, place: int) -> tuple["_Table", int]:
    """Reads the head of a message; gives its table, and where its body begins."""
    head = source.read(place, 8)
    before = 8 if head[:4] == CONTINUED else 4  # as of Arrow before 0.15
    (size,) = struct.unpack("<i", head[before - 4 : before])
    return (
        _Table.root(source, source.read(place + before, _checked(source, size))),
        place + before + size,
    )


def _batch(table: "_Table", body: int, is_little: bool) -> Batch:
    nulls = [count for _, count in table.structs(1, "<qq")]
    buffers = [(body + offset, size) for offset, size in table.structs(2, "<qq")]
    return Batch(table.number(0, "<q"), nulls, buffers, is_little and not table.has(3))


def _checked(source: Source, size: int) -> int:
    if not 0 < size <= LONGEST_HEAD:
        raise _damaged(source.path, IMPOSSIBLE)
    return size


def _damaged(path: Path, why: str) -> ValueError:
    return ValueError(f"{path} is not a readable Arrow file: {why}.")


class _Table(NamedTuple):
    """A table of a flatbuffer: its fields by number."""

    source: Source
    content: bytes
    place: int

    @classmethod
    def root(cls, source: Source, content: bytes) -> "_Table":
        table = cls(source, content, 0)
        return table._replace(place=table._at("<I", 0))

    def has(self, field: int) -> bool:
        return self._place(field) is not None

    def number(self, field: int, kind: str) -> int:
        """A field; 0 where it is left out."""
        place = self._place(field)
        return 0 if place is None else self._at(kind, place)

    def table(self, field: int) -> "_Table":
        """A field that is a table."""
        place = self._place(field)
        if place is None:
            raise _damaged(self.source.path, "a part of it is not there")
        return self._replace(place=place + self._at("<I", place))

    def structs(self, field: int, kind: str) -> list[tuple[int, ...]]:
        """A field of structures of numbers."""
        place = self._place(field)
        if place is None:
            return []
        begin = place + self._at("<I", place)
        end = begin + 4 + self._at("<I", begin) * struct.calcsize(kind)
        if end > len(self.content):
            raise _damaged(self.source.path, IMPOSSIBLE)
        return list(struct.iter_unpack(kind, self.content[begin + 4 : end]))

    def _place(self, field: int) -> int | None:
        fields = self.place - self._at("<i", self.place)
        place = 4 + 2 * field
        if place >= self._at("<H", fields):
            return None
        offset = self._at("<H", fields + place)
        return self.place + offset if offset else None

    def _at(self, kind: str, place: int) -> int:
        try:
            if place >= 0:
                return int(struct.unpack_from(kind, self.content, place)[0])
        except struct.error:
            pass
        raise _damaged(self.source.path, IMPOSSIBLE)
