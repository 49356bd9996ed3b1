"""Reader of CSV rows: Python's own, but an open quote is an error.

There all text behind it, up to the next quote or the end, would be one cell of one row.
"""

import csv
from collections.abc import Iterable, Iterator


class OpenQuote(ValueError):
    """Quote that is not closed, in a row that begins in `line`, from 1."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line, self.why = line, why

    def message(self, before: int = 0) -> str:
        """Text of the error, where so many lines of the file are before those that were read."""
        return (
            f"expected lines of a table. Received: in line {before + self.line} {self.why}. Close "
            "the quote; within a quoted cell, write it twice."
        )


class Lines:
    """Lines of text with their ends; `count` were read, a row began with number `first`."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self.count, self.first = 0, 1
        self.is_over = False
        self.of_row: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.count += 1
            self.of_row.append(line)
            yield line
        self.is_over = True


def csv_rows(lines: Lines, *, is_last: bool = True, sep: str = ",") -> Iterator[list[str]]:
    """Cells of rows, none of a blank line; OpenQuote, at the end only if `is_last`."""
    reader = csv.reader(lines, delimiter=sep)
    while True:
        lines.first = lines.count + 1
        lines.of_row.clear()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise OpenQuote(
                lines.first, f"what is no cell ({error}), as where a quote is never closed"
            ) from error
        if cells is None or (lines.is_over and not is_last):
            return
        if lines.is_over:
            raise OpenQuote(lines.first, "a quote that is never closed")
        if len(lines.of_row) > 1:
            _check_closed(lines, sep)
        yield cells


def _check_closed(lines: Lines, sep: str) -> None:
    """Refuses a row of several lines in which text follows on a quote that seems to close."""
    try:
        list(csv.reader(lines.of_row, delimiter=sep, strict=True))
    except csv.Error as error:
        why = f"a quote that is not closed: the next one, up to line {lines.count}, ends no cell"
        raise OpenQuote(lines.first, why) from error
