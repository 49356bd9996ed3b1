"""First lines of numbers: names of columns, or a row.

pandas writes 0,1,2,3 above the columns of an array. That is a header where there are three columns
or more; of one or two, 0 or 0,1, only where a row below it has a number that is not whole, for else
the line may well be a row. All other lines of numbers are rows; what looks like names is told.
"""

import itertools
import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from vae_runtime.printing import printable

LOOKED_AT = 20  # rows below a first line that show whether it is one of them
SURE = 3  # columns from which on 0,1,2 are no row, whatever is below
ALIKE = 1e-9  # of steps between numbers that rise evenly

Rows = Sequence[Sequence[str]]


def is_numbered(first: Sequence[str], below: Rows) -> bool:
    """Whether a first line numbers the columns from 0, as pandas does.

    Args:
        first: its cells; before the numbers one may be empty, over pandas' index.
        below: the first rows behind it, as many as are known.
    """
    cells = [cell.strip() for cell in first]
    if len(cells) > 1 and cells[0] == "":
        return cells[1:] == [str(i) for i in range(len(cells) - 1)]
    if cells != [str(i) for i in range(len(cells))]:
        return False
    return len(cells) >= SURE or _has_fractions(below)


def may_be_names(first: Sequence[str], below: Rows) -> bool:
    """Whether a first line that is taken as a row looks like names: of years, of numbers.

    Its numbers rise evenly, or they are whole and all differ where those below are not whole.
    """
    cells = [cell.strip() for cell in first]
    whole = all(map(_is_whole, cells))
    if whole and len(set(cells)) == len(cells) and _has_fractions(below):
        return True
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        return False
    steps = [b - a for a, b in itertools.pairwise(values)]
    if whole and steps:
        return set(steps) == {1.0}
    return len(steps) > 1 and steps[0] > 0 and max(steps) - min(steps) <= ALIKE * max(values)


@lru_cache(maxsize=64)  # once for each file, which may be opened several times
def tell(path: Path, first: str) -> None:
    """Says that a first line was taken as a row."""
    logging.getLogger("vae_runtime").warning(
        "%s: the first line, %s, is taken as a row. If it names the columns, take it out: "
        "tail -n +2 FILE > ROWS.csv",
        printable(path),
        printable(first),
    )


def _has_fractions(rows: Rows) -> bool:
    """Whether a row has a number that is not written as a whole one."""
    return any(_is_fraction(cell.strip()) for row in rows for cell in row)


def _is_fraction(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return not _is_whole(cell)


def _is_whole(cell: str) -> bool:
    digits = cell.removeprefix("-").removeprefix("+")
    return digits.isascii() and digits.isdigit()
