"""Expectation of each value of a row as the others of its row lead a mixture to expect it."""

import math
from typing import Any

import numpy as np

from vae_keras._base.arrays import Array, Tensor
from vae_runtime.bundle.interfaces import has_channels
from vae_runtime.bundle.manifest import RowSpec


def features_together(spec: RowSpec) -> dict[str, Array]:
    """Values that are replaced together, by the name of the expectation that is asked for.

    A one-hot group is one feature: none of its columns says what another is expected to be. Where
    channels have names, a second output has each channel expected at all places at once.

    Returns:
        `x_expected` and, with channels, `channels_expected`: float32 (features, values), 1 where a
        value of a flattened row is of a feature.
    """
    together = {"x_expected": _values(spec)}
    if has_channels(spec.feature_names, spec.input_shape):
        together["channels_expected"] = _channels(spec)
    return together


def expect(vae: Any, x: Tensor, features: Array) -> Tensor:
    """Expected values in the data's units, (batch, *input_shape), of a model with a mixture."""
    expected = vae.mixture.given_others(vae.preprocessing(x), features)
    return vae.preprocessing.inverse(expected)


def _values(spec: RowSpec) -> Array:
    """Float32 (features, values): 1 where a value is of a feature; those of a group are of one."""
    values = math.prod(spec.input_shape)
    sizes = [1] * (values - sum(spec.one_hot)) + [*spec.one_hot]
    return np.repeat(np.eye(len(sizes), dtype=np.float32), sizes, axis=1)


def _channels(spec: RowSpec) -> Array:
    """Float32 (channels, values): 1 where a value is of a channel, which is the last axis."""
    *places, channels = spec.input_shape
    return np.tile(np.eye(channels, dtype=np.float32), math.prod(places))
