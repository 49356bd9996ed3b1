"""Reader of text tables of numbers; its errors name line and column.

They are in any dialect, with blank lines anywhere. The first line is a header where columns are
asked for by name, where none of its cells is a number, or where it is 0,1,2.
"""

import io
import itertools
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle.records import Dialect
from vae_runtime.bundle.texts import check_texts

from .cells import CellFormat, number_or_hole
from .csv_rows import Lines, OpenQuote, csv_rows
from .dialect import Reading, cell_format, open_dialect
from .headers import (
    LOOKED_AT,
    Rows,
    is_numbered,
    may_be_names,
    may_be_row,
    tell,
    tell_index,
    tell_names_once,
)
from .missing_names import no_such, some
from .recognition import is_comment, tabbed
from .text_files import open_text

Numbered = Iterator[tuple[int, list[str]]]  # number of its first line in the file, cells

SHOWN = 60  # characters of a first line that is told


class CellError(ValueError):
    """Error for a cell that is not a number where one is expected."""


class ColumnError(ValueError):
    """Error for a missing column, or key, that was asked for by name."""


class ColumnChoice(NamedTuple):
    """Columns of a table to read, by their purpose.

    `features` become x, in this order; None takes all that are not named otherwise. `label` becomes
    y. `extra` are read to be looked at, text without blanks around; `kept` to be passed through, as
    they are to the character and with the types of the file. Where `missing` is set, a cell without
    a value is NaN; else it is an error.
    """

    features: Sequence[str] | None = None
    label: str | None = None
    extra: Sequence[str] = ()
    missing: bool = False
    kept: Sequence[str] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """The label, if there is one, the extra columns, and those that are kept; each once."""
        label = () if self.label is None else (self.label,)
        return tuple(dict.fromkeys((*label, *self.extra, *self.kept)))

    def of(self, header: Sequence[str]) -> tuple[str, ...]:
        """The features of a table with this header."""
        if self.features:
            return tuple(self.features)
        return tuple(name for name in _without_nameless(header) if name not in self.named)


def _without_nameless(header: Sequence[str]) -> Sequence[str]:
    """Names of a header but for an empty one at its begin, of an index, or at its end."""
    first = int(len(header) > 1 and header[0] == "")
    last = len(header) - int(len(header) > 1 + first and header[-1] == "")
    return header[first:last]


def full_names(header: list[str], below: Rows) -> list[str]:
    """Names of a header, one for each cell of the rows: an index, or an end, may have none."""
    if not below or any(len(row) != len(header) + 1 for row in below):
        return header
    return [*header, ""] if all(not row[-1].strip() for row in below) else ["", *header]


class Table(NamedTuple):
    """Columns that were read.

    x is (rows, columns), y (rows,) or None; `names` are those of x's columns, None where a table
    has none; `extra` has the extra columns by name, each (rows,), `kept` those that are kept; of
    Parquet, these are as pyarrow has them.
    """

    x: NDArray[Any]
    y: NDArray[Any] | None
    names: tuple[str, ...] | None
    extra: Mapping[str, NDArray[Any]]
    kept: Mapping[str, Any] = {}


def read_csv(path: Path, columns: ColumnChoice, reading: Reading) -> Table:
    """Reads a text table as a `Table` of float64, its extra columns as text."""
    dialect = open_dialect(path, reading)
    format = cell_format(dialect)
    with _open(path, dialect) as lines:
        first = next(lines, None)
        if first is None:
            raise ValueError(f"{path}: expected rows of numbers. Received: an empty file.")
        ahead = list(itertools.islice(lines, LOOKED_AT))
        lines = itertools.chain(ahead, lines)
        below = [cells for _, cells in ahead]
        header = header_read(path, first[1], columns, below, reading)
        if header is None:
            return _read_without_header(path, first, lines, columns, format)
        names = full_names(header, below[dialect.units :])
        if names[0] == "" and columns.features is None:
            tell_index(path)
        return _parse(path, itertools.islice(lines, dialect.units, None), names, columns, format)


def header_read(
    path: Path, first: Sequence[str], columns: ColumnChoice, below: Rows, reading: Reading
) -> list[str] | None:
    """Names of columns from the first line as `header_of` says, unless a user says what it is.

    Raises:
        ValueError: a last column has values and no name.
    """
    if reading.header is None:
        header = header_of(path, first, columns, below)
    else:
        header = [name.strip() for name in first] if reading.header else None
        names = header or [str(i + 1) for i in range(len(first))]
        check_names(path, names, (*columns.of(names), *columns.named))
    if header is not None and columns.features is None and not header[-1]:
        if any(len(row) == len(header) and row[-1].strip() for row in below):
            check_names(path, header, [""])
    return header


def header_of(
    path: Path, first: Sequence[str], columns: ColumnChoice, below: Rows
) -> list[str] | None:
    """Names of columns from the first line of a .csv; None for a first line that is a row.

    Raises:
        ColumnError: a column that is wanted is not there.
    """
    if columns.features is None and not _is_header(first, columns.named, below):
        if may_be_names(first, below):
            tell(path, ",".join(first)[:SHOWN])
        return None
    header = [name.strip() for name in first]
    wanted = (*columns.of(header), *columns.named)
    check_names(path, header, wanted)
    _tell_numbers(path, header, wanted, below)
    return header


