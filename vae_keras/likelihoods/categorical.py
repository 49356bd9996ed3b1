"""Likelihood of one-hot groups: columns of which exactly one is 1."""

from typing import Any

import keras
import numpy as np
from keras import ops

from vae_keras._base.arrays import Array, Tensor


@keras.saving.register_keras_serializable(package="vae_keras")
class Categorical(keras.layers.Layer):
    """Likelihood of one-hot groups; the decoder's output is `x_logits`, with a softmax a group.

    Args:
        groups: number of columns of each group, in order; together all columns.

    >>> probabilities = Categorical((4, 2)).mean(np.zeros((1, 6), np.float32))
    >>> np.array(probabilities).tolist()
    [[0.25, 0.25, 0.25, 0.25, 0.5, 0.5]]
    """

    title = "categorical"
    support, applies = (0.0, 1.0), "softmax"

    def __init__(self, groups: tuple[int, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.groups = tuple(int(size) for size in groups)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Checks that the groups are the columns."""
        if len(input_shape) != 2 or sum(self.groups) != input_shape[-1]:
            raise ValueError(
                f"expected rows of {sum(self.groups)} one-hot columns, for groups of "
                f"{', '.join(map(str, self.groups))}. Received: rows of shape {input_shape[1:]}."
            )

    def feature_nll(self, x: Tensor, x_logits: Tensor, training: bool = False) -> Tensor:
        """-x log softmax(l), in nats: 0 except in the column of a group that is 1."""
        each = [ops.log_softmax(logits) for logits in columns(x_logits, self.groups)]
        return -x * ops.concatenate(each, axis=-1)

    def mean(self, x_logits: Tensor) -> Tensor:
        """The probability of each column, which sum to 1 in each group."""
        each = [ops.softmax(logits) for logits in columns(x_logits, self.groups)]
        return ops.concatenate(each, axis=-1)

    def draw(self, mean: Array, rng: np.random.Generator) -> Array:
        """The most probable column of each group."""
        groups = np.split(mean, np.cumsum(self.groups)[:-1], axis=-1)
        return np.concatenate([np.eye(own.shape[-1])[own.argmax(-1)] for own in groups], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "groups": list(self.groups)}


def columns(value: Tensor, widths: tuple[int, ...]) -> list[Tensor]:
    """Neighbouring columns as tensors of their own, of these widths."""
    ends = np.cumsum(widths).tolist()
    return [value[..., end - width : end] for end, width in zip(ends, widths, strict=True)]
