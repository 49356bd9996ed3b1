"""Numbers that are given as arguments: taken where they are what is asked for, refused where not.

Those of numpy count, arrays of no axes too; True and False are no numbers, nor is text.
"""

import numbers
from typing import Any

import numpy as np


def whole(name: str, value: object, *, least: int | None = None, most: int | None = None) -> int:
    """`value`, a whole number within these bounds; ValueError where it is none."""
    found = _scalar(value)
    if isinstance(found, numbers.Integral):
        chosen = int(found)
        if (least is None or chosen >= least) and (most is None or chosen <= most):
            return chosen
    bounds = ("" if least is None else f" from {least}") + ("" if most is None else f" to {most}")
    raise ValueError(f"expected {name}{bounds}, as a whole number. Received: {_shown(value)}.")


def number(name: str, value: object) -> float:
    """`value`, a real number, which may be infinite or NaN; ValueError where it is none."""
    found = _scalar(value)
    if not isinstance(found, numbers.Real):
        raise ValueError(f"expected {name} as a number. Received: {_shown(value)}.")
    return float(found)


def _scalar(value: object) -> Any:
    """`value` out of an array of no axes; None for a truth value, which Python counts as 0 or 1."""
    found = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
    return None if isinstance(found, bool) else found


def _shown(value: object) -> str:
    """What can be said of it in a line; numpy's numbers as they are."""
    return f"{value}" if isinstance(value, np.generic) else f"{value!r:.60}"
