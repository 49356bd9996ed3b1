"""Blocks of text tables as numbers, quickly, where the answer is that of `cells.CellFormat`.

Both parsers here know fewer ways to write a number than Python does, and no wrong rows: where they
refuse, the block is read cell by cell. pyarrow's is several times as fast as numpy's, and lets
other threads run; where a column has truths, groups of thousands or blanks around words, it reads
the columns as text and turns each into numbers as a whole.
"""

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.libraries import find
from vae_runtime.rows.text.cells import FALSE, FORTRAN, FORTRAN_AS_C, PLAIN, TRUE, CellFormat


class Cells(NamedTuple):
    """Cells to read of each row.

    Args:
        width: how many cells a row has.
        numbers: at which places those of x are.
        texts: at which places those are that are kept as text.
        sep: the character between cells.
        format: how numbers are written.
    """

    width: int
    numbers: Sequence[int]
    texts: Sequence[int]
    sep: str = ","
    format: CellFormat = PLAIN


# x (rows, numbers), NaN where there is no value; and each column of text
Found = tuple[NDArray[np.float64], list[list[str]]]


def parse(block: bytes, cells: Cells, rows: int) -> Found | None:
    """All rows of a block; None where some may be wrong, or written in unusual ways."""
    if b"\0" in block:
        return None
    parse_by = parse_by_numpy if find("pyarrow.csv") is None else parse_by_arrow
    found = parse_by(block, cells, rows)
    if found is not None and cells.format.numbers:
        found[0][np.isin(found[0], list(cells.format.numbers))] = np.nan
    return found


def parse_by_arrow(block: bytes, cells: Cells, rows: int) -> Found | None:
    """Parses a block by pyarrow; see `parse`."""
    if b"(" in block:
        return None  # nan(1) is a number there
    table = None
    if cells.format.thousands is None:
        table = _arrow_table(block, cells, as_text=False)
    x = np.empty((rows, len(cells.numbers)))
    if table is not None:
        if table.num_rows != rows:
            return None
        for j, i in enumerate(cells.numbers):
            x[:, j] = table[str(i)].to_numpy()
    else:
        table = _arrow_table(block, cells, as_text=True)
        if table is None or table.num_rows != rows:
            return None
        for j, i in enumerate(cells.numbers):
            column = numbers_of_text(table[str(i)], cells.format)
            if column is None:
                return None
            x[:, j] = column
    return x, [table[str(i)].to_pylist() for i in cells.texts]


def numbers_of_text(column: Any, format: CellFormat) -> NDArray[np.float64] | None:
    """A column of pyarrow's text as numbers, NaN where there is no value; None where one is text.

    Only of what pyarrow reads as a number; others may still be one to `CellFormat`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_trim_whitespace(column)
    word = pc.utf8_lower(text)
    text = pc.if_else(pc.is_in(word, pa.array(sorted(format.words))), None, text)
    if format.thousands is not None:
        grouped = pc.match_substring(text, format.thousands)
        right = pc.match_substring_regex(text, format.grouped)
        if pc.any(pc.and_not(grouped, right)).as_py():
            return None
        text = pc.replace_substring(text, format.thousands, "")
    if format.decimal != ".":
        if pc.any(pc.match_substring(text, ".")).as_py():
            return None
        text = pc.replace_substring(text, format.decimal, ".")
    text = pc.if_else(pc.is_in(word, pa.array(sorted(TRUE))), "1", text)
    text = pc.if_else(pc.is_in(word, pa.array(sorted(FALSE))), "0", text)
    if pc.any(pc.match_substring_regex(text, "[dD]")).as_py():
        text = pc.replace_substring_regex(text, FORTRAN, FORTRAN_AS_C)
    try:
        numbers: NDArray[np.float64] = text.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    return numbers


def parse_by_numpy(block: bytes, cells: Cells, rows: int) -> Found | None:
    """Parses a block by numpy; see `parse`.

    None where text is wanted: numpy has no good way to read it beside numbers.
    """
    format = cells.format
    if cells.texts or b'"' in block or not rows or format.thousands is not None:
        return None
    if format.decimal != ".":
        if b"." in block or cells.sep == "." or len(format.decimal.encode()) != 1:
            return None
        block = block.replace(format.decimal.encode(), b".")
    kinds = [(str(i), "f8" if i in cells.numbers else "U1") for i in range(cells.width)]
    dtype: Any = np.float64 if len(cells.numbers) == cells.width else np.dtype(kinds)
    ndmin: Literal[1, 2] = 2 if dtype is np.float64 else 1
    text = io.BytesIO(block)
    try:
        found = np.loadtxt(text, dtype, None, cells.sep, ndmin=ndmin, encoding="utf-8")
    except ValueError:
        return None
    if len(found) != rows:
        return None
    if dtype is np.float64:
        return (found[:, list(cells.numbers)], []) if found.shape[1] == cells.width else None
    return np.stack([found[str(i)] for i in cells.numbers], 1), []


def _arrow_table(block: bytes, cells: Cells, *, as_text: bool) -> Any:
    """The wanted columns of a block as pyarrow reads them; None where it refuses."""
    import pyarrow as pa
    from pyarrow import csv

    names = [str(i) for i in range(cells.width)]
    kinds = {names[i]: pa.string() if as_text else pa.float64() for i in cells.numbers}
    kinds |= {names[i]: pa.string() for i in cells.texts}
    try:
        return csv.read_csv(
            pa.BufferReader(block),
            csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=names),
            csv.ParseOptions(delimiter=cells.sep),
            csv.ConvertOptions(
                column_types=kinds,
                include_columns=list(kinds),
                null_values=_spellings(cells.format),
                decimal_point=cells.format.decimal,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None


@lru_cache(maxsize=16)
def _spellings(format: CellFormat) -> list[str]:
    """Usual spellings of a missing value."""
    words = (*format.words, *(code.strip() for code in format.missing))
    return sorted({w for word in words for w in (word, word.upper(), word.capitalize())})
