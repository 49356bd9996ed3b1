"""Header and cells of tables of text: which columns there are, and what is a number.

The first line is a header where columns are asked for by name, where none of its cells is a number,
or where it is 0,1,2.
"""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from vae_runtime.bundle.texts import check_texts

from .headers import (
    Rows,
    is_numbered,
    may_be_names,
    may_be_row,
    tell,
    tell_names_once,
)
from .missing_names import no_such, some

SHOWN = 60  # characters of a first line that is told
MISSING = frozenset(("", "na", "n/a", "nan", "null", "none"))  # how programs write "no value"


class ColumnError(ValueError):
    """Error for a missing column, or key, that was asked for by name."""


class ColumnChoice(NamedTuple):
    """Columns of a table to read: `features` become x, None takes all that are not `named`."""

    features: Sequence[str] | None = None
    named: Sequence[str] = ()

    def of(self, header: Sequence[str]) -> tuple[str, ...]:
        """The features of a table with this header."""
        return tuple(self.features or (name for name in header if name not in self.named))


def header_of(
    path: Path, first: Sequence[str], columns: ColumnChoice, below: Rows
) -> list[str] | None:
    """Names of columns from the first line of a .csv; None for a first line that is a row.

    Raises:
        ValueError: it has other marks than commas between cells.
        ColumnError: a column that is wanted is not there.
    """
    if len(first) == 1 and any(mark in first[0] for mark in ";\t|"):
        raise ValueError(f"{path}: expected commas between cells. Received: {first[0][:60]!r}.")
    if columns.features is None and not _is_header(first, columns.named, below):
        if may_be_names(first, below):
            tell(path, ",".join(first)[:SHOWN])
        return None
    header = [name.strip() for name in first]
    wanted = (*columns.of(header), *columns.named)
    check_names(path, header, wanted)
    _tell_numbers(path, header, wanted, below)
    return header


def check_names(path: Path, header: Sequence[str], wanted: Sequence[str]) -> None:
    """Raises ValueError where a wanted column is not there, there twice, or has no fit name."""
    check_texts(tuple(wanted), f"{path}: names of columns")  # a bundle will have to say them
    if "" in wanted:
        raise ValueError(
            f"{path}: expected a name for each column. Received: none for column "
            f"{header.index('') + 1} of {len(header)}; if it is an index of the rows, leave it out."
        )
    counts = Counter(header)
    missing = [name for name in wanted if not counts[name]]
    if missing:
        raise ColumnError(f"{path}: {no_such('column', missing, header, wanted)}")
    for name in wanted:
        if counts[name] > 1:
            raise ColumnError(
                f"{path}: expected the column {name!r}. Received: several columns of that name in "
                f"{some(header)}."
            )


def number(text: str, missing: bool = False) -> float:
    """Number that a cell holds; ValueError for anything else."""
    if missing and text.strip().lower() in MISSING:
        return math.nan
    if "_" in text:
        raise ValueError("1_000 is a number in Python, but not in a table")
    return float(text)


def no_number(where: str, name: str, cell: str) -> ValueError:
    """Text of the error for a cell that is not a number; `where` begins the sentence."""
    found = repr(cell) if cell.strip() else "an empty cell"
    return ValueError(f"{where}: expected a number in column {name!r}. Received: {found}.")


def _is_header(cells: Sequence[str], named: Sequence[str], below: Rows) -> bool:
    """True for a first line of names: so it is where columns are asked for by name."""
    return bool(named) or not any(map(_is_number, cells)) or is_numbered(cells, below)


def _tell_numbers(path: Path, header: Sequence[str], wanted: Sequence[str], below: Rows) -> None:
    """Warns that a first line that may be a row as well was taken as names."""
    if may_be_row(header, wanted, below):
        tell_names_once(path, ",".join(header)[:SHOWN])


def is_text(cell: str) -> bool:
    """True for a cell that holds neither a number nor a word for no value."""
    return not _is_number(cell) and cell.strip().lower() not in MISSING


def _is_number(text: str) -> bool:
    try:
        number(text)
    except ValueError:
        return False
    return True
