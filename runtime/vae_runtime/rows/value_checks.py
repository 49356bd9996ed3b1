"""Checks of the values in rows: a refusal names row and feature."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle.records import RowSpec

from .names.categories import column_of
from .names.missing_names import some

EXACT = 2**24  # float32 holds every whole number up to it
NUMBERS = "fiu"  # numpy's kinds of numbers


class Place(NamedTuple):
    """Place of values, for errors."""

    model: RowSpec
    first_row: int | None

    def of(self, row: int) -> str:
        """Name of the row, as a part of a sentence."""
        return "" if self.first_row is None else f" in row {self.first_row + row}"

    def among(self, count: str) -> str:
        """Number of rows that are as bad, for a sentence; empty for a row that came alone."""
        return "" if self.first_row is None else f" ({count})"


def convert(rows: NDArray[Any], expected: np.dtype[Any], place: Place) -> NDArray[Any]:
    """Rows of the expected dtype; ValueError for numbers that it does not hold."""
    if rows.dtype.kind not in NUMBERS:
        raise ValueError(f"x: expected dtype {expected}. Received: {rows.dtype}.")
    if expected.kind != "f":
        low, high = np.iinfo(expected).min, np.iinfo(expected).max
        kept = (rows >= low) & (rows <= high) & (rows == np.floor(rows))
        _check_each(kept, rows, f"whole numbers from {low} to {high}", place)
    elif rows.dtype.kind in "iu":
        kept = (rows >= -EXACT) & (rows <= EXACT)
        _check_each(kept, rows, f"whole numbers up to {EXACT:,}, which {expected} holds", place)
    with np.errstate(over="ignore"):  # becomes infinity, which is then refused by row
        return rows.astype(expected)


def check_some(rows: NDArray[Any], place: Place) -> None:
    """Refuses rows in which every value is missing."""
    empty = np.flatnonzero(np.isnan(rows).all(axis=tuple(range(1, rows.ndim))))
    if len(empty):
        raise ValueError(
            f"x: expected a value in some column. Received: none{place.of(int(empty[0]))}"
            f"{place.among(f'{len(empty)} such rows')}."
        )


def with_stand_ins(rows: NDArray[Any], model: RowSpec) -> NDArray[Any]:
    """Rows with a value that a row may hold in place of each that is missing."""
    low = 0.0 if model.value_range is None else model.value_range[0]
    rows = rows.copy()
    end = model.input_shape[-1] - sum(model.one_hot)
    for size in model.one_hot:
        start, end = end, end + size
        lacking = np.isnan(rows[:, start:end]).any(axis=1)
        rows[lacking, start:end] = np.eye(1, size)
    rows[np.isnan(rows)] = low
    return rows


def check_values(rows: NDArray[Any], place: Place) -> None:
    """Refuses values that are not finite, or beyond the limits of the model."""
    if rows.dtype.kind == "f":
        _check_each(np.isfinite(rows), rows, "finite numbers", place)
    if place.model.value_range is not None:
        low, high = place.model.value_range
        inside = (rows >= low) & (rows <= high)
        _check_each(inside, rows, f"values from {low:g} to {high:g}", place)


def check_one_hot(rows: NDArray[Any], place: Place) -> None:
    """Refuses rows of a category that the model does not know, which would score too low."""
    model = place.model
    end = model.input_shape[-1] - sum(model.one_hot)
    for size in model.one_hot:
        start, end = end, end + size
        group = rows[:, start:end]
        bad = np.flatnonzero(((group != 0) & (group != 1)).any(1) | (group.sum(1) != 1))
        if len(bad):
            names = model.feature_names or tuple(f"feature {i}" for i in range(end))
            raise ValueError(
                f"x: expected exactly one 1 among {some(names[start:end])}. Received: "
                f"{group[bad[0]].tolist()}{place.of(bad[0])}{place.among(f'{len(bad)} such rows')}."
            )


def _check_each(good: NDArray[np.bool_], rows: NDArray[Any], expected: str, place: Place) -> None:
    if good.all():
        return
    row, *position = (int(i) for i in np.argwhere(~good)[0])
    bad_rows = len(np.unique(np.argwhere(~good)[:, 0]))
    raise ValueError(
        f"x: expected {expected}. Received: {rows[(row, *position)]}{place.of(row)}, "
        f"{_feature(position, place.model)}"
        f"{place.among(f'{int((~good).sum())} such values in {bad_rows} rows')}."
    )


def _feature(position: list[int], model: RowSpec) -> str:
    if model.feature_names is not None:
        if column := column_of(position[-1], model.feature_names, model.categories or {}):
            return f"column {column!r}"
        inside = f" at position {tuple(position[:-1])}" if len(position) > 1 else ""
        return f"feature {model.feature_names[position[-1]]!r}{inside}"
    return f"feature {position[0] if len(position) == 1 else tuple(position)}"
