"""Table of the columns for a terminal, a line a column, of 100 characters at most."""

import unicodedata
from collections.abc import Sequence

from vae_keras.survey.records import CATEGORY, COUNTER, RECORDING, TEXT, TIME, Column, Survey
from vae_keras.survey.words import number, share
from vae_runtime._base.printable import printable

from .sparklines import BARS, sparkline

WIDTHS = (26, 9, 24, 8, 8)  # of name, kind, range, missing and distinct; the sparkline is last
HEADER = ("column", "kind", "range", "missing", "values")
MOST_LINES = 60


def table(survey: Survey, *, bars: str = BARS) -> list[str]:
    """Lines of the table.

    Args:
        survey: of a table.
        bars: characters of the sparklines, from low to high.
    """
    shown = survey.columns[:MOST_LINES]
    lines = [_line(HEADER, ""), *(_row(column, bars) for column in shown)]
    if len(survey.columns) > len(shown):
        lines.append(f"and {len(survey.columns) - len(shown):,} more columns: --json has them all")
    return lines


def range_of(column: Column) -> str:
    """Range of a column's numbers, or the first of its texts."""
    if column.words and column.kind in (CATEGORY, RECORDING, TEXT, COUNTER):
        return ", ".join(column.words)
    if column.kind == TIME or column.low is None or column.high is None:
        return column.why
    if column.low == column.high:
        return number(column.low)
    return f"{number(column.low)} to {number(column.high)}"


def _row(column: Column, bars: str) -> str:
    absent = share(column.missing + sum(column.strange.values()), column.rows)
    codes = ",".join(f"{code.value:g}" for code in column.codes)
    ranged = range_of(column) + (f", {codes}?" if codes else "")
    different = "many" if column.distinct is None else f"{column.distinct:,}"
    cells = (column.name or "(no name)", column.kind, ranged, absent, different)
    return _line(cells, sparkline(column.sample, bars=bars))


def _line(cells: Sequence[str], last: str) -> str:
    fitted = [_fit(cell, width) for cell, width in zip(cells, WIDTHS, strict=True)]
    return f"{' '.join(fitted)} {last}".rstrip()


def _fit(text: str, width: int) -> str:
    """A text of just so many places on a terminal, cut with three dots where it is longer."""
    text = printable(text)
    if places(text) > width:
        kept = ""
        for c in text:
            if places(kept + c) > width - 3:
                break
            kept += c
        text = f"{kept}..."
    return text + " " * (width - places(text))


def places(text: str) -> int:
    """Places that a text takes on a terminal: two for wide characters, none for accents."""
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )
