"""Rows of .jsonl files, a value of JSON a line, in ranges of bytes.

{"pressure": 101.3, "flow": 2.9}     features by name; other keys are left alone
{"x": [[0, 1], [2, 3]]}              the key of rows as lists, nested or flat
[101.3, 2.9]                         in the order of the features; it has no keys to keep

What is a number is said in `json_values`. A key that is kept becomes an array of objects, of the
values as they are; of a row without that key, None.
"""

import itertools
import json
import math
from array import array
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime.rows.blocks import Block, Shard, Wanted
from vae_runtime.rows.machine_names import names_or_bad
from vae_runtime.rows.names.missing_names import meant, quoted, some
from vae_runtime.rows.text.cells import CellFormat, NoValue
from vae_runtime.rows.text.dialect import HEAD, encoding_of
from vae_runtime.rows.text.json_values import number, parse_json, short
from vae_runtime.rows.text.line_limit import longest_line
from vae_runtime.rows.text.tables import ColumnError
from vae_runtime.rows.text.text_files import UTF8, head_of

from .json_kept import check_kept
from .ranges import (
    BLOCK,
    Begin,
    Taken,
    Text,
    after_mark,
    blocks_in,
    blocks_of,
    plan_ranges,
)

FORMAT = ".jsonl"
LOOKED_AT = 100  # rows at the begin of a file that show whether a key is there
AS_LINES = (
    """Write an object a line: python3 -c "import json, sys; print(*map(json.dumps, """
    """json.load(sys.stdin)), sep='\\n')" < ARRAY.json > ROWS.jsonl."""
)


def plan(path: Path, wanted: Wanted) -> list[Shard]:
    """Ranges of bytes that end with a line; ColumnError where no row at the begin has a key."""
    encoding = _encoding(path, wanted)
    begin = Begin(after_mark(path, encoding), 0)
    _check_keys(Text(path, encoding), begin, wanted)
    return plan_ranges(path, FORMAT, begin, take_lines, wanted, encoding=encoding)


def read(shard: Shard, wanted: Wanted) -> Iterator[Block]:
    """Reads rows, some at a time."""
    path = Path(shard.file)
    encoding = _encoding(path, wanted)
    if wanted.extra:
        _check_keys(Text(path, encoding), Begin(after_mark(path, encoding), 0), wanted)
    first, line = shard.first_row, shard.line
    for block, taken in blocks_of(shard, take_lines, wanted, encoding=encoding):
        if taken.rows:
            yield _block(shard.file, block, (first, line), wanted)
        first, line = first + taken.rows, line + taken.lines


def settle(path: Path, wanted: Wanted) -> Wanted:
    """Completes what is wanted by the keys and the shape of the first rows."""
    if wanted.features:
        return wanted._replace(shape=(len(wanted.features),))
    text = Text(path, _encoding(path, wanted))
    begin = Begin(after_mark(path, text.encoding), 0)
    values = list(itertools.islice(_values(text, begin, wanted), LOOKED_AT))
    if not values:
        raise ValueError(f"{path}: expected a row of JSON in each line. Received: none. {AS_LINES}")
    rows = [value for value in values if isinstance(value, dict)]
    first = rows[0].get(wanted.column) if rows else values[0]
    if isinstance(first, list):
        if any(isinstance(part, dict) for part in first):
            raise ValueError(
                f"{path}: expected a row in each line. Received: all rows in one list. {AS_LINES}"
            )
        return wanted._replace(shape=_unnested(first)[0])
    return wanted._replace(features=tuple(keys := _not_named(rows, wanted)), shape=(len(keys),))


def columns(path: Path, wanted: Wanted) -> dict[str, bool]:
    """Keys that are not named otherwise, each with whether it holds numbers, or nothing, alone."""
    text, found = Text(path, _encoding(path, wanted)), dict[str, bool]()
    begin = after_mark(path, text.encoding)
    for block, _ in blocks_in(text, begin, take_lines, size=BLOCK):
        for line in filter(bytes.strip, block.split(b"\n")):
            with suppress(ValueError):  # is told when it is read
                row = parse_json(line)
                for key in _not_named([row] if isinstance(row, dict) else [], wanted):
                    found[key] = found.get(key, True) and _may_be_number(row[key], wanted)
    return found


