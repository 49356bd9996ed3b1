"""Cells of a live source's lines of text, whose marks the first of them tell."""

import csv
import logging
import re
from collections.abc import Callable

from vae_runtime._base.printable import printable
from vae_runtime.rows.text.cells import FALSE, TRUE, CellFormat
from vae_runtime.rows.text.dialect import WORDS, Reading
from vae_runtime.rows.text.json_values import short
from vae_runtime.rows.text.recognition import SEPARATORS, split_wide, tabbed

DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]+)?")


class CellReader:
    """Splits lines into cells.

    What stands between cells is what is asked for; else it is told by the first line that is a
    header or a sample under it, that of training before others. So is a decimal comma.

    Args:
        reading: what is asked of the text, and how training read it.
        is_header: tells whether cells name all columns of a sample.
        count: numbers of a sample without a header.

    >>> reader = CellReader(Reading(), lambda cells: {"flow", "temp"} <= {*cells}, 2)
    >>> reader.split("temp;flow"), reader.split("1,5;2")
    (['temp', 'flow'], ['1,5', '2'])
    >>> reader.format.number("1,5")
    1.5
    """

    def __init__(
        self, reading: Reading, is_header: Callable[[list[str]], bool], count: int
    ) -> None:
        self._is_header, self._count = is_header, count
        self._sep, self._reading = reading.asked.get("sep"), reading
        recorded = reading.recorded
        self.comment = reading.comment or (recorded.comment if recorded else None)
        self._codes = reading.codes
        self.format = CellFormat(reading.decimal or ".", reading.thousands, self._codes)
        if self._sep is not None:
            self._settle_decimal(self._sep)

    def split(self, line: str) -> list[str]:
        """Cells of a line, without blanks around; ValueError for a quote that is not closed."""
        wide = split_wide(line) if self._sep in (None, " ") and "\t" not in line else []
        if self._is_header(wide):
            self._sep = " "
            return wide
        if self._sep is None:
            self._find(line)
        cells = _cells(line, self._sep or ",")
        if self._sep not in (None, ",") and self.format.decimal == "." and self._is_open:
            if any(DECIMAL_COMMA.fullmatch(cell) for cell in cells):
                self.format = CellFormat(",", self._reading.thousands, self._codes)
                _tell("decimal commas (--decimal , says so)")
        return cells

    def names_of(self, comment: str) -> list[str]:
        """Cells of a comment without its mark, by what stands between cells, as far as is known."""
        line = comment.lstrip(f"{self.comment} \t")
        if '"' in line:
            return []  # a comment may hold any text
        for sep in (self._sep,) if self._sep else SEPARATORS:
            cells = _cells(line, sep)
            if self._is_header(cells):
                self._sep = sep
                self._settle_decimal(sep)
                return cells
        return []

    def is_number(self, cell: str) -> bool:
        """True for a number, with any mark before its fraction; a truth may be a name."""
        each = (self.format, CellFormat(","))
        return cell.strip().lower() not in TRUE | FALSE and any(f.is_number(cell) for f in each)

    @property
    def _is_open(self) -> bool:
        """True where nobody said what is before a number's fraction."""
        recorded = self._reading.recorded
        is_known = recorded is not None and recorded.sep == self._sep
        return self._reading.decimal is None and not is_known

    def _find(self, line: str) -> None:
        recorded = self._reading.recorded
        first = () if recorded is None else (recorded.sep,)
        for sep in dict.fromkeys((*first, *SEPARATORS)):
            if self._fits(_cells(line, sep)):
                self._sep = sep
                self._settle_decimal(sep)
                if sep != ",":
                    _tell(f"{WORDS.get(sep, repr(sep))} between cells (--sep says otherwise)")
                return

    def _fits(self, cells: list[str]) -> bool:
        numbers = (self.format, CellFormat(",", None, self._codes))
        return self._is_header(cells) or (
            len(cells) == self._count > 1
            and any(not any(map(each.is_text, cells)) for each in numbers)
        )

    def _settle_decimal(self, sep: str) -> None:
        """Takes the marks in numbers from training, where its text has the same between cells."""
        recorded = self._reading.recorded
        if recorded is not None and recorded.sep == sep and self._reading.decimal is None:
            thousands = self._reading.thousands or recorded.thousands
            self.format = CellFormat(recorded.decimal, thousands, self._codes)


def _cells(line: str, sep: str) -> list[str]:
    if sep == " ":
        line, sep = tabbed(line), "\t"
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=sep, strict=True))]
    except csv.Error as error:
        raise ValueError(f"expected a line of CSV. Received: {short(line)} ({error}).") from error


def _tell(words: str) -> None:
    logging.getLogger("vae_runtime").warning("the stream: read as: %s", printable(words))
