"""Results as text: .csv, as for a table that is written at once, and .jsonl."""

import csv
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vae_runtime.batch.columns import decoded, flat
from vae_runtime.batch.json_columns import is_json
from vae_runtime.rows.blocks import Column, Columns

from .cells import CSV, JSON, Style, cells, is_known, pieces
from .digits import Texts, is_numbers, joined

VALUES_AT_ONCE = 2**18  # that become text at a time, in some 10 MB


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

    What JSON has no number for, NaN and infinities, is null in results; see `check_json_values`.
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
    step = max(VALUES_AT_ONCE * rows // max(sum(c.size for c in columns.values()), 1), 1)
    for start in range(0, rows, step):
        some = [column[start : start + step] for column in columns.values()]
        found: list[Texts | bytes] = []
        for text, column in zip(before, some, strict=True):
            found += [text.encode(), *pieces(column, style)]
        yield joined([*found, end.encode()], len(some[0])).decode()


def check_text(columns: Columns, path: Path) -> None:
    """Raises ValueError where a column holds what text would change: bytes, spans of time.

    Args:
        columns: by name.
        path: of the file of text that they are for.
    """
    for name, column in columns.items():
        found = _no_text(column)
        if found is not None:
            raise ValueError(
                f"{path}: expected numbers, text, times or lists of them in column {name!r}. "
                f"Received: {found}, which text would change. Write .parquet or .arrow, or leave "
                "the column out."
            )


def check_json_values(columns: Columns, path: Path) -> None:
    """Raises ValueError where a column holds NaN or an infinity, which JSON has not."""
    for name, column in columns.items():
        if not _all_finite(column):
            raise ValueError(
                f"{path}: expected numbers that JSON has in column {name!r}, which is kept. "
                "Received: NaN or an infinity. Write .csv, .parquet or .arrow, or leave the column "
                "out."
            )


def _all_finite(column: Column) -> bool:
    """Tells whether no number of a column is NaN or infinite; those in lists are not looked at."""
    if is_json(column):
        return all(math.isfinite(v) for v in column.tolist() if isinstance(v, float))
    if isinstance(column, np.ndarray):
        return column.dtype.kind != "f" or bool(np.isfinite(column).all())
    import pyarrow.compute as pc
    import pyarrow.types as types

    column = decoded(column)
    return not types.is_floating(column.type) or pc.all(pc.is_finite(column)).as_py() is not False


def _no_text(column: Column) -> str | None:
    """Names the type in a column that text cannot hold; None where text can hold all."""
    if isinstance(column, np.ndarray):
        return None if column.dtype.kind in "biufUMO" else str(column.dtype)
    return _no_text_type(column.type)


def _no_text_type(kind: Any) -> str | None:
    import pyarrow.types as types

    kind = getattr(kind, "storage_type", kind)
    if types.is_dictionary(kind):
        return _no_text_type(kind.value_type)
    if kind.num_fields and not (types.is_map(kind) or types.is_union(kind)):
        inner = (_no_text_type(kind.field(i).type) for i in range(kind.num_fields))
        return next((found for found in inner if found is not None), None)
    if types.is_timestamp(kind) and kind.tz and not is_known(kind.tz):
        return f"{kind}, a time zone that is not known here"
    numbers = types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null
    others = types.is_string, types.is_large_string, types.is_string_view
    times = types.is_timestamp, types.is_date, types.is_time
    return None if any(t(kind) for t in (*numbers, *others, *times)) else str(kind)
