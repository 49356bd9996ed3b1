"""Distance of answers from expected ones: at most, and as a share of their spread."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scaling = tuple[NDArray[Any], NDArray[Any]]

# What a float32 number of the data's own units is good for, as a share of it. An engine may fold
# offset and scale into a decoder's last layer (LiteRT does), and then adds that layer's terms, of
# which there are hundreds, to a number as large as the offset: seen to be off by 17 eps at 512 of
# them, by 39 at 2048.
RESOLUTION = 64 * float(np.finfo(np.float32).eps)

FLAT = 1e-5  # of the largest magnitude, or of 1, that is no noise: rows may differ by less


def deviation(
    expected: NDArray[Any],
    received: NDArray[Any],
    error_scale: float = 0.0,
    *,
    scaling: Scaling | None = None,
) -> float:
    """The largest |received - expected| as a share of the largest |expected|.

    Args:
        expected, received: (batch, ...) of one shape; else they are infinitely far apart, as they
            are where anything is not finite.
        error_scale: the least that it is a share of: a nat, a latent's prior deviation.
        scaling: offset and scale of pre-processing, for an output in the data's own units. It is
            measured in the model's, so that millimetres count beside 101325 +- 1 pascals and these
            by their +- 1, after what float32 cannot resolve of a number as large.
    """
    if not _comparable(expected, received):
        return float("inf")
    size = np.abs(_in_units_of_the_model(expected, scaling))
    magnitude = max(float(size.max()), error_scale)
    largest = float(_difference(expected, received, scaling).max())
    return largest / magnitude if magnitude else (0.0 if largest == 0 else float("inf"))


def noise(
    expected: NDArray[Any], received: NDArray[Any], *, scaling: Scaling | None = None
) -> float:
    """Root mean square error, as a share of the spread of the expected answers.

    No parity or error scale of the manifest has a part in it. Its scaling has, but pre-processed
    rows have a spread of 1 or less, and none counts as more.

    Args:
        expected, received, scaling: as of `deviation`.
    """
    if not _comparable(expected, received):
        return float("inf")
    values = _in_units_of_the_model(expected, scaling)
    spread, error = float(values.std()), _rms(_difference(expected, received, scaling))
    if scaling is None:
        error -= FLAT * max(1.0, float(np.abs(values).max()))
    else:
        spread = min(spread, 1.0)
    return 0.0 if error <= 0 else error / spread if spread else float("inf")


def as_row(values: Sequence[float], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Array that broadcasts with a row, of one value, one for each of the last axis, or all."""
    array = np.array(values, np.float32)
    return array.reshape(shape) if array.size == math.prod(shape) else array


def _comparable(expected: NDArray[Any], received: NDArray[Any]) -> bool:
    """True for finite numbers of one shape, one or more."""
    return bool(
        received.shape == expected.shape
        and expected.size
        and np.isfinite(received).all()
        and np.isfinite(expected).all()
    )


def _difference(
    expected: NDArray[Any], received: NDArray[Any], scaling: Scaling | None
) -> NDArray[np.float64]:
    """Difference of each number, in the model's units."""
    difference: NDArray[np.float64] = np.abs(received.astype(np.float64) - expected)
    if scaling is None:
        return difference
    beyond = np.maximum(difference - RESOLUTION * np.abs(expected), 0.0)
    return np.asarray(beyond / np.abs(scaling[1]))


def _in_units_of_the_model(values: NDArray[Any], scaling: Scaling | None) -> NDArray[np.float64]:
    exact = values.astype(np.float64)
    return exact if scaling is None else np.asarray((exact - scaling[0]) / scaling[1])


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
