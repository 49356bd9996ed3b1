"""Bounds of the rows of a .csv, in bytes: line ends within quotes do not end a row.

A quote in the middle of a cell is a character like others, so that quotes cannot be counted: where
there are some, Python's own reader says what a row is. Elsewhere lines are counted.
"""

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from vae_runtime.bundle.records import Dialect
from vae_runtime.rows.text.csv_rows import Lines, OpenQuote, csv_rows
from vae_runtime.rows.text.dialect import PLAIN

from .ranges import Taken

EDGES = re.compile(rb"(?m)^[ \t]+|[ \t]+(?=[\r\n]|\Z)")  # blanks at the ends of lines
BLANKS = re.compile(rb"[ \t]+")
QUOTED_OR_BLANKS = re.compile(rb'("[^"\n]*")|[ \t]+')


class Row(NamedTuple):
    """Cells, none of a blank line, and behind how many bytes and lines the row ends."""

    cells: list[str]
    size: int
    lines: int


def take_rows(
    block: bytes, is_last: bool, dialect: Dialect = PLAIN, again: bytes | None = None
) -> Taken:
    """The whole rows of a block that begins with one; `is_last` where the text ends with it.

    `again` is a line of names that is no row.
    """
    end = len(block) if is_last else _last_line_end(block)
    raw = block if end == len(block) else block[:end]
    lines = cleaned(raw, dialect, again)
    if b'"' not in lines and not has_lone_returns(lines):
        count = lines.count(b"\n") + (lines[-1:] not in (b"", b"\n"))
        blank = lines[:1] == b"\n" or lines[:2] == b"\r\n" or b"\n\n" in lines or b"\n\r\n" in lines
        if blank:
            return Taken(end, sum(v not in (b"", b"\r") for v in lines.split(b"\n")), count)
        return Taken(end, count, count)
    found = Taken(0, 0, 0)
    try:
        # latin-1 is as quick as bytes, and cut at the same places
        for row in rows_of(lines, is_last, "latin-1", sep=cell_mark(dialect)):
            found = Taken(row.size, found.rows + bool(row.cells), row.lines)
    except OpenQuote as problem:
        found = found._replace(problem=problem)
    return found if lines is raw else found._replace(size=size_of_lines(raw, found.lines))


def rows_of(
    block: bytes, is_last: bool = True, encoding: str = "utf-8", *, sep: str = ","
) -> Iterator[Row]:
    """The rows of a block that are whole: without the last, where it is not known to end there.

    Raises:
        OpenQuote: a quote is not closed.
    """
    lines = _Bytes(block, encoding)
    for cells in csv_rows(lines, is_last=is_last, sep=sep):
        yield Row(cells, lines.size, lines.count)


def cleaned(block: bytes, dialect: Dialect, again: bytes | None = None) -> bytes:
    """A block with tabs for the blanks between cells, and blank lines for what is no row.

    Such are comments, names that come `again`, and lines of zero bytes, as a crash leaves them. It
    has as many lines as before, so that their numbers stay.
    """
    if b"\0" in block:
        block = re.sub(rb"(?m)^\0+(?=\r?$)", b"", block)
    if again and again in block:
        block = re.sub(rb"(?m)^" + re.escape(again) + rb"[ \t]*(?=\r?$)", b"", block)
    if dialect.comment is not None and (mark := dialect.comment.encode()) in block:
        block = re.sub(rb"(?m)^[ \t]*" + re.escape(mark) + rb"[^\r\n]*", b"", block)
    if dialect.sep != " ":
        return block
    block = EDGES.sub(b"", block)
    if b'"' in block:
        return QUOTED_OR_BLANKS.sub(lambda found: found[1] or b"\t", block)
    return BLANKS.sub(b"\t", block)


def cell_mark(dialect: Dialect) -> str:
    """The character between the cells of a block that is cleaned."""
    return "\t" if dialect.sep == " " else dialect.sep


def size_of_lines(block: bytes, lines: int) -> int:
    """Bytes of so many lines at the begin of a block."""
    return sum(map(len, itertools.islice(block.splitlines(keepends=True), lines)))


def has_lone_returns(block: bytes) -> bool:
    """True for bytes with a carriage return alone, which ended lines long ago."""
    return b"\r" in block and block.count(b"\r") != block.count(b"\r\n")


class _Bytes(Lines):
    """The lines of a block as text, with how many bytes of it have been asked for."""

    def __init__(self, block: bytes, encoding: str) -> None:
        super().__init__(self._decoded(block, encoding))
        self.size = 0

    def _decoded(self, block: bytes, encoding: str) -> Iterator[str]:
        for line in block.splitlines(keepends=True):
            self.size += len(line)
            yield line.decode(encoding)


def _last_line_end(block: bytes) -> int:
    """Behind the last end of a line; a return that ends the block may be one half of an end."""
    return block.rfind(b"\n") + 1 or block.rfind(b"\r", 0, -1) + 1