def csv_columns(
    path: Path,
    named: Sequence[str],
    reading: Reading = Reading(),  # noqa: B008 - immutable
) -> dict[str, bool]:
    """Columns of a text table but for those named, each with True where it holds numbers alone."""
    dialect = open_dialect(path, reading)
    format = cell_format(dialect)
    with _open(path, dialect) as lines:
        _, first = next(lines, (0, []))
        ahead = list(itertools.islice(lines, LOOKED_AT))
        is_header = _is_header(first, named, [cells for _, cells in ahead])
        if not (is_header if reading.header is None else reading.header):
            raise ValueError(
                f"{path}: expected a first line of names, to tell columns apart by. Received: "
                f"{', '.join(first)[:60]}."
            )
        header, text = [name.strip() for name in first], set[int]()
        _tell_numbers(path, header, header, [cells for _, cells in ahead])
        header = full_names(header, [cells for _, cells in ahead[dialect.units :]])
        for _, cells in itertools.islice(itertools.chain(ahead, lines), dialect.units, None):
            text.update(i for i, cell in enumerate(cells) if i not in text and format.is_text(cell))
    wanted = ColumnChoice(extra=named).of(header)
    return {name: i not in text for i, name in enumerate(header) if name in wanted}


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


def no_number(where: str, name: str, cell: str) -> CellError:
    """Text of the error for a cell that is not a number; `where` begins the sentence."""
    found = repr(cell) if cell.strip() else "an empty cell"
    return CellError(f"{where}: expected a number in column {name!r}. Received: {found}.")


@contextmanager
def _open(path: Path, dialect: Dialect) -> Iterator[Numbered]:
    try:
        rows = Lines(_text_lines(path, dialect))
        sep = "\t" if dialect.sep == " " else dialect.sep
        yield ((rows.first, cells) for cells in csv_rows(rows, sep=sep) if cells)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: expected text in utf-8. Received: {error}. Say what it is in: --encoding "
            "latin-1, cp1252, utf-16-le or utf-16-be."
        ) from error
    except OpenQuote as error:
        raise ValueError(f"{path}: {error.message()}") from error


def _text_lines(path: Path, dialect: Dialect) -> Iterator[str]:
    """Lines of a text: blank ones for those left out, tabs for blanks between cells."""
    with open_text(path, dialect.encoding) as file:
        content = b"".join(iter(lambda: file.read(2**20), b""))
    for i, line in enumerate(io.StringIO(content.decode("utf-8-sig"), newline="")):
        if i < dialect.skiprows or is_comment(line, dialect.comment):
            yield "\n"
        else:
            yield tabbed(line) + "\n" if dialect.sep == " " else line


def _is_header(cells: Sequence[str], named: Sequence[str], below: Rows) -> bool:
    """True for a first line of names: so it is where columns are asked for by name."""
    return bool(named) or not any(map(_is_number, cells)) or is_numbered(cells, below)


def _tell_numbers(path: Path, header: Sequence[str], wanted: Sequence[str], below: Rows) -> None:
    """Warns that a first line that may be a row as well was taken as names."""
    if may_be_row(header, wanted, below):
        tell_names_once(path, ",".join(header)[:SHOWN])


def _read_without_header(
    path: Path,
    first: tuple[int, list[str]],
    lines: Numbered,
    columns: ColumnChoice,
    format: CellFormat,
) -> Table:
    numbered = [str(i + 1) for i in range(len(first[1]))]
    table = _parse(path, itertools.chain([first], lines), numbered, columns, format)
    return table._replace(names=None)


def _parse(
    path: Path, lines: Numbered, header: list[str], columns: ColumnChoice, format: CellFormat
) -> Table:
    """Parses the wanted columns of all lines."""
    names, label = columns.of(header), [] if columns.label is None else [columns.label]
    numbers = [header.index(name) for name in (*names, *label)]
    texts = {i: list[str]() for i in map(header.index, (*columns.extra, *columns.kept))}
    values, rows = array("d"), 0
    read = partial(number_or_hole, format=format) if columns.missing else format.number
    for line, cells in lines:
        if len(cells) != len(header):
            raise ValueError(
                f"{path}, line {line}: expected {len(header)} cells. Received: {len(cells)}."
            )
        for i in numbers:
            try:
                values.append(read(cells[i]))
            except ValueError as error:
                raise no_number(f"{path}, line {line}", header[i], cells[i]) from error
        for i, column in texts.items():
            column.append(cells[i])
        rows += 1
    if not rows:
        raise ValueError(f"{path}: expected rows of numbers. Received: a header alone.")
    table = np.array(values).reshape(rows, len(numbers))
    y = table[:, -1] if label else None
    found = {header[i]: np.array(column) for i, column in texts.items()}
    extra = {name: np.char.strip(found[name]) for name in columns.extra}
    kept = {name: found[name] for name in columns.kept}
    return Table(table[:, : len(names)], y, names, extra, kept)


def _is_number(cell: str) -> bool:
    """True for a number, not for a truth: a column may be called No."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell
