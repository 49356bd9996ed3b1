"""Header and cells of tables of text: which columns there are.

The first line is a header where columns are asked for by name, where none of its cells is a number,
or where it is 0,1,2.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from vae_runtime.rows.names.missing_names import no_such, some

from .cells import PLAIN, CellFormat
from .dialect import Reading
from .headers import (
    Rows,
    is_numbered,
    may_be_names,
    may_be_row,
    tell,
    tell_names_once,
)

SHOWN = 60  # characters of a first line that is told
_BY_NUMBER = (
    "Name each column once in the file; or leave the line of names out and call columns by their "
    "numbers: --header none, with --skiprows LINES up to that line"
)


class ColumnError(ValueError):
    """Error for a missing column, or key, that was asked for by name."""


class ColumnChoice(NamedTuple):
    """Columns of a table to read: `features` become x, None takes all that are not `named`."""

    features: Sequence[str] | None = None
    named: Sequence[str] = ()

    def of(self, header: Sequence[str]) -> tuple[str, ...]:
        """The features of a table with this header."""
        if self.features:
            return tuple(self.features)
        return tuple(name for name in _without_nameless(header) if name not in self.named)


def _without_nameless(header: Sequence[str]) -> Sequence[str]:
    """Names of a header but for an empty one at its begin, of an index, or some at its end."""
    first = int(len(header) > 1 and header[0] == "")
    return header[first : max(len(header) - _nameless_at_end(header), first + 1)]


def _nameless_at_end(header: Sequence[str]) -> int:
    """Number of columns at the end that have no name, as programs for sheets leave them."""
    return len(header) - max((i for i, name in enumerate(header, 1) if name), default=0)


def full_names(header: list[str], below: Rows) -> list[str]:
    """Names of a header, one for each cell of the rows: an index, or an end, may have none."""
    if not below or any(len(row) != len(header) + 1 for row in below):
        return header
    return [*header, ""] if all(not row[-1].strip() for row in below) else ["", *header]


def header_read(
    path: Path,
    first: Sequence[str],
    columns: ColumnChoice,
    below: Rows,
    reading: Reading,
    format: CellFormat = PLAIN,
) -> list[str] | None:
    """Names of columns from the first line as `header_of` says, unless a user says what it is.

    Raises:
        ValueError: a last column has values and no name.
    """
    if reading.header is None and _is_by_number(first, columns, reading):
        header = None
        names = [str(i + 1) for i in range(len(first))]
        check_names(path, names, (*columns.of(names), *columns.named))
    elif reading.header is None:
        header = header_of(path, first, columns, below, format)
    else:
        header = [name.strip() for name in first] if reading.header else None
        names = header or [str(i + 1) for i in range(len(first))]
        check_names(path, names, (*columns.of(names), *columns.named))
    empty = 0 if header is None else _nameless_at_end(header)
    if header is not None and columns.features is None and empty:
        rows = [row for row in below if len(row) == len(header)]
        if any(cell.strip() for row in rows for cell in row[-empty:]):
            check_names(path, header, [""])
    return header


def header_of(
    path: Path,
    first: Sequence[str],
    columns: ColumnChoice,
    below: Rows,
    format: CellFormat = PLAIN,
) -> list[str] | None:
    """Names of columns from the first line of a .csv; None for a first line that is a row.

    Args:
        path: of the file.
        first: cells of the line.
        columns: that are wanted.
        below: cells of the lines below.
        format: of numbers.

    Raises:
        ColumnError: a column that is wanted is not there.
    """
    cells = [format.plain(cell) for cell in first]
    below = [[format.plain(cell) for cell in row] for row in below]
    if columns.features is None and not _is_header(cells, columns.named, below):
        if may_be_names(cells, below):
            tell(path, ",".join(first)[:SHOWN])
        return None
    header = [name.strip() for name in first]
    wanted = (*columns.of(header), *columns.named)
    check_names(path, header, wanted)
    _tell_numbers(path, header, wanted, below)
    return header


def check_names(path: Path, header: Sequence[str], wanted: Sequence[str]) -> None:
    """Raises ValueError where a wanted column is not there, there twice, or has no fit name."""
    if "" in wanted:
        raise ValueError(
            f"{path}: expected a name for each column. Received: none for column "
            f"{header.index('') + 1} of {len(header)}. {_BY_NUMBER}"
        )
    counts = Counter(header)
    missing = [name for name in wanted if not counts[name]]
    if missing:
        raise ColumnError(f"{path}: {no_such('column', missing, header, wanted)}")
    for name in wanted:
        if counts[name] > 1:
            raise ColumnError(
                f"{path}: expected the column {name!r}. Received: several columns of that name in "
                f"{some(header)}. {_BY_NUMBER}"
            )


def no_number(where: str, name: str, cell: str) -> ValueError:
    """Text of the error for a cell that is not a number; `where` begins the sentence."""
    found = repr(cell) if cell.strip() else "an empty cell"
    return ValueError(f"{where}: expected a number in column {name!r}. Received: {found}.")


def _is_by_number(first: Sequence[str], columns: ColumnChoice, reading: Reading) -> bool:
    """True where training called columns by their places, and this file has no such names."""
    wanted = {*(columns.features or ()), *columns.named}
    is_bare = reading.recorded is not None and not reading.recorded.header
    is_named = wanted <= {cell.strip() for cell in first}
    return is_bare and bool(wanted) and all(map(str.isdecimal, wanted)) and not is_named


def _is_header(cells: Sequence[str], named: Sequence[str], below: Rows) -> bool:
    """True for a first line of names: so it is where columns are asked for by name."""
    return bool(named) or not any(map(_is_number, cells)) or is_numbered(cells, below)


def _tell_numbers(path: Path, header: Sequence[str], wanted: Sequence[str], below: Rows) -> None:
    """Warns that a first line that may be a row as well was taken as names."""
    if may_be_row(header, wanted, below):
        tell_names_once(path, ",".join(header)[:SHOWN])


def _is_number(cell: str) -> bool:
    """True for a number, not for a truth: a column may be called No."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell
