"""Checks of arrays from outside: a refusal names row and feature."""

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_runtime.bundle.manifest import Model
from vae_runtime.bundle.records import RowSpec

from .frames import leaves, named_array, names_columns
from .names.categories import Categories, column_of
from .names.missing_names import some

EXACT = 2**24  # float32 holds every whole number up to it

_NUMBERS = "fiu"  # numpy's kinds of them


class ArrayCheck(Protocol):
    """Turns rows, and the number of the first, into what a graph takes; see `arrays`."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def as_array(self, rows: ArrayLike, /) -> NDArray[Any]:
        """Rows as an array, to be taken apart; ValueError for values that would be lost."""

    def __call__(self, rows: NDArray[Any], first_row: int | None = 0, /) -> NDArray[Any]:
        """Checked rows; ValueError for invalid ones, unnumbered if `first_row` is None."""


class RowCheck:
    """Turns `x` into what the graphs of a model take.

    What can be known before the first row is: a call costs little beside a small network.

    Args:
        model: whose rows they are.
        allow_missing: whether a value may be NaN, which stands for none. Of a row some must be
            there; of a one-hot group all are missing where one is.
    """

    def __init__(self, model: RowSpec, *, allow_missing: bool = False) -> None:
        self._model, self.shape = model, model.input_shape
        self._allow_missing = allow_missing
        self.dtype = np.dtype(model.input_dtype)
        self._range, self._is_float = model.value_range, self.dtype.kind == "f"

    def __call__(self, x: ArrayLike, first_row: int | None = 0, /) -> NDArray[Any]:
        """`x` as (batch, *input_shape), of the model's dtype, every value usable.

        Floating-point numbers of any width become the model's float32, as they did in training.
        Whole numbers become floats, and floats whole numbers, where every one stays what it is.

        Args:
            x: (batch, *input_shape).
            first_row: the number of the first row, for errors about a part of a longer array;
                None of a row that came alone, of which errors give no number.

        Raises:
            ValueError: with what was expected, what was received, and where.
        """
        rows = x if type(x) is np.ndarray else self.as_array(x)
        if rows.ndim == 0 or rows.shape[1:] != self.shape or not len(rows):
            raise self._shape_error(rows)
        if rows.dtype != self.dtype:
            rows = _convert(rows, self.dtype, _Place(self._model, first_row))
        present = rows
        if self._allow_missing and self._is_float and np.isnan(rows).any():
            _check_some(rows, _Place(self._model, first_row))
            present = _with_stand_ins(rows, self._model)
        if not self._is_usable(present):
            _check_values(present, _Place(self._model, first_row))
        if self._model.one_hot:
            _check_one_hot(present, _Place(self._model, first_row))
        return rows

    def as_array(self, x: ArrayLike) -> NDArray[Any]:
        """`x` as an array; named columns are put in the model's order, see `frames`.

        Raises:
            ValueError: something would be lost, or a column is missing or holds no numbers.
        """
        if type(x) is np.ndarray and x.dtype.names is None:
            return x
        return as_array(
            x,
            self._model.feature_names,
            categories=self._model.categories or {},
            allow_missing=self._allow_missing,
        )

    def _shape_error(self, rows: NDArray[Any]) -> ValueError:
        error = _shape_error("x", rows, self.shape)
        if rows.shape == self.shape and self._model.feature_names is not None:
            return ValueError(f"{error} (Of a row with names, [x].)")
        if self._model.stride is None or rows.ndim != 2 or rows.shape[1] != self.shape[-1]:
            return error
        return ValueError(
            f"{error} These are single rows of a table, and the model takes windows of "
            f"{self.shape[0]}: StreamScorer(runner).push(rows) cuts them, and so does `vae-runtime "
            "score` of a file."
        )

    def _is_usable(self, rows: NDArray[Any]) -> bool:
        """Looks at all values at once; False where some must be looked at one by one."""
        if self._range is not None:
            low, high = self._range
            flat = rows.reshape(-1)  # argmin costs a row a third of what min does; NaN is found
            least, most = flat.item(flat.argmin()), flat.item(flat.argmax())
            return bool(least >= low and most <= high)
        # NaN and infinity survive a sum of squares; so may numbers that are merely huge
        return not self._is_float or math.isfinite(np.vdot(rows, rows))


def as_array(
    x: ArrayLike,
    names: Sequence[str] | None = None,
    name: str = "x",
    categories: Categories = MappingProxyType({}),
    *,
    allow_missing: bool = False,
) -> NDArray[Any]:
    """`x` as an array; ValueError for values that would be lost.

    Args:
        x: an array, what numpy makes one of, or a table whose columns have names.
        names: of the columns that are taken; None where those of the model have none.
        name: of x, for errors.
        categories: columns of text among them, with the values that are known.
        allow_missing: whether a named column may lack values, which become NaN.
    """
    parts = [*leaves(x)]
    _refuse_masks(parts, name)
    if any(map(names_columns, parts)):
        return named_array(x, names, name, categories, allow_missing=allow_missing)
    rows = np.asanyarray(x)
    _refuse_masks([rows], name)  # that only its own library knew of
    if rows.dtype.names is None:
        return np.asarray(rows)
    # of a file of HDF5, say, it is seen only now that its columns have names
    return named_array(rows, names, name, categories, allow_missing=allow_missing)


def plain_array(x: ArrayLike, name: str) -> NDArray[Any]:
    """`x` as numpy makes an array of it, whatever its names; ValueError for a masked array."""
    _refuse_masks([*leaves(x)], name)
    rows = np.asanyarray(x)
    _refuse_masks([rows], name)
    return np.asarray(rows)


def _refuse_masks(parts: list[Any], name: str) -> None:
    if any(isinstance(each, np.ma.MaskedArray) for each in parts):
        raise ValueError(
            f"{name}: expected an array. Received: a masked array, whose mask would be lost."
        )


class LatentCheck:
    """Turns `z` into what a decoder takes."""

    dtype = np.dtype(np.float32)

    def __init__(self, model: Model) -> None:
        self.shape: tuple[int, ...] = (model.latent_dim,)

    def __call__(self, z: ArrayLike, first_row: int | None = 0, /) -> NDArray[np.float32]:
        """`z` as float32 (batch, latent_dim), finite; else ValueError."""
        rows = self.as_array(z)
        if rows.ndim == 0 or rows.shape[1:] != self.shape or not len(rows):
            raise _shape_error("z", rows, self.shape)
        if rows.dtype.kind not in _NUMBERS:
            raise ValueError(f"z: expected dtype float32. Received: {rows.dtype}.")
        with np.errstate(over="ignore"):  # becomes infinity, which is refused
            rows = rows.astype(np.float32, copy=False)
        if not np.isfinite(rows).all():
            row = int(np.argwhere(~np.isfinite(rows))[0, 0])
            where = "" if first_row is None else f" in row {first_row + row}"
            raise ValueError(f"z: expected finite numbers. Received: NaN or infinity{where}.")
        return rows

    def as_array(self, z: ArrayLike) -> NDArray[Any]:
        """`z` as an array; latents have no names."""
        return as_array(z, name="z")


class _Place(NamedTuple):
    """Place of values, for errors."""

    model: RowSpec
    first_row: int | None

    def of(self, row: int) -> str:
        """Name of the row, as a part of a sentence."""
        return "" if self.first_row is None else f" in row {self.first_row + row}"

    def among(self, count: str) -> str:
        """Number of rows that are as bad, for a sentence; empty for a row that came alone."""
        return "" if self.first_row is None else f" ({count})"


def _shape_error(name: str, rows: NDArray[Any], shape: tuple[int, ...]) -> ValueError:
    expected = f"({', '.join(['batch', *map(str, shape)])})"
    if rows.shape == shape:
        return ValueError(
            f"{name}: expected shape {expected}. Received: {rows.shape}, a single row. "
            f"Pass {name}[None] for a batch of one."
        )
    if rows.ndim and rows.shape[1:] == shape:
        return ValueError(f"{name}: expected at least one row. Received: an empty array.")
    return ValueError(f"{name}: expected shape {expected}. Received: {rows.shape}.")


def _convert(rows: NDArray[Any], expected: np.dtype[Any], place: _Place) -> NDArray[Any]:
    if rows.dtype.kind not in _NUMBERS:
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


def _check_some(rows: NDArray[Any], place: _Place) -> None:
    """Refuses rows without any value, of which nothing can be expected."""
    empty = np.flatnonzero(np.isnan(rows).all(axis=tuple(range(1, rows.ndim))))
    if len(empty):
        raise ValueError(
            f"x: expected a value in some column. Received: none{place.of(int(empty[0]))}"
            f"{place.among(f'{len(empty)} such rows')}."
        )


def _with_stand_ins(rows: NDArray[Any], model: RowSpec) -> NDArray[Any]:
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


def _check_values(rows: NDArray[Any], place: _Place) -> None:
    if rows.dtype.kind == "f":
        _check_each(np.isfinite(rows), rows, "finite numbers", place)
    if place.model.value_range is not None:
        low, high = place.model.value_range
        inside = (rows >= low) & (rows <= high)
        _check_each(inside, rows, f"values from {low:g} to {high:g}", place)


def _check_each(good: NDArray[np.bool_], rows: NDArray[Any], expected: str, place: _Place) -> None:
    if good.all():
        return
    row, *position = (int(i) for i in np.argwhere(~good)[0])
    bad_rows = len(np.unique(np.argwhere(~good)[:, 0]))
    raise ValueError(
        f"x: expected {expected}. Received: {rows[(row, *position)]}{place.of(row)}, "
        f"{_feature(position, place.model)}"
        f"{place.among(f'{int((~good).sum())} such values in {bad_rows} rows')}."
    )


def _check_one_hot(rows: NDArray[Any], place: _Place) -> None:
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


def _feature(position: list[int], model: RowSpec) -> str:
    if model.feature_names is not None:
        if column := column_of(position[-1], model.feature_names, model.categories or {}):
            return f"column {column!r}"
        inside = f" at position {tuple(position[:-1])}" if len(position) > 1 else ""
        return f"feature {model.feature_names[position[-1]]!r}{inside}"
    return f"feature {position[0] if len(position) == 1 else tuple(position)}"
