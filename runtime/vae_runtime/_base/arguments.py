"""Checks of numbers that are given as arguments.

Those of numpy count, arrays of no axes too; True and False are no numbers, nor is text.
"""

import numbers
from typing import Any

import numpy as np

TOO_LONG = 10**60  # to be printed
LARGEST_COUNT = 2**31 - 1  # of what there are arrays of


def whole(name: str, value: object, *, least: int | None = None, most: int | None = None) -> int:
    """`value` as a whole number within these bounds; ValueError for anything else."""
    found = _scalar(value)
    if isinstance(found, numbers.Integral):
        chosen = int(found)
        if (least is None or chosen >= least) and (most is None or chosen <= most):
            return chosen
    bounds = ("" if least is None else f" from {least}") + ("" if most is None else f" to {most}")
    raise ValueError(f"expected {name}{bounds}, as a whole number. Received: {_shown(value)}.")


def count(name: str, value: object, *, least: int | None = None) -> int:
    """`value` as a length or an index of an array: a whole number up to `LARGEST_COUNT`."""
    found = whole(name, value, least=least)
    if found > LARGEST_COUNT:
        raise ValueError(
            f"expected {name} of at most {LARGEST_COUNT:,}. Received: {_shown(found)}."
        )
    return found


def number(name: str, value: object) -> float:
    """`value` as a real number, infinity and NaN included; ValueError for anything else.

    A number that no float can hold, such as 10**400, is an error as well.
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
    """Text of a value for an error, in one line; numpy's numbers without their type."""
    if isinstance(value, int) and abs(value) >= TOO_LONG:  # of which Python may refuse the digits
        return "one of more than 60 digits"
    return f"{value!s:.60}" if isinstance(value, np.generic) else f"{value!r:.60}"
