"""Layout of a text table: names of the columns, and where the rows begin.

Names stand in the first line; in a comment right above the rows (# time temp); or nowhere. A line
of names that comes again between the rows, as a logger writes it after a restart, is no row.
"""

import csv
import itertools
from functools import partial
from pathlib import Path
from typing import NamedTuple

from vae_runtime.bundle.records import Dialect
from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.names.missing_names import some
from vae_runtime.rows.text.csv_rows import OpenQuote
from vae_runtime.rows.text.dialect import HEAD, cell_format, open_dialect
from vae_runtime.rows.text.headers import LOOKED_AT, tell_comment, tell_index
from vae_runtime.rows.text.line_limit import longest_line
from vae_runtime.rows.text.recognition import is_comment, split_blanks, split_wide
from vae_runtime.rows.text.tables import ColumnChoice, check_names, full_names, header_read
from vae_runtime.rows.text.text_files import open_text, skip

from .csv_bounds import Row, cell_mark, cleaned, rows_of, size_of_lines, take_rows
from .csv_fast import Cells
from .ranges import Begin, Take, Text, after_mark, blocks_in, check_utf8

LONGEST_TOP = 2**20  # bytes of the lines above a table
SURE = 3  # rows that show how many cells a row has
SHOWN = 60  # characters of a line that is told


class Layout(NamedTuple):
    """Layout of a file: names of the columns, which cells to read, and where the rows begin.

    Without a line of names, columns are called 1, 2, ... `again` is the line of names as it is, to
    be left out where it comes again.
    """

    header: list[str]
    cells: Cells
    begin: Begin
    dialect: Dialect
    take: Take
    has_names: bool
    again: bytes | None = None


class Top(NamedTuple):
    """First rows of a table.

    Args:
        begin: of the table, behind the byte order mark and lines that are skipped.
        rows: that are not blank; their `size` and `lines` count from there.
        lines: as they are, of the first row and of comments and blank lines above it.
    """

    begin: Begin
    rows: list[Row]
    lines: list[str]

    @property
    def first(self) -> list[str]:
        """Cells of the first row, maybe names."""
        return self.rows[0].cells

    @property
    def below(self) -> list[list[str]]:
        """Cells of the other rows."""
        return [row.cells for row in self.rows[1:]]


def layout_of(path: Path, wanted: Wanted) -> Layout:
    """Finds the layout of a file; ColumnError where a column is not there."""
    if wanted.shape is not None and len(wanted.shape) != 1:
        raise ValueError(
            f"{path}: expected rows of shape {wanted.shape}. Received: a .csv file, whose rows are "
            "flat. Give them as .npy."
        )
    dialect = open_dialect(path, wanted.reading)
    top = _top(path, dialect, wanted)
    columns = ColumnChoice(wanted.features, wanted.named)
    found = _in_comment(path, dialect, columns, top, wanted)
    names, begin, again = found or _in_first_line(path, dialect, columns, top, wanted)
    header = names or [str(i + 1) for i in range(len(top.first))]
    numbers = [header.index(name) for name in columns.of(header)]
    if wanted.shape is not None and len(numbers) != wanted.shape[0]:
        raise ValueError(f"{path}: expected {wanted.shape[0]} columns. Received: {len(numbers)}.")
    places = [header.index(name) for name in wanted.named]
    cells = Cells(len(header), numbers, places, cell_mark(dialect), cell_format(dialect))
    take = partial(take_rows, dialect=dialect, again=again)
    return Layout(header, cells, begin, dialect, take, names is not None, again)


Names = tuple[list[str] | None, Begin, bytes | None]  # names, where rows begin, the line as it is


def _in_comment(
    path: Path, dialect: Dialect, columns: ColumnChoice, top: Top, wanted: Wanted
) -> Names | None:
    """Names in the last comment above rows that have none themselves."""
    if dialect.comment is None or dialect.header or wanted.reading.header is not None:
        return None
    said = [line.strip() for line in top.lines[:-1] if is_comment(line, dialect.comment)]
    line = said[-1].lstrip(f"{dialect.comment} \t") if said else ""
    each = (_split(line, dialect), split_wide(line))
    names = next((cells for cells in each if len(cells) == len(top.first)), [])
    format = cell_format(dialect)
    if not names or not all(map(str.strip, names)) or any(map(format.is_number, names)):
        return None
    names = [name.strip() for name in names]
    check_names(path, names, (*columns.of(names), *columns.named))
    tell_comment(path, line[:SHOWN])
    return names, top.begin, None


