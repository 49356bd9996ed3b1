"""Bounds of the rows of a .csv, in bytes: line ends within quotes do not end a row.

A quote in the middle of a cell is a character like others, so that quotes cannot be counted: where
there are some, Python's own reader says what a row is. Elsewhere lines are counted.
"""

from collections.abc import Iterator
from typing import NamedTuple

from vae_runtime.rows.csv_rows import Lines, OpenQuote, csv_rows

from .ranges import Taken


class Row(NamedTuple):
    """Cells, none of a blank line, and behind how many bytes and lines the row ends."""

    cells: list[str]
    size: int
    lines: int


def take_rows(block: bytes, is_last: bool) -> Taken:
    """The whole rows of a block that begins with one; `is_last` where the text ends with it."""
    end = len(block) if is_last else _last_line_end(block)
    lines = block if end == len(block) else block[:end]
    if b'"' not in lines and not has_lone_returns(lines):
        count = lines.count(b"\n") + (lines[-1:] not in (b"", b"\n"))
        blank = lines[:1] == b"\n" or lines[:2] == b"\r\n" or b"\n\n" in lines or b"\n\r\n" in lines
        if blank:
            return Taken(end, sum(v not in (b"", b"\r") for v in lines.split(b"\n")), count)
        return Taken(end, count, count)
    found = Taken(0, 0, 0)
    try:
        # latin-1 is as quick as bytes, and cut at the same places
        for row in rows_of(lines, is_last, "latin-1"):
            found = Taken(row.size, found.rows + bool(row.cells), row.lines)
    except OpenQuote as problem:
        return found._replace(problem=problem)
    return found


def rows_of(block: bytes, is_last: bool = True, encoding: str = "utf-8") -> Iterator[Row]:
    """The rows of a block that are whole: without the last, where it is not known to end there.

    Raises:
        OpenQuote: a quote is not closed.
    """
    lines = _Bytes(block, encoding)
    for cells in csv_rows(lines, is_last=is_last):
        yield Row(cells, lines.size, lines.count)


def has_lone_returns(block: bytes) -> bool:
    """Tells whether there is a carriage return alone, which ended lines long ago."""
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
