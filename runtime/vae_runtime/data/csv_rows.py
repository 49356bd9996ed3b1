"""Rows of CSV as Python's own reader has them, but for quotes that are never closed.

That reader takes all text behind such a quote as one cell, up to the next quote or to the end of
the file, so that many rows would become one. Here the line in which it was opened is an error.
"""

import csv
from collections.abc import Iterable, Iterator


class OpenQuote(ValueError):
    """A cell that begins with a quote and does not end where one is closed.

    Args:
        line: in which its row begins, from 1.
        why: it is one.
    """

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line, self.why = line, why

    def told(self, before: int = 0) -> str:
        """What is wrong, in a text with so many lines before those that were read."""
        return (
            f"expected lines of a table. Received: in line {before + self.line} {self.why}. Close "
            "the quote, or write a quote within a cell as two, in quotes."
        )


class Lines:
    """Lines of text with their ends, and how far a reader of rows has got.

    Args:
        lines: of the text.

    `count` are the lines that were asked for, `first` the number of the row's first one, from 1;
    `is_over` where more were asked for than there are.
    """

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


def csv_rows(lines: Lines, *, is_last: bool = True) -> Iterator[list[str]]:
    """The cells of each row, none of a blank line.

    Args:
        lines: of the text.
        is_last: whether the text ends with them; else a row that they cut is left out.

    Raises:
        OpenQuote: a quote is not closed.
    """
    reader = csv.reader(lines)
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
            _check_closed(lines)
        yield cells


def _check_closed(lines: Lines) -> None:
    """Refuses a row of several lines in which text follows on a quote that seems to close."""
    try:
        list(csv.reader(lines.of_row, strict=True))
    except csv.Error as error:
        why = f"a quote that is not closed: the next one, up to line {lines.count}, ends no cell"
        raise OpenQuote(lines.first, why) from error
