"""Numbers as they are typed: what is none is refused in words, not by the name of a Python type."""

import argparse
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def whole_number(text: str) -> int:
    """A whole number, of any size."""
    return _read(int, text, "a whole number")


def real_number(text: str) -> float:
    """A number, which may be infinite or NaN."""
    return _read(float, text, "a number")


def whole_numbers(text: str) -> tuple[int, ...]:
    """Whole numbers between commas."""
    return _read(_split, text, "whole numbers, as in 1,16,256")


def _split(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _read(read: Callable[[str], T], text: str, what: str) -> T:
    try:
        return read(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected {what}. Received: {text!r:.60}.") from error
