"""Likelihood of tables whose columns are of several kinds."""

from typing import Any

import keras
import numpy as np
from keras import ops

from vae_keras._base.arrays import Array, Tensor

from .categorical import columns
from .members import draw, title_of


@keras.saving.register_keras_serializable(package="vae_keras")
class Mixed(keras.layers.Layer):
    """The first columns follow one likelihood, the next another, and so on; independent given z.

    >>> layer = Mixed([Gaussian(), Categorical((3, 2))], widths=(4, 5))  # 4 numbers, 5 columns
    >>> layer.title
    'gaussian, categorical'

    Args:
        parts: likelihoods of columns, in order.
        widths: how many columns each takes.
    """

    support = None

    @property
    def title(self) -> str:
        """Titles of its parts, separated by commas."""
        return ", ".join(map(title_of, self.parts))

    def __init__(
        self, parts: list[keras.layers.Layer], widths: tuple[int, ...], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if len(parts) != len(widths):
            raise ValueError(
                f"expected a width for each of {len(parts)} parts. Received: {len(widths)} widths."
            )
        self.parts, self.widths = list(parts), tuple(int(width) for width in widths)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Builds each part on its columns."""
        if len(input_shape) != 2 or sum(self.widths) != input_shape[-1]:
            raise ValueError(
                f"expected rows of {sum(self.widths)} columns, for parts of "
                f"{', '.join(map(str, self.widths))}. Received: rows of shape {input_shape[1:]}."
            )
        for part, width in zip(self.parts, self.widths, strict=True):
            if not part.built:
                part.build((None, width))

    def feature_nll(self, x: Tensor, parameters: Tensor, training: bool = False) -> Tensor:
        """Joins each part's nll of its own columns, in nats."""
        own = (columns(value, self.widths) for value in (x, parameters))
        split = zip(self.parts, *own, strict=True)
        each = [part.feature_nll(*given, training=training) for part, *given in split]
        return ops.concatenate(each, axis=-1)

    def mean(self, parameters: Tensor) -> Tensor:
        """Joins each part's mean of its own columns."""
        split = zip(self.parts, columns(parameters, self.widths), strict=True)
        return ops.concatenate([part.mean(own) for part, own in split], axis=-1)

    def draw(self, mean: Array, rng: np.random.Generator) -> Array:
        """Joins each part's draw of its own columns."""
        own = np.split(mean, np.cumsum(self.widths)[:-1], axis=-1)
        each = [draw(part, columns, rng) for part, columns in zip(self.parts, own, strict=True)]
        return np.concatenate(each, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, serialised."""
        parts = [keras.saving.serialize_keras_object(part) for part in self.parts]
        return {**super().get_config(), "parts": parts, "widths": list(self.widths)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Mixed":
        """The layer that `get_config` describes."""
        parts = [keras.saving.deserialize_keras_object(part) for part in config["parts"]]
        return cls(**{**config, "parts": parts})
