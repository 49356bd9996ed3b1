"""Numbers as text by numpy, a column at a time: several times as fast as one by one in Python.

A text is a column of uint8 (width, rows), its ASCII characters from top to bottom, NUL where it has
none: texts of any widths stand above each other so, and NULs are dropped at the end.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Texts: TypeAlias = NDArray[np.uint8]

ZERO, MINUS, POINT = b"0-."
POWERS = np.array([float(10**i) for i in range(12)])
LONGEST = 18  # digits of whole numbers that are not written one by one
BOUNDS = np.array([1e-3, 1e-2, 1e-1, 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6])  # of float32 by numpy
BEFORE, BEHIND = 6, 11  # digits that such have before and behind the point


def is_numbers(column: Any) -> bool:
    """True for a column that is an array of numbers or truths."""
    return isinstance(column, np.ndarray) and column.dtype.kind in "biuf"


def texts_of(column: NDArray[Any]) -> Texts:
    """The shortest texts that read back as these numbers, as `str` gives them."""
    if len(column) == 0:
        return np.empty((1, 0), np.uint8)
    if column.dtype.kind in "iu" and max(int(column.max()), -int(column.min())) < 10**LONGEST:
        return _of_integers(column.astype(np.int64))
    return _of_float32(column) if column.dtype == np.float32 else _one_by_one(column)


def joined(pieces: Sequence[Texts | bytes], rows: int) -> bytes:
    """All texts of the first row, with the pieces that are the same in all rows, then the next."""
    lines = np.empty((rows, sum(map(len, pieces))), np.uint8)
    characters = (character for piece in pieces for character in piece)
    for place, character in enumerate(characters):
        lines[:, place] = character
    return lines.tobytes().translate(None, b"\0")


def chosen(texts: Sequence[bytes], places: NDArray[np.intp]) -> Texts:
    """Texts at these places."""
    characters: Texts = np.array(texts, "S").view(np.uint8).reshape(len(texts), -1)
    found: Texts = characters[places].T
    return found


def put(found: Texts, where: NDArray[np.bool_], others: Texts) -> Texts:
    """Texts with others in the place of some."""
    if len(others) > len(found):
        more = np.zeros((len(others) - len(found), found.shape[1]), np.uint8)
        found = np.concatenate([found, more])
    found[:, where] = 0
    found[: len(others), where] = others
    return found


def _of_integers(x: NDArray[np.int64]) -> Texts:
    size = np.abs(x)
    width = len(str(size.max()))
    found = np.empty((width + 1, len(x)), np.uint8)
    found[0] = np.where(x < 0, MINUS, 0)
    _fill(found[1:], size)
    _drop_leading(found[1:])
    return found


def _of_float32(x: NDArray[np.float32]) -> Texts:
    """Quotients of integers of 6, 7, 8, then 9 digits and powers of ten: the first that reads back.

    Within these bounds all is exact in float64: a float32 of 24 bits by 10**11 has 50, no
    such quotient rounds to the middle of two float32, and powers of two have 7 digits at most, so
    the nearest number of so many digits reads back where any of them does.
    """
    size = np.abs(x)
    is_fast = (size >= BOUNDS[0]) & (size < BOUNDS[-1])
    size = np.where(is_fast, size, np.float32(1))
    value, scale = _shortest(size)
    whole = np.floor(value)
    part = np.rint(np.rint((value - whole) * scale) * (POWERS[BEHIND] / scale))
    found = np.empty((1 + BEFORE + 1 + BEHIND, len(x)), np.uint8)
    found[0] = np.where(x < 0, MINUS, 0)
    _fill(found[1 : BEFORE + 1], whole.astype(np.int64))
    _drop_leading(found[1 : BEFORE + 1])
    found[BEFORE + 1] = POINT
    _fill(found[BEFORE + 2 :], part.astype(np.int64))
    _drop_leading(found[: BEFORE + 1 : -1])
    return found if is_fast.all() else put(found, ~is_fast, _one_by_one(x[~is_fast]))


def _shortest(size: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The float64 nearest to the shortest text of each number, and what makes it a whole number."""
    exact = size.astype(np.float64)
    digits = np.searchsorted(BOUNDS, exact, "right")  # before the point, and 3 more
    value = scale = exact
    for behind in (11, 10, 9, 8):  # of numbers from 0.001 to 0.01: 9 digits to 6
        by = POWERS[behind + 1 - digits]
        nearest = np.rint(exact * by) / by
        reads_back = nearest.astype(np.float32) == size
        value, scale = np.where(reads_back, nearest, value), np.where(reads_back, by, scale)
    return value, scale


def _one_by_one(column: NDArray[Any]) -> Texts:
    """Numbers by `str`, each that there is once: of p-values, there are few."""
    bits = column.view(f"u{column.dtype.itemsize}")  # else -0.0 were 0.0
    once, places = np.unique(bits, return_inverse=True)
    return chosen([str(value).encode() for value in once.view(column.dtype)], places.reshape(-1))


def _fill(found: Texts, x: NDArray[np.int64]) -> None:
    """Writes numbers with leading zeros, last digit last."""
    if len(found) > 9:
        high = x // 10**9
        _fill(found[:-9], high)
        x, found = x - high * 10**9, found[-9:]
    rest = x.astype(np.uint32)  # divided several times as fast
    for row in found[::-1]:
        shorter = rest // np.uint32(10)
        row[:] = rest - shorter * np.uint32(10) + np.uint32(ZERO)
        rest = shorter


def _drop_leading(found: Texts) -> None:
    """Drops zeros at the beginning, but never the last character."""
    leading = np.ones(found.shape[1], bool)
    for row in found[:-1]:
        leading &= row == ZERO
        row[leading] = 0
