"""Columns as text, a cell a row, as CSV and JSON have them."""

import itertools
import json
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from vae_runtime.batch.columns import decoded, kind_of
from vae_runtime.batch.json_columns import is_json
from vae_runtime.rows.blocks import Column

from .digits import Texts, chosen, is_numbers, joined, put, texts_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
GREENWICH = ("UTC", "Etc/UTC", "Z", "+00:00")


class Style(NamedTuple):
    """Spelling of values in a format: no value, truths, NaN and infinities, text, lists.

    Args:
        nothing: in place of no value.
        truths: for False and True.
        infinite: whether it has NaN and infinities; else they are `nothing`.
        text: how text is written, where other rows may have none.
        bare: how text is written, where all rows have some.
        other: how lists and all else are written.
    """

    nothing: str
    truths: tuple[bytes, bytes]
    infinite: bool
    text: Callable[[str], str]
    bare: Callable[[str], str]
    other: Callable[[Any], str]


def _as_json(value: Any) -> Any:
    if isinstance(value, Decimal):
        if Decimal(number := float(value)) != value and Decimal(repr(number)) != value:
            raise ValueError(
                f"expected decimals in lists that JSON's readers have as numbers. Received: {value}"
                ". Write .parquet or .arrow, or leave the column out."
            )
        return number
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    raise ValueError(
        f"expected numbers, text, times or lists of them for .jsonl. Received: "
        f"{type(value).__name__}. Write .parquet, or leave the column out."
    )


_ENCODE = json.JSONEncoder(default=_as_json, ensure_ascii=False).encode


_is_special = re.compile('[",\r\n]').search


def _cell(text: str) -> str:
    """Cell of a text as Python's csv writes it, with quotes where it must have some."""
    return '"' + text.replace('"', '""') + '"' if _is_special(text) else text


def _cell_beside_none(text: str) -> str:
    """Empty text in quotes, as an empty cell is no value."""
    return _cell(text) or '""'


CSV = Style("", (b"0", b"1"), True, _cell_beside_none, _cell, lambda value: _cell(_ENCODE(value)))
JSON = Style(
    "null",
    (b"false", b"true"),
    False,
    json.JSONEncoder().encode,
    json.JSONEncoder().encode,
    json.JSONEncoder(default=_as_json, allow_nan=False).encode,
)


def cells(column: Column, style: Style) -> list[str]:
    """The text of each row of a column."""
    if not isinstance(column, np.ndarray):
        return _of_arrow(column, style)
    if is_json(column):
        return [_of_json(value, style) for value in column.tolist()]
    if is_numbers(column):
        return joined([*pieces(column, style), b"\n"], len(column)).decode().split("\n")[:-1]
    if column.ndim > 1:
        return list(map(style.other, column.tolist()))
    texts = list(map(style.bare, column.astype(str).tolist()))
    if column.dtype.kind == "M":
        for i in np.flatnonzero(np.isnat(column)).tolist():
            texts[i] = style.nothing
    return texts


def _of_json(value: Any, style: Style) -> str:
    if value is None or isinstance(value, list | dict | str):
        return _of_value(value, style)
    if isinstance(value, bool):
        return style.truths[value].decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value) if style.infinite else style.nothing
    return repr(value)


def pieces(column: NDArray[Any], style: Style) -> list[Texts | bytes]:
    """Parts of the texts of a column of numbers, for `joined`: of (rows, n, ...), nested lists."""
    if column.ndim == 1:
        return [_of_numbers(column, style)]
    inner = [(b", ", *pieces(each, style)) for each in np.moveaxis(column, 1, 0)]
    return [b"[", *list(itertools.chain(*inner))[1:], b"]"]


def is_known(zone: str) -> bool:
    """True for a name by which this machine knows a time zone, such as Europe/Berlin or +02:00."""
    try:
        zone_of(zone)
    except (KeyError, ValueError, OSError):  # KeyError: not in the database of zones
        return False
    return True


