"""Scaling of rows inside the model, so that no device can do it wrongly."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from vae_keras._base.arrays import Array, Tensor
from vae_keras.data.datasets import Rows, blocks

# A standardised value beyond 50 standard deviations says nothing more than "far away", and clipping
# it keeps every later product finite: a sensor that reports 1e30 gets a high score, not a NaN.
CLIP = 50.0


@keras.saving.register_keras_serializable(package="vae_keras")
class Scaling(keras.layers.Layer):
    """Layer that computes clip((x - offset) / scale, low, high), in float32.

    (Keras's `Rescaling` computes x * scale + offset, which cancels badly where the mean is large
    against the spread; its `Normalization` becomes an extra graph input when exported.)

    Args:
        offset, scale: a number, or one for each feature as an array that broadcasts with a row.
        low, high: limits after scaling; None for no limit.

    >>> scaling = Scaling(offset=20.0, scale=5.0)
    >>> scaled = scaling(np.array([15.0, 30.0]))
    >>> np.array(scaled).tolist(), np.array(scaling.inverse(scaled)).tolist()
    ([-1.0, 2.0], [15.0, 30.0])
    """

    def __init__(
        self,
        offset: ArrayLike = 0.0,
        scale: ArrayLike = 1.0,
        low: float | None = None,
        high: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.offset = np.asarray(offset, np.float32)
        self.scale = np.asarray(scale, np.float32)
        self.low, self.high = low, high

    def call(self, x: Tensor) -> Tensor:
        """Scales rows x of any numeric dtype; returns float32 of x's shape."""
        x = (ops.cast(x, "float32") - self.offset) / self.scale
        return x if self.low is None else ops.clip(x, self.low, self.high)

    def inverse(self, x: Tensor) -> Tensor:
        """Scales back to the data's own units."""
        return x * self.scale + self.offset

    @contextmanager
    def numbers(self, offset: Tensor, scale: Tensor) -> Iterator[None]:
        """Computes with these tensors within a `with` block: a program's arguments, say."""
        own, (self.offset, self.scale) = (self.offset, self.scale), (offset, scale)
        try:
            yield
        finally:
            self.offset, self.scale = own

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as plain numbers and lists."""
        arrays = {"offset": self.offset.tolist(), "scale": self.scale.tolist()}
        return {**super().get_config(), **arrays, "low": self.low, "high": self.high}


def to_unit_interval(value_range: tuple[float, float]) -> Scaling:
    """Makes a `Scaling` that maps value_range to [0, 1], for likelihoods on that interval."""
    low, high = value_range
    if not low < high:
        raise ValueError(f"expected values that vary. Received: all equal to {low:g}.")
    return Scaling(low, high - low, 0.0, 1.0, name="preprocessing")


def standardize(
    x: Rows,
    feature_names: tuple[str, ...] | None = None,
    *,
    keep: int = 0,
    more: Callable[[], Rows] | None = None,
) -> Scaling:
    """Makes a `Scaling` to mean 0 and standard deviation 1, from training rows.

    Args:
        x: (rows, features) is scaled feature by feature, windows (rows, window, channels) channel
            by channel; images as a whole. An array or a stream.
        feature_names: for the error message.
        keep: how many of the last features stay as they are, being 0 or 1.
        more: gives normal rows, x among them, whose deviation a feature has that is constant in x:
            one that is rarely another than usual is so by chance, where rows are few.

    Raises:
        ValueError: a feature is constant, so that it has no scale; names it.
    """
    mean, std = _moments(x)
    if keep:
        mean[-keep:], std[-keep:] = 0.0, 1.0
    if more is not None and len(_constant(mean, std)):
        std = np.where(std <= _rounding(mean), _moments(more())[1], std)
    constant = _constant(mean, std)
    if len(constant):
        names = [str(feature_names[i]) if feature_names else str(i) for i in constant]
        raise ValueError(
            f"expected features that vary. Received: {len(names)} constant in the training rows: "
            f"{', '.join(names[:10])}. Leave them out (of a table: --columns names those to take, "
            "--bad-columns drop leaves out those that never change)."
        )
    return Scaling(mean, std, -CLIP, CLIP, name="preprocessing")


def _moments(x: Rows) -> tuple[Array, Array]:
    """Mean and deviation of each feature, of each channel, or of images as a whole."""
    mean, variance = moments(blocks(x))
    pooled = tuple(range(mean.ndim - 1)) if mean.ndim < 3 else None
    return mean.mean(pooled), np.sqrt(variance.mean(pooled) + mean.var(pooled))


def _constant(mean: Array, std: Array) -> Array:
    """Numbers of the features that do not vary, up to rounding."""
    return np.flatnonzero(std <= _rounding(mean))


def _rounding(mean: Array) -> Array:
    """Deviation that rounding alone gives a feature of this mean."""
    return np.asarray(1e-7 * np.abs(mean))


def moments(x: Iterable[Array]) -> tuple[Array, Array]:
    """Mean and variance over the rows of all blocks: float64 of a row's shape each.

    Source: Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance".
    """
    rows, mean, squares = 0, np.array(0.0), np.array(0.0)
    for block in x:
        if not len(block):  # a part of a table may have no row that belongs
            continue
        block = block.astype(np.float64)
        own = block.mean(0)
        shift, rows = own - mean, rows + len(block)
        squares = squares + ((block - own) ** 2).sum(0)
        squares += shift**2 * (len(block) * (rows - len(block)) / rows)
        mean = mean + shift * (len(block) / rows)
    return mean, squares / rows
