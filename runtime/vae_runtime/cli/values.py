"""Types of values on a command line, of all three packages: numbers, paths, names.

What cannot be is refused in words by argparse, not by the name of a Python type.
"""

import argparse
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from vae_runtime._base.name_lists import split_names
from vae_runtime._base.paths import path_of

T = TypeVar("T")

DURATIONS = {"": 1.0, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}  # in seconds


def path(text: str) -> Path:
    """Path that was typed; an error for an empty text."""
    try:
        return path_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def name_or_path(text: str) -> str:
    """Text that was typed, a path, glob, - or name of a data set; an error for an empty text."""
    path(text)
    return text


def path_or_standard(text: str) -> Path | None:
    """Path that was typed; None for -, standard output."""
    return None if text == "-" else path(text)


def listed(text: str, what: str = "names") -> tuple[str, ...]:
    """Names without spaces around; ArgumentTypeError where one is empty or there twice.

    A name that holds a comma stands in quotes.

    >>> listed('flow, "speed, rear"')
    ('flow', 'speed, rear')
    """
    names = split_names(text)
    wrong = [repr(n) for n in dict.fromkeys(names) if names.count(n) > 1 or not n]
    if wrong:
        found = "an empty one" if "" in names else f"{', '.join(wrong)} several times"
        raise argparse.ArgumentTypeError(
            f"expected {what} with commas between, each once. Received: {found} in {text!r}."
        )
    return names


def whole_number(text: str) -> int:
    """Whole number, of any size."""
    return _read(int, text, "a whole number")


def real_number(text: str) -> float:
    """Number, which may be infinite or NaN."""
    return _read(float, text, "a number")


def whole_numbers(text: str) -> tuple[int, ...]:
    """Whole numbers between commas."""
    return _read(_split, text, "whole numbers, as in 1,16,256")


def duration(text: str) -> float:
    """Seconds that were typed, as 0.1, 90s, 5min or 1h.

    >>> duration("5min"), duration("0.5")
    (300.0, 0.5)
    """
    typed = re.fullmatch(r"\s*([-+.0-9e]+)\s*([a-z]*)\s*", text)
    try:
        found = math.nan if typed is None else float(typed[1]) * DURATIONS.get(typed[2], math.nan)
    except ValueError:
        found = math.nan
    if not 0 < found < math.inf:
        raise argparse.ArgumentTypeError(
            f"expected a time above 0, as 0.1, 90s, 5min or 1h. Received: {text!r:.60}."
        )
    return found


def _split(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _read(read: Callable[[str], T], text: str, what: str) -> T:
    try:
        return read(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected {what}. Received: {text!r:.60}.") from error