def take_lines(block: bytes, is_last: bool) -> Taken:
    """Whole lines of a block; blank lines are skipped."""
    end = len(block) if is_last else block.rfind(b"\n") + 1
    lines = block[:end].split(b"\n")
    return Taken(end, sum(map(bool, map(bytes.strip, lines))), len(lines) - (not lines[-1]))


def row_of(value: Any, wanted: Wanted) -> NDArray[np.float64]:
    """The row of the model's shape that a line holds; ValueError where it holds none."""
    shape = wanted.shape or ()
    if isinstance(value, dict):
        names = _features(value, wanted)
        if names is not None:
            return np.array([_number(value[name], wanted, name) for name in names])
        value = value[wanted.column]
    if not isinstance(value, list):
        raise ValueError(f"expected numbers of shape {shape}. Received: {short(value)}.")
    found, cells = _unnested(value)
    if found not in (shape, (math.prod(shape),)):
        raise ValueError(f"expected numbers of shape {shape}. Received: lists of {found}.")
    plain = _plain(cells)
    if plain is not None and not wanted.reading.codes:
        return np.array(plain).reshape(shape)
    return np.array([_number(v, wanted) for v in cells]).reshape(shape)


def _block(file: str, block: bytes, begin: tuple[int, int], wanted: Wanted) -> Block:
    """Rows of a block, with the numbers of its first row and first line."""
    first, line = begin
    values: list[Any] = []
    bad: dict[int, str] = {}
    lines: list[int] = []
    for number_of_line, text in enumerate(block.decode().split("\n"), line):
        if text.strip():
            try:
                values.append(parse_json(text))
            except ValueError as error:
                bad[len(values)] = f"line {number_of_line}: {error}"
                values.append(None)
            check_kept(text, values[-1], wanted.keep, f"{file}: line {number_of_line}")
            lines.append(number_of_line)
    x = _rows(values, lines, bad, wanted)
    kept, extra = wanted.some({name: _column(values, name) for name in wanted.named})
    machines = (
        None
        if wanted.machine_column is None
        else names_or_bad(_texts(values, wanted.machine_column), bad)
    )
    where = {"row": np.arange(first, first + len(x))}
    return Block(file, x, where, kept, machines, bad, extra=extra)


def _rows(
    values: list[Any], lines: list[int], bad: dict[int, str], wanted: Wanted
) -> NDArray[np.float64]:
    """(rows, *input_shape) of values, all at once where they are plain; adds to `bad`."""
    x = np.zeros((len(values), *(wanted.shape or ())))
    if not x[:1].size:
        return x  # nothing but columns is wanted
    names = _named(wanted)
    try:
        plain = _plain([value[name] for value in values for name in names]) if names else None
    except (KeyError, TypeError):
        plain = None
    if plain is not None and not wanted.reading.codes:
        x = np.array(plain).reshape(x.shape)
        if wanted.allow_missing or not np.isnan(x).any():
            return x
    for i, value in enumerate(values):
        if i not in bad:
            try:
                x[i] = row_of(value, wanted)
            except ValueError as error:
                bad[i], x[i] = f"line {lines[i]}: {error}", 0
    return x


def _number(value: Any, wanted: Wanted, name: str | None = None) -> float:
    """A value as a number; NaN where it is missing and may be."""
    try:
        return number(value, name, CellFormat(missing=wanted.reading.codes))
    except NoValue:
        if wanted.allow_missing:
            return math.nan
        raise


def _plain(cells: list[Any]) -> "array[float] | None":
    """Array of numbers; None where some may be something else."""
    if not set(map(type, cells)) <= {int, float}:
        return None
    try:
        return array("d", cells)
    except OverflowError:  # a whole number of hundreds of digits
        return None


