"""Lowest and highest values of a column with their counts, and codes among them."""

from collections.abc import Mapping

import numpy as np

from vae_keras._base.arrays import Array

from .records import Code

KEPT = 12  # values at either end; a value among them has been counted since it came first

# Numbers by which loggers and programs say that there is no value.
KNOWN: tuple[float, ...] = (-1e30, -1e20, -99999, -32768, -9999, -999.9, -999.25, -999, -200, -99)
KNOWN += (999, 999.9, 9999, 32767, 65535, 99999, 999999, 1e20, 1e30)
FAR = 1.0  # a known code is so many ranges of the other values away from the nearest
VERY_FAR = 3.0  # any other number is
OFTEN = 5  # cells that such a number is in, at least
SHARE = 1e-3  # of the rows, too
VARIED = 10  # other values there are, at least


class Extremes:
    """Lowest and highest values of a column, counted block by block."""

    def __init__(self) -> None:
        self.lowest: dict[float, int] = {}
        self.highest: dict[float, int] = {}

    def add(self, values: Array, counts: Array) -> None:
        """Adds the values of a block, sorted, each once, with their counts."""
        self.lowest = _merged(self.lowest, values[:KEPT], counts[:KEPT])
        self.highest = _merged(self.highest, values[-KEPT:][::-1], counts[-KEPT:][::-1], -1)

    def codes(self, sample: Array, rows: int) -> tuple[Code, ...]:
        """Numbers that repeat exactly and lie far from all others.

        Args:
            sample: of the column's values.
            rows: of the table.
        """
        found: dict[float, int] = {}
        for counts in (self.lowest, self.highest):
            found |= _codes(counts, sample, rows)
        return tuple(Code(value, count) for value, count in sorted(found.items()))

    def range(self, codes: tuple[Code, ...]) -> tuple[float, float] | None:
        """Lowest and highest value that is no code; None where there are none."""
        left_out = {code.value for code in codes}
        ends = [[v for v in end if v not in left_out] for end in (self.lowest, self.highest)]
        return (ends[0][0], ends[1][0]) if all(ends) else None


def _may_be_code(value: float) -> bool:
    """True for a whole number, or one of nines alone, as 99.99; a reading has other digits."""
    return bool(value) and (value.is_integer() or {*f"{abs(value):.12g}"} <= {"9", "."})


def _merged(
    known: Mapping[float, int], values: Array, counts: Array, sign: int = 1
) -> dict[float, int]:
    merged = dict(known)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        merged[value] = merged.get(value, 0) + count
    return {value: merged[value] for value in sorted(merged, key=lambda v: sign * v)[:KEPT]}


def _codes(counts: Mapping[float, int], sample: Array, rows: int) -> dict[float, int]:
    """The codes at one end, from the outermost value inwards."""
    others = sample[~np.isnan(sample) & ~np.isin(sample, KNOWN)]
    found: dict[float, int] = {}
    inwards = list(counts)
    for i, value in enumerate(inwards[:-1]):
        rest = others[~np.isin(others, [*found, value])]
        if len(np.unique(rest)) < VARIED:
            break
        width = float(rest.max() - rest.min())
        nearest = next((v for v in inwards[i + 1 :] if v not in KNOWN), None)
        if nearest is None:
            break
        distance = abs(nearest - value)
        if value in KNOWN and counts[value] >= 2 and distance > FAR * width:
            found[value] = counts[value]
        elif (
            _may_be_code(value)
            and counts[value] >= max(OFTEN, SHARE * rows)
            and distance > VERY_FAR * width
        ):
            found[value] = counts[value]
        elif value not in KNOWN:
            break
    return found
