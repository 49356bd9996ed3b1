"""Arrays from outside: taken where they fit, refused with row and feature named where not."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .manifest import Model


def check_rows(x: ArrayLike, model: Model) -> NDArray[Any]:
    """`x` as the graphs take it: (batch, *input_shape), the model's dtype, every value usable.

    Floating-point numbers of any width become the model's float32, as they did in training.
    Integers are refused where floats are expected: 0..255 given to a model of 0..1, or raw ADC
    counts to a model of degrees, is the mistake that no later check can see.

    Raises:
        ValueError: with what was expected, what was received, and where.
    """
    if isinstance(x, np.ma.MaskedArray):
        raise ValueError(
            "x: expected an array. Received: a masked array, whose mask would be lost."
        )
    rows = np.asarray(x)
    _check_shape("x", rows, model.input_shape)
    rows = _as_dtype("x", rows, np.dtype(model.input_dtype))
    if rows.dtype.kind == "f":
        _check_each(np.isfinite(rows), rows, "finite numbers", model)
    if model.value_range is not None:
        low, high = model.value_range
        inside = (rows >= low) & (rows <= high)
        _check_each(inside, rows, f"values from {low:g} to {high:g}", model)
    _check_one_hot(rows, model)
    return rows


def check_latents(z: ArrayLike, latent_dim: int) -> NDArray[np.float32]:
    """`z` as the decoder takes it: float32 (batch, latent_dim), finite; else ValueError."""
    rows = np.asarray(z)
    _check_shape("z", rows, (latent_dim,))
    rows = _as_dtype("z", rows, np.dtype(np.float32))
    if not np.isfinite(rows).all():
        raise ValueError("z: expected finite numbers. Received: NaN or infinity.")
    return rows.astype(np.float32, copy=False)


def _check_shape(name: str, rows: NDArray[Any], shape: tuple[int, ...]) -> None:
    expected = f"({', '.join(['batch', *map(str, shape)])})"
    if rows.shape == shape:
        raise ValueError(
            f"{name}: expected shape {expected}. Received: {rows.shape}, a single row. "
            f"Pass {name}[None] for a batch of one."
        )
    if rows.ndim != len(shape) + 1 or rows.shape[1:] != shape:
        raise ValueError(f"{name}: expected shape {expected}. Received: {rows.shape}.")
    if len(rows) == 0:
        raise ValueError(f"{name}: expected at least one row. Received: an empty array.")


def _as_dtype(name: str, rows: NDArray[Any], expected: np.dtype[Any]) -> NDArray[Any]:
    if rows.dtype == expected:
        return rows
    if rows.dtype.kind == "f" and expected.kind == "f":
        with np.errstate(over="ignore"):  # becomes infinity, which is then refused by row
            return rows.astype(expected)
    hint = ""
    if rows.dtype.kind in "iu" and expected.kind == "f":
        hint = (
            f" If these are in the units of the training data, pass {name}.astype(np.{expected})."
        )
    raise ValueError(f"{name}: expected dtype {expected}. Received: {rows.dtype}.{hint}")


def _check_each(good: NDArray[np.bool_], rows: NDArray[Any], expected: str, model: Model) -> None:
    if good.all():
        return
    row, *position = (int(i) for i in np.argwhere(~good)[0])
    value = rows[(row, *position)]
    raise ValueError(
        f"x: expected {expected}. Received: {value} in row {row}, {_feature(position, model)} "
        f"({int((~good).sum())} such values in {len(np.unique(np.argwhere(~good)[:, 0]))} rows)."
    )


def _check_one_hot(rows: NDArray[Any], model: Model) -> None:
    """Refuses rows of a category that the model does not know, which would score as no surprise."""
    end = model.input_shape[-1] - sum(model.one_hot)
    for size in model.one_hot:
        start, end = end, end + size
        group = rows[:, start:end]
        bad = np.flatnonzero(((group != 0) & (group != 1)).any(1) | (group.sum(1) != 1))
        if len(bad):
            names = model.feature_names or tuple(f"feature {i}" for i in range(end))
            raise ValueError(
                f"x: expected exactly one 1 among {', '.join(names[start:end])}. Received: "
                f"{group[bad[0]].tolist()} in row {bad[0]} ({len(bad)} such rows)."
            )


def _feature(position: list[int], model: Model) -> str:
    if model.feature_names is not None:
        inside = f" at position {tuple(position[:-1])}" if len(position) > 1 else ""
        return f"feature {model.feature_names[position[-1]]!r}{inside}"
    return f"feature {position[0] if len(position) == 1 else tuple(position)}"
