"""Results as text: .csv, as for a table that is written at once, and .jsonl."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vae_runtime.batch.columns import check_text, flat
from vae_runtime.batch.parts import Columns

from .cells import CSV, JSON, Style, cells, pieces
from .digits import Texts, is_numbers, joined

VALUES = 2**18  # that become text at a time, in some 10 MB


class CsvWriter:
    """Comma-separated values with a header line; the file is empty where no row is written.

    A column (rows, n) becomes `name_0`, `name_1`, ...; truths are 0 and 1; no value is an empty
    cell, beside which empty text is "". A float is as short as it can be to read back the same.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, path.open("w", encoding="utf-8", newline="")
        self._is_begun = False

    def write(self, columns: Columns) -> None:
        """Adds rows."""
        columns = flat(columns)
        check_text(columns, self._path)
        if not self._is_begun:
            csv.writer(self._file, lineterminator="\n").writerow(columns)
            self._is_begun = True
        if all(map(is_numbers, columns.values())):
            before = ["", *[","] * (len(columns) - 1)]
            self._file.writelines(lines(before, columns, "\n", CSV))
        else:
            rows = _rows(columns, CSV, self._path)
            self._file.writelines((",".join(row) or '""') + "\n" for row in rows)

    def close(self) -> None:
        """Ends the file."""
        self._file.close()


class JsonLinesWriter:
    """An object a line, with an array for a column (rows, n).

    What JSON has no number for, NaN and infinities, is null, as no value is.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, path.open("w", encoding="utf-8", newline="")

    def write(self, columns: Columns) -> None:
        """Adds rows."""
        check_text(columns, self._path)
        before = [f", {json.dumps(name)}: " for name in columns]
        before[0] = f"{{{before[0][2:]}"
        if all(map(is_numbers, columns.values())):
            self._file.writelines(lines(before, columns, "}\n", JSON))
        else:
            line = "".join(text.replace("%", "%%") + "%s" for text in before) + "}\n"
            self._file.writelines(map(line.__mod__, _rows(columns, JSON, self._path)))

    def close(self) -> None:
        """Ends the file."""
        self._file.close()


def _rows(columns: Columns, style: Style, path: Path) -> Iterable[tuple[str, ...]]:
    """The cells of each row; ValueError that names the column whose value text cannot hold."""
    found = []
    for name, column in columns.items():
        try:
            found.append(cells(column, style))
        except ValueError as error:
            raise ValueError(f"{path}: column {name!r}: {error}") from error
    return zip(*found, strict=True)


def lines(before: Sequence[str], columns: Columns, end: str, style: Style) -> Iterator[str]:
    """Lines of columns of numbers, many at a time: text before a value, the value, ..., the end."""
    rows = len(next(iter(columns.values())))
    step = max(VALUES * rows // max(sum(c.size for c in columns.values()), 1), 1)
    for start in range(0, rows, step):
        some = [column[start : start + step] for column in columns.values()]
        found: list[Texts | bytes] = []
        for text, column in zip(before, some, strict=True):
            found += [text.encode(), *pieces(column, style)]
        yield joined([*found, end.encode()], len(some[0])).decode()