@lru_cache(64)
def zone_of(zone: str) -> tzinfo:
    """A zone by its name; KeyError, ValueError or OSError where it is not known here."""
    if zone[:1] in "+-":
        found = datetime.fromisoformat(f"1970-01-01T00:00:00{zone}").tzinfo
        return UTC if found is None else found
    return ZoneInfo(zone)


def local_times(
    moments: NDArray[np.datetime64], zone: str
) -> tuple[NDArray[np.datetime64], list[str]]:
    """Converts moments of UTC to local times of a zone, and gives their offsets, such as +02:00.

    The offset of no moment (NaT) is arbitrary.

    Raises:
        ValueError: a moment is before the year 1 or after 9999.
    """
    seconds = moments.astype("datetime64[s]").astype(np.int64)
    once, places = np.unique(np.where(np.isnat(moments), 0, seconds), return_inverse=True)
    try:
        there = [(EPOCH + timedelta(seconds=int(s))).astimezone(zone_of(zone)) for s in once]
    except OverflowError as error:
        raise ValueError(
            "expected times of the years 1 to 9999 in a time zone. Received: times of other "
            "years. Write .parquet or .arrow, or leave the column out."
        ) from error
    shifts = np.array([(t.utcoffset() or timedelta()) // timedelta(seconds=1) for t in there])
    texts = [t.isoformat()[19:] for t in there]  # behind the seconds, which are whole
    places = places.reshape(-1)
    shifted = moments + shifts.astype("timedelta64[s]")[places]
    return shifted, [texts[place] for place in places.tolist()]


def _of_numbers(column: NDArray[Any], style: Style) -> Texts:
    if column.dtype == bool:
        return chosen(style.truths, column.astype(np.intp))
    found = texts_of(column)
    strange = ~np.isfinite(column)
    if style.infinite or not strange.any():
        return found
    nothing = chosen([style.nothing.encode()], np.zeros(strange.sum(), np.intp))
    return put(found, strange, nothing)


def _of_arrow(column: Any, style: Style) -> list[str]:
    column = decoded(column)
    found = _of_values(column, style)
    for i in np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False)).tolist():
        found[i] = style.nothing
    return found


def _of_values(column: Any, style: Style) -> list[str]:
    """Cells of a column of Arrow; of rows without a value, whatever."""
    kind = kind_of(column)
    if kind in ("truth", "number"):
        whole = column.fill_null(False if kind == "truth" else 0)
        return cells(whole.to_numpy(zero_copy_only=False), style)
    if kind == "timestamp":
        return list(map(style.text, _times(column)))
    if kind == "text":
        return list(map(style.text, column.fill_null("").to_pylist()))
    if str(column.type) == "time64[ns]":  # Python's times have no nanoseconds
        return list(map(style.text, column.cast("string").fill_null("").to_pylist()))
    return [_of_value(value, style) for value in column.to_pylist()]


def _times(column: Any) -> list[str]:
    """ISO 8601 with as few digits of seconds as `datetime` gives; with the zone's offset, if any.

    By numpy: Arrow needs pandas for nanoseconds.
    """
    zone = column.type.tz
    found = column.to_numpy(zero_copy_only=False)
    if column.type.unit != "ns":
        found = found.astype("datetime64[us]")
    offsets = ["+00:00" if zone else ""] * len(found)
    if zone and zone not in GREENWICH:
        found, offsets = local_times(found, zone)
    texts = (text.removesuffix("000") if len(text) > 26 else text for text in found.astype(str))
    pairs = zip(texts, offsets, strict=True)
    return [f"{text.removesuffix('.000000')}{offset}" for text, offset in pairs]


def _of_value(value: Any, style: Style) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"  # all of its digits, which is a number in JSON too
    if isinstance(value, str):
        return style.text(value)
    if isinstance(value, date | time):
        return style.text(value.isoformat())
    return style.nothing if value is None else style.other(value)
