"""Missing values, each replaced by what the other values of its row lead one to expect.

The score's mixture says what a value is expected to be given all others, see `attribution`. Where
several are missing, each is expected from a guess of the others: all begin at the middle of what
training saw, and are expected anew, some times over.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_runtime.backends.graphs import Graphs
from vae_runtime.bundle.interfaces import has_channels
from vae_runtime.bundle.manifest import Manifest, Model
from vae_runtime.errors import BundleError
from vae_runtime.rows.arrays import RowCheck

from .attribution import as_rows, one_hot_groups

CHOICES = ("refuse", "expect")  # what becomes of rows with missing values
ROUNDS = 3  # more change hardly a score, see benchmarks/missing.py

Array = NDArray[np.float32]


class Expected(NamedTuple):
    """Expected values of rows, each (batch, *input_shape).

    Args:
        values: each from all others of its row.
        channels: of windows, each from all other channels; None where channels have no names.
    """

    values: Array
    channels: Array | None = None


class MissingValues:
    """Fills in the missing values of rows for one bundle. Safe to share between threads.

    Args:
        manifest: of the bundle.
        graphs: of the bundle.

    Raises:
        BundleError: the bundle's score has no mixture, which is what expects values.
    """

    def __init__(self, manifest: Manifest, graphs: Graphs) -> None:
        check_offered(manifest)
        self._model, self._graphs = manifest.model, graphs
        self._check = RowCheck(self._model, allow_missing=True)
        named = has_channels(self._model.feature_names, self._model.input_shape)
        self._outputs = ("x_expected", "channels_expected") if named else ("x_expected",)

    def filled(self, x: ArrayLike) -> NDArray[Any]:
        """Rows without missing values, (batch, *input_shape); see `fill`. Whole ones stay as given.

        Raises:
            ValueError: rows do not fit, or one has no value at all.
        """
        rows = self._check(self._check.as_array(x))
        lacking = np.isnan(rows).any(axis=tuple(range(1, rows.ndim)))
        if not lacking.any():
            return rows
        rows = rows.copy()
        rows[lacking] = fill(rows[lacking], self._model, self._expect)
        return rows

    def _expect(self, rows: NDArray[Any]) -> Expected:
        return Expected(*self._graphs.ask("replacements", self._outputs, rows))


def check_offered(manifest: Manifest) -> None:
    """Raises BundleError for a bundle that cannot say what a missing value is expected to be."""
    if manifest.model.mixture is None:
        raise BundleError(
            "expected a bundle whose score has a mixture, which says what a missing value is "
            "expected to be. Received: one without (--centres 0, or images). Leave rows out that "
            "lack a value (--on-bad-row reject)."
        )
    if manifest.model.input_dtype != "float32":
        raise BundleError(
            "expected a model of float32 rows, in which a value can be missing. Received: one of "
            f"{manifest.model.input_dtype}."
        )
    if manifest.format_version == 1:
        raise BundleError(
            "expected a bundle that holds what values are expected to be. Received: one of format "
            "version 1. Export the run again."
        )


def fill(
    x: NDArray[Any],
    model: Model,
    expect: Callable[[NDArray[Any]], Expected],
    *,
    rounds: int = ROUNDS,
) -> NDArray[np.float32]:
    """Replaces each NaN by an expected value.

    Args:
        x: (batch, *input_shape), NaN where a value is missing, some value in each row; of a one-hot
            group all are taken as missing where one is.
        model: whose rows they are.
        expect: gives the expected values of whole rows.
        rounds: how often values are expected from each other.
    """
    missing = _missing(x, model)
    rows = as_rows(np.where(missing, _middle(model), x).astype(np.float32), model)
    # of a channel that is missing in all of a window, no value says what another is
    silent = missing.all(axis=1, keepdims=True) if x.ndim == 3 else np.zeros((1,) * x.ndim, bool)
    for _ in range(rounds):
        values, channels = expect(rows)
        guess = values if channels is None else np.where(silent, channels, values)
        rows = np.where(missing, as_rows(guess, model), rows)
    return np.where(missing, rows, x).astype(np.float32)


def _missing(x: NDArray[Any], model: Model) -> NDArray[np.bool_]:
    missing: NDArray[np.bool_] = np.isnan(x)
    for group in one_hot_groups(model):
        missing[:, group] |= missing[:, group].any(axis=1, keepdims=True)
    return missing


def _middle(model: Model) -> Array:
    """Middle of what training saw of each value: input_shape, in the data's units."""
    offset = np.array(model.preprocessing.offset, np.float32)
    if len(offset) == math.prod(model.input_shape):
        offset = offset.reshape(model.input_shape)
    return np.broadcast_to(offset, model.input_shape)