def _in_first_line(
    path: Path, dialect: Dialect, columns: ColumnChoice, top: Top, wanted: Wanted
) -> Names:
    """Names in the first line, which is a row where it holds none."""
    format, first = cell_format(dialect), _with_blanks(top, dialect) or top.first
    header = header_read(path, first, columns, top.below, wanted.reading, format)
    if header is None:
        return None, top.begin, None
    last = (top.rows[dialect.units :] or top.rows)[0]
    below = top.below[dialect.units :]
    names = full_names(header, below)
    if names[0] == "" and (len(names) > len(header) or columns.features is None):
        tell_index(path)
    _check_width(path, names, below, top.begin.lines + top.rows[0].lines)
    begin = Begin(top.begin.size + last.size, top.begin.lines + last.lines)
    is_text = not any(format.is_number(cell) for cell in header)
    return names, begin, top.lines[-1].strip().encode() if is_text else None


def _with_blanks(top: Top, dialect: Dialect) -> list[str] | None:
    """Names that have single blanks in them, between columns that have several."""
    widths = {len(row) for row in top.below[dialect.units :]}
    if dialect.sep != " " or len(widths) != 1 or len(top.first) in widths:
        return None
    names = split_wide(top.lines[-1])
    return names if len(names) in widths else None


def _check_width(path: Path, names: list[str], below: list[list[str]], line: int) -> None:
    """Refuses names that are not as many as the cells of all rows below them."""
    widths = {len(row) for row in below}
    if len(below) < SURE or len(widths) > 1 or len(names) in widths:
        return
    (width,) = widths
    raise ValueError(
        f"{path}: expected as many names as cells. Received: {len(names)} names in line {line} "
        f"({some(names)}), and rows of {width} cells. Put quotes around a name that holds the "
        "mark between cells; or leave the names out, and call columns by their numbers: "
        f"--skiprows {line} --header none."
    )


def _split(line: str, dialect: Dialect) -> list[str]:
    if dialect.sep == " ":
        return split_blanks(line)
    return next(csv.reader([line], delimiter=dialect.sep), [])


def _top(path: Path, dialect: Dialect, wanted: Wanted) -> Top:
    """Reads the first rows of one block that are not blank, to tell whether there is a header."""
    text = Text(path, dialect.encoding)
    begin = _begin(text, dialect)
    size = lines = 0
    longest = longest_line(wanted.shape)
    take = partial(take_rows, dialect=dialect)
    for block, taken in blocks_in(text, begin.size, take, size=HEAD, longest=longest):
        check_utf8(path, block)
        clean = cleaned(block, dialect)
        rows = (row for row in rows_of(clean, sep=cell_mark(dialect)) if row.cells)
        try:
            found = list(itertools.islice(rows, 1 + LOOKED_AT))
        except OpenQuote as error:
            raise ValueError(f"{path}: {error.message(begin.lines + lines)}") from error
        if found:
            at = [r.size if clean is block else size_of_lines(block, r.lines) for r in found]
            raw = block[: at[0]].decode().splitlines()
            rows_found = [
                Row(r.cells, size + s, lines + r.lines) for r, s in zip(found, at, strict=True)
            ]
            return Top(begin, rows_found, raw)
        size, lines = size + taken.size, lines + taken.lines
    raise ValueError(f"{path}: expected rows of numbers. Received: an empty file.")


def _begin(text: Text, dialect: Dialect) -> Begin:
    """Position behind the byte order mark and the lines that are skipped."""
    mark = after_mark(text.path, text.encoding)
    if not dialect.skiprows:
        return Begin(mark, 0)
    with open_text(text.path, text.encoding) as file:
        skip(file, mark)
        size = size_of_lines(file.read(LONGEST_TOP), dialect.skiprows)
    return Begin(mark + size, dialect.skiprows)
