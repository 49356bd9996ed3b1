"""Numbers that are given as arguments: taken where they are what is asked for, refused where not.

Those of numpy count, arrays of no axes too; True and False are no numbers, nor is text.
"""

import numbers
from typing import Any

import numpy as np

TOO_LONG = 10**60  # to be printed
MOST = 2**31 - 1  # of what there are arrays of


def whole(name: str, value: object, *, least: int | None = None, most: int | None = None) -> int:
    """`value`, a whole number within these bounds; ValueError where it is none."""
    found = _scalar(value)
    if isinstance(found, numbers.Integral):
        chosen = int(found)
        if (least is None or chosen >= least) and (most is None or chosen <= most):
            return chosen
    bounds = ("" if least is None else f" from {least}") + ("" if most is None else f" to {most}")
    raise ValueError(f"expected {name}{bounds}, as a whole number. Received: {_shown(value)}.")


def count(name: str, value: object, *, least: int | None = None) -> int:
    """The same of what there may be an array of, or whose numbers are in one: at most `MOST`."""
    found = whole(name, value, least=least)
    if found > MOST:
        raise ValueError(f"expected {name} of at most {MOST:,}. Received: {_shown(found)}.")
    return found


def number(name: str, value: object) -> float:
    """`value`, a real number, which may be infinite or NaN; ValueError where it is none.

    One that is beyond all that a float holds, as 10**400 is, is none either.
    """
    found = _scalar(value)
    if isinstance(found, numbers.Real):
        try:
            return float(found)
        except OverflowError:
            pass  # refused as all others
    raise ValueError(f"expected {name} as a number. Received: {_shown(value)}.")


def _scalar(value: object) -> Any:
    """`value` out of an array of no axes; None for a truth value, which Python counts as 0 or 1."""
    found = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
    return None if isinstance(found, bool) else found


def _shown(value: object) -> str:
    """What can be said of it in a line; numpy's numbers as they are."""
    if isinstance(value, int) and abs(value) >= TOO_LONG:  # of which Python may refuse the digits
        return "one of more than 60 digits"
    return f"{value!s:.60}" if isinstance(value, np.generic) else f"{value!r:.60}"
