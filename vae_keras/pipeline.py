"""Batches in an order that depends on the seed and the epoch alone, so that training can resume.

Every epoch is a new permutation of the rows that is computed, not remembered: epoch 7 after a crash
has the order that it would have had.
"""

from typing import Any

import keras
import numpy as np

from .arrays import Array


def batches(x: Array, batch_size: int, *, seed: int, first_epoch: int, epochs: int) -> Any:
    """Shuffled batches of all rows for each of `epochs`, from `first_epoch` (counted from 0) on.

    Args:
        x: (rows, ...); the last batch of an epoch is smaller where it must be.
        batch_size: rows a batch.
        seed: of all permutations.
        first_epoch: where to begin.
        epochs: where to end.

    Returns:
        What `fit` takes, with `steps_per_epoch` of `steps_an_epoch`.
    """
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_batches(x, batch_size, seed, range(first_epoch, epochs))
    return _Batches(x, batch_size, seed, first_epoch)


def steps_an_epoch(rows: int, batch_size: int) -> int:
    """How many batches an epoch has."""
    return -(-rows // batch_size)


def _tensorflow_batches(x: Array, batch_size: int, seed: int, epochs: range) -> Any:
    """A permutation that is evaluated index by index, inside TensorFlow: nothing is ever stored."""
    import tensorflow as tf

    rows, steps = len(x), steps_an_epoch(len(x), batch_size)
    data = tf.constant(x)

    def batch(step: Any) -> Any:
        epoch, position = step // steps, step % steps * batch_size
        inside = tf.range(position, tf.minimum(position + batch_size, rows))
        key = tf.stack([tf.constant(seed, tf.int64), epoch])
        shuffled = tf.random.experimental.index_shuffle(
            inside, key, tf.constant(rows - 1, tf.int64)
        )
        return (tf.gather(data, shuffled),)

    numbers = tf.data.Dataset.range(epochs.start * steps, epochs.stop * steps)
    return numbers.map(batch, tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


class _Batches(keras.utils.PyDataset):
    """The same for other backends, where numpy permutes at the start of each epoch."""

    def __init__(self, x: Array, batch_size: int, seed: int, epoch: int) -> None:
        super().__init__()
        self.x, self.batch_size, self.seed, self.epoch = x, batch_size, seed, epoch
        self._permute()

    def __len__(self) -> int:
        return steps_an_epoch(len(self.x), self.batch_size)

    def __getitem__(self, step: int) -> tuple[Array]:
        start = step * self.batch_size
        return (self.x[self._order[start : start + self.batch_size]],)

    def on_epoch_end(self) -> None:
        """Permutes for the next epoch."""
        self.epoch += 1
        self._permute()

    def _permute(self) -> None:
        self._order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.x))
