"""Arrays from outside, as the graphs of a model take them, once shape and values are checked."""

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_runtime.bundle.manifest import Model
from vae_runtime.bundle.records import RowSpec

from .frames import leaves, named_array, names_columns
from .names.categories import Categories
from .value_checks import (
    NUMBERS,
    Place,
    check_one_hot,
    check_some,
    check_values,
    convert,
    with_stand_ins,
)


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
            rows = convert(rows, self.dtype, Place(self._model, first_row))
        present = rows
        if self._allow_missing and self._is_float and np.isnan(rows).any():
            check_some(rows, Place(self._model, first_row))
            present = with_stand_ins(rows, self._model)
        if not self._is_usable(present):
            check_values(present, Place(self._model, first_row))
        if self._model.one_hot:
            check_one_hot(present, Place(self._model, first_row))
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
        if rows.dtype.kind not in NUMBERS:
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
