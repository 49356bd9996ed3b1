"""Meaning of a text cell: a number, a truth, a missing value, or text.

It is alike in text files, in strings of JSON and in columns of text in Parquet and Arrow. A number
is what Python's `float` reads, but 1_000 is none, and 1.5D+02 of Fortran is one; a truth is 1 or 0.
"""

import math
import re
from dataclasses import dataclass
from functools import cached_property

TRUE = frozenset(("true", "yes", "on"))
FALSE = frozenset(("false", "no", "off"))
MISSING = frozenset(
    (
        *("", "na", "n/a", "n.a.", "nan", "null", "none", "-", "--", "---", "----", "?", "bad"),
        *("#n/a", "#na", "#n/a n/a", "<na>", "#div/0!", "#value!", "#ref!", "#num!", "#name?"),
        *("#null!", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", "nan(ind)", "-nan(ind)"),
    )
)  # how programs write "no value", in any case; those of pandas, Excel and C among them
# Numbers with the exponent of Fortran; 7D65, without a point or a sign, is a word.
FORTRAN = (
    r"^([+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+))[dD]([+-]?[0-9]{1,3})$|^([+-]?[0-9]+)[dD]([+-][0-9]{1,3})$"
)
FORTRAN_AS_C = r"\1\3e\2\4"


class NoValue(ValueError):
    """Error for a cell without a value, where a number is expected."""


@dataclass(frozen=True)
class CellFormat:
    """Way in which the cells of a file write numbers, and codes that mean "no value" there.

    >>> CellFormat(decimal=",", thousands=".").number("1.234,5")
    1234.5
    >>> CellFormat(missing=("-200",)).is_missing("-200.0")
    True
    """

    decimal: str = "."
    thousands: str | None = None
    missing: tuple[str, ...] = ()

    def number(self, cell: str) -> float:
        """Number that a cell holds, 1 or 0 of a truth.

        Raises:
            NoValue: it holds none.
            ValueError: it is text.
        """
        value = self._value(cell)
        if math.isnan(value) or value in self.numbers:
            raise NoValue(cell)
        return value

    def is_missing(self, cell: str) -> bool:
        """True for a cell without a value."""
        try:
            self.number(cell)
        except NoValue:
            return True
        except ValueError:
            return False
        return False

    def is_number(self, cell: str) -> bool:
        """True for a cell that is a number or a truth."""
        try:
            self.number(cell)
        except ValueError:
            return False
        return True

    def is_text(self, cell: str) -> bool:
        """True for a cell that is no number, no truth and not missing."""
        return not self.is_number(cell) and not self.is_missing(cell)

    @cached_property
    def numbers(self) -> frozenset[float]:
        """Codes of a missing value that are numbers."""
        plain = CellFormat(self.decimal, self.thousands)
        return frozenset(plain.number(code) for code in self.missing if plain.is_number(code))

    @cached_property
    def words(self) -> frozenset[str]:
        """Texts of a missing value, in small letters."""
        return MISSING | {code.strip().lower() for code in self.missing}

    @cached_property
    def grouped(self) -> str | None:
        """Pattern of a number with groups of three digits; None where there are none."""
        if self.thousands is None:
            return None
        mark, point = re.escape(self.thousands), re.escape(self.decimal)
        return rf"^[+-]?[1-9][0-9]{{0,2}}({mark}[0-9]{{3}})+({point}[0-9]*)?([eE][+-]?[0-9]+)?$"

    def plain(self, cell: str) -> str:
        """Text of a cell that Python's `float` reads where the cell is a number.

        >>> CellFormat(decimal=",").plain("1,5"), CellFormat().plain("1.5D+02")
        ('1.5', '1.5e+02')
        """
        text = cell
        if self.thousands is not None and self.thousands in text:
            text = text.strip()
            if re.match(self.grouped or "", text):
                text = text.replace(self.thousands, "")
        if self.decimal != ".":
            text = text.replace(".", "_").replace(self.decimal, ".")
        if "D" in text or "d" in text:
            text = re.sub(FORTRAN, FORTRAN_AS_C, text.strip())
        return text

    def _value(self, cell: str) -> float:
        """Number in a cell; NaN of a missing one."""
        text = self.plain(cell)
        try:
            if "_" not in text:
                return float(text)
        except ValueError:
            pass
        word = cell.strip().lower()
        if word in self.words:
            return math.nan
        if word in TRUE or word in FALSE:
            return float(word in TRUE)
        raise ValueError(f"expected a number. Received: {cell!r:.60}.")


PLAIN = CellFormat()


def number_or_hole(cell: str, format: CellFormat = PLAIN) -> float:
    """Number that a cell holds, NaN where it has no value; ValueError for text."""
    try:
        return format.number(cell)
    except NoValue:
        return math.nan


def no_value(column: str, cell: object = None) -> str:
    """Reason why a row is a bad one: a cell without a value.

    >>> no_value("temp", "NA")
    "no value in column 'temp' (NA)."
    """
    said = "" if cell is None else str(cell).strip()
    return f"no value in column {column!r}{f' ({said:.40})' if said else ''}."