def _named(wanted: Wanted) -> tuple[str, ...]:
    """The features that are keys of an object; none of a model whose rows are lists."""
    names, shape = wanted.features, wanted.shape
    return names if names and (shape is None or len(shape) == 1) else ()


def _features(value: dict[str, Any], wanted: Wanted) -> tuple[str, ...] | None:
    """The keys of features; None where there is that of lists instead. As of record batches."""
    names = _named(wanted)
    missing = [name for name in names if name not in value]
    if names and not missing:
        return names
    if wanted.column not in value:
        expected = quoted(missing or [wanted.column])
        raise ValueError(f"expected {expected}. Received: {short(list(value))}.")
    return None


def _unnested(value: list[Any]) -> tuple[tuple[int, ...], list[Any]]:
    """The shape of nested lists, and what is in them."""
    lengths: list[int] = []
    level: list[Any] = [value]
    while level and all(isinstance(part, list) for part in level):
        if len({len(part) for part in level}) > 1:
            raise ValueError("expected lists of one length. Received: lists of several.")
        lengths.append(len(level[0]))
        level = list(itertools.chain.from_iterable(level))
    return tuple(lengths), level


def _column(values: list[Any], name: str) -> NDArray[np.object_]:
    """Values of a key; None for a missing key."""
    found = np.empty(len(values), object)
    for i, value in enumerate(values):  # not at once: numpy would look into lists
        found[i] = value.get(name) if isinstance(value, dict) else None
    return found


def _texts(values: list[Any], name: str) -> NDArray[np.str_]:
    return np.array([_text(value) for value in _column(values, name)], str)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _encoding(path: Path, wanted: Wanted) -> str:
    """The encoding of a file: as asked, or in utf-16 by its first bytes."""
    found = wanted.reading.encoding or encoding_of(head_of(path, HEAD))
    return found if wanted.reading.encoding or found.startswith("utf-16") else UTF8


def _check_keys(text: Text, begin: Begin, wanted: Wanted) -> None:
    path, rows = text.path, _objects(text, begin, wanted)
    keys = list(dict.fromkeys(key for row in rows for key in row))
    asked = (*wanted.named, *_named(wanted))
    if missing := [name for name in wanted.named if name not in keys]:
        raise _no_key(path, missing, keys, asked)
    missing = [name for name in _named(wanted) if name not in keys]
    if rows and wanted.size and wanted.column not in keys and (missing or not _named(wanted)):
        raise _no_key(path, missing or [wanted.column], keys, asked)


def _not_named(rows: list[dict[str, Any]], wanted: Wanted) -> list[str]:
    keys = dict.fromkeys(key for row in rows for key in row)
    return [key for key in keys if key not in wanted.named]


def _may_be_number(value: Any, wanted: Wanted) -> bool:
    try:
        number(value, None, CellFormat(missing=wanted.reading.codes))
    except NoValue:
        return True
    except ValueError:
        return False
    return True


def _no_key(path: Path, missing: list[str], keys: list[str], asked: tuple[str, ...]) -> ColumnError:
    kind = "key" if len(missing) == 1 else "keys"
    return ColumnError(
        f"{path}: expected the {kind} {quoted(missing)}. Received: "
        f"{some(keys) or 'lines without keys'}.{meant(missing, keys, asked)}"
    )


def _objects(text: Text, begin: Begin, wanted: Wanted) -> list[dict[str, Any]]:
    """The objects among the first rows of a file."""
    values = itertools.islice(_values(text, begin, wanted), LOOKED_AT)
    return [value for value in values if isinstance(value, dict)]


def _values(text: Text, begin: Begin, wanted: Wanted) -> Iterator[Any]:
    """The objects and lists in the first block of a file."""
    longest = longest_line(wanted.shape)
    found = blocks_in(text, begin.size, take_lines, size=BLOCK, longest=longest)
    for block, _ in itertools.islice(found, 1):
        for line in block.split(b"\n"):
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue  # is told when it is read
            if isinstance(value, dict | list):
                yield value
