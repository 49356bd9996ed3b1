"""First lines of numbers, which may be names of columns or a row.

pandas writes 0,1,2,3 above an array. Of one or two columns, 0 or 0,1, that is a header only where a
number below is not whole: else it may well be a row. Other lines of numbers are rows, and told; but
where columns of such names are asked for, they are names, and told if they may be a row.
"""

import itertools
import logging
import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from vae_runtime._base.printable import printable

LOOKED_AT = 20  # rows below a first line that show whether it is one of them
SURE = 3  # columns from which on 0,1,2 are no row, whatever is below

Rows = Sequence[Sequence[str]]


def is_numbered(first: Sequence[str], below: Rows) -> bool:
    """True for a first line that numbers columns from 0; an empty first cell is over an index."""
    cells = [cell.strip() for cell in first]
    is_index = len(cells) > 1 and not cells[0]
    cells = cells[is_index:]
    is_counted = cells == [str(i) for i in range(len(cells))]
    return is_counted and (is_index or len(cells) >= SURE or _has_fractions(below))


def may_be_names(first: Sequence[str], below: Rows) -> bool:
    """True for numbers that rise evenly, or are whole and all differ while those below are not."""
    cells = [cell.strip() for cell in first]
    whole = all(map(_is_whole, cells))
    if whole and len(set(cells)) == len(cells) and _has_fractions(below):
        return True
    steps = [b - a for a, b in itertools.pairwise(map(_value, cells))]
    if whole:
        return set(steps) == {1.0}
    return len(steps) > 1 and steps[0] > 0 and all(math.isclose(s, steps[0]) for s in steps)


def may_be_row(first: Sequence[str], names: Sequence[str], below: Rows) -> bool:
    """True where a first line that was taken as names may be a row: all wanted cells are numbers.

    So it is of features 0 and 1 above a first row 1,0. What is text only in the first line, as id
    above whole numbers, shows that it is names.
    """
    if not all(map(_is_number, names)) or is_numbered(first, below):
        return False
    texts = [i for i, cell in enumerate(first) if not _is_number(cell)]
    rows = [row for row in below if len(row) == len(first)]
    return all(any(not _is_number(row[i]) for row in rows) for i in texts)


def tell_names(where: Path | str, first: str) -> None:
    """Warns that a first line of numbers was taken as names, as columns of these are wanted."""
    logging.getLogger("vae_runtime").warning(
        "%s: the first line, %s, is taken as names, as columns are called so. If it is a row, put "
        "names above it: (echo NAMES; cat FILE) > ROWS.csv",
        printable(where),
        printable(first),
    )


@lru_cache(maxsize=64)  # once for each file, which may be opened several times
def tell(path: Path, first: str) -> None:
    """Warns that a first line was taken as a row."""
    logging.getLogger("vae_runtime").warning(
        "%s: the first line, %s, is taken as a row. If it is names, take it out: "
        "tail -n +2 FILE > ROWS.csv",
        printable(path),
        printable(first),
    )


@lru_cache(maxsize=64)
def tell_index(path: Path) -> None:
    """Warns that a first column without a name is left out."""
    logging.getLogger("vae_runtime").warning(
        "%s: the first column has no name: it is taken as an index of the rows, and left out. If "
        "it is a sensor, name it in the first line.",
        printable(path),
    )


@lru_cache(maxsize=64)
def tell_comment(path: Path, line: str) -> None:
    """Warns that names of columns are those of a comment."""
    logging.getLogger("vae_runtime").warning(
        "%s: the columns are called as the comment above the rows says: %s",
        printable(path),
        printable(line),
    )


@lru_cache(maxsize=64)
def tell_again(path: Path) -> None:
    """Warns that the line of names is in a file more than once, as after a restart."""
    logging.getLogger("vae_runtime").warning(
        "%s: the line of names comes again between the rows, as after a restart: left out there",
        printable(path),
    )


tell_names_once = lru_cache(maxsize=64)(tell_names)  # of each file


def _has_fractions(rows: Rows) -> bool:
    return any(_is_fraction(cell.strip()) for row in rows for cell in row)


def _is_fraction(cell: str) -> bool:
    return not _is_whole(cell) and (not math.isnan(_value(cell)) or cell.lower() == "nan")


def _is_number(cell: str) -> bool:
    return not math.isnan(_value(cell)) or cell.strip().lower() in ("", "nan")


def _is_whole(cell: str) -> bool:
    return cell.lstrip("-+").isdecimal()


def _value(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan
