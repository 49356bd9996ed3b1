"""Kept values of lines of JSON: numbers with more digits than a float holds are refused by name."""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

# 16 digits and a point, or an exponent: any float gives back a shorter number as it was
_may_be_inexact = re.compile(r"[\d.]{17}|\d[eE]").search


def check_kept(text: str, value: Any, names: Sequence[str], where: str) -> None:
    """Raises ValueError where a float is not the number that a kept value of a line says.

    Args:
        text: of the line.
        value: that it was parsed to.
        names: of the columns that are kept.
        where: the line is, for the error.
    """
    if not names or not isinstance(value, dict) or not _may_be_inexact(text):
        return
    if not any(isinstance(value.get(name), float | list | dict) for name in names):
        return
    exact = _DECODER.decode(text)
    for name in names:
        if (number := _inexact(exact.get(name))) is not None:
            raise ValueError(
                f"{where}: expected numbers that floats hold in column {name!r}, which is kept. "
                f"Received: {number}. Write it as text, in quotes, or leave the column out."
            )


def _exact(text: str) -> float | Decimal:
    """A number as a float; as a decimal where the float is another number."""
    found, number = float(text), Decimal(text)
    # as programs write a float: the shortest, in 17 digits, in all of them
    written = Decimal(repr(found)), Decimal(f"{found:.17g}"), Decimal(found)
    return found if number in written else number


def _inexact(value: Any) -> Decimal | None:
    """The first decimal in a value, which may be nested; None without one."""
    if isinstance(value, Decimal):
        return value
    inner = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return next((found for found in map(_inexact, inner) if found is not None), None)


_DECODER = json.JSONDecoder(parse_float=_exact)
