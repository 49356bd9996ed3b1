"""First line of a table: below titles, metadata and the like, in lines of text that are split."""

import re
from collections.abc import Sequence

from .cells import CellFormat

STEADY = 10  # rows that show where a table begins
NEARLY = 4  # rows below that line, among which its names may be
MOST_TITLES = 60  # lines above names that are filled up with empty cells
CLOCK = r"\d{1,2}:\d{2}(:\d{2})?([.,]\d+)?( ?(Z|[+-]\d{2}:?\d{2}|[AaPp][Mm]))?"
TIME = re.compile(rf"^(\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d{{1,4}}([ T]{CLOCK})?|{CLOCK})$")


def first_of(rows: list[list[str]], width: int) -> int:
    """Number of the line where a table begins: of its names, or of its first row without names.

    Above it stand titles, addresses of a logger and the like, in lines of other numbers of cells,
    or filled up with empty ones, as by programs for sheets.
    """
    first = next((i for i in range(len(rows)) if _is_steady(rows[i : i + STEADY], width)), 0)
    if first > len(rows) // 2 + 1:
        return 0
    if _is_named(rows[first]):
        return first + (_titles(rows[first:]) or _other_names(rows[first:]))
    if first and _is_named(rows[first - 1]) and len(rows[first - 1]) > 1:
        return first - 1  # names, more or fewer than cells
    nearly = range(first + 1, min(first + 1 + NEARLY, len(rows) - 1))
    return next((i for i in nearly if _is_named(rows[i]) and _is_row(rows[i + 1])), first)


def _is_steady(rows: list[list[str]], width: int) -> bool:
    """True for a row of this width that most of those below it have, too."""
    return len(rows[0]) == width and 2 * sum(len(row) == width for row in rows) > len(rows)


def _titles(rows: list[list[str]]) -> int:
    """Number of lines above the names that are filled up with empty cells; 0 where none are."""
    for i, row in enumerate(rows[: 1 + MOST_TITLES]):
        inner = row[1:-1] if len(row) > 2 else row
        if all(map(str.strip, inner)):
            is_table = _is_named(row) and i + 1 < len(rows) and _is_row(rows[i + 1])
            return i if is_table else 0
    return 0


def _other_names(rows: list[list[str]]) -> int:
    """Number of lines above the names where names and one line of values describe the file."""
    if len(rows) <= NEARLY or not _is_row(rows[1]) or not _is_row(rows[3]):
        return 0
    names = [cell.strip() for cell in rows[2] if cell.strip()]
    is_other = len(names) > 2 and rows[2] != rows[0] and len({*names}) == len(names)
    return 2 * (is_other and _is_named(rows[2]) and all(map(CellFormat().is_text, names)))


def _is_named(row: Sequence[str]) -> bool:
    """True for cells that may be names: some text, and nothing that is a number or a time."""
    filled = [cell for cell in map(str.strip, row) if cell]
    return bool(filled) and not any(map(is_typed_cell, filled))


def _is_row(row: Sequence[str]) -> bool:
    """True for cells among which are numbers or times."""
    return any(is_typed_cell(cell.strip()) for cell in row)


def is_number(cell: str, format: CellFormat) -> bool:
    """True for a number, whose decimal comma has digits behind it: `1,` is a list."""
    return not cell.endswith(",") and format.is_number(cell)


def is_typed_cell(cell: str) -> bool:
    """True for a number, with any mark before its fraction, or a time."""
    return any(is_number(cell, CellFormat(mark)) for mark in ".,") or bool(TIME.match(cell))
