"""Batches in an order that depends on the seed and the epoch alone, so that training can resume.

Every epoch is a new permutation of the rows that is computed, not remembered: epoch 7 after a crash
has the order that it would have had.
"""

from typing import Any

import keras
import numpy as np

from .arrays import Array
from .progress import Logs


class Shuffled(keras.callbacks.Callback):
    """All rows in batches, shuffled anew for each epoch; the last is smaller where it must be.

    `data` is what `fit` takes, one epoch long. This must be among the callbacks as well, which is
    how it learns which epoch it is.

    Args:
        x: (rows, ...).
        batch_size: rows a batch.
        seed: of all permutations.
    """

    def __init__(self, x: Array, batch_size: int, *, seed: int) -> None:
        super().__init__()
        tensorflow = keras.backend.backend() == "tensorflow"
        self.steps = steps_an_epoch(len(x), batch_size)
        self._order: Any = (_IndexShuffle if tensorflow else _Permutation)(x, batch_size, seed)
        self.data = self._order.data

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Shuffles for this epoch."""
        self._order.begin(epoch)


def steps_an_epoch(rows: int, batch_size: int) -> int:
    """How many batches an epoch has."""
    return -(-rows // batch_size)


class _IndexShuffle:
    """For TensorFlow: a permutation that is evaluated index by index; nothing is ever stored."""

    def __init__(self, x: Array, batch_size: int, seed: int) -> None:
        import tensorflow as tf

        self._epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        data, rows = tf.constant(x), tf.constant(len(x), tf.int64)

        def batch(step: Any) -> Any:
            inside = tf.range(step * batch_size, tf.minimum((step + 1) * batch_size, rows))
            key = tf.stack([tf.constant(seed, tf.int64), self._epoch.read_value()])
            return (tf.gather(data, tf.random.experimental.index_shuffle(inside, key, rows - 1)),)

        steps = tf.data.Dataset.range(steps_an_epoch(len(x), batch_size))
        self.data = steps.map(batch, tf.data.AUTOTUNE, deterministic=True).prefetch(2)

    def begin(self, epoch: int) -> None:
        self._epoch.assign(epoch)


class _Permutation:
    """For other backends: numpy permutes at the start of each epoch."""

    def __init__(self, x: Array, batch_size: int, seed: int) -> None:
        self.data, self._seed = _Batches(x, batch_size), seed

    def begin(self, epoch: int) -> None:
        self.data.order = np.random.default_rng((self._seed, epoch)).permutation(len(self.data.x))


class _Batches(keras.utils.PyDataset):
    def __init__(self, x: Array, batch_size: int) -> None:
        super().__init__()
        self.x, self.batch_size, self.order = x, batch_size, np.arange(len(x))

    def __len__(self) -> int:
        return steps_an_epoch(len(self.x), self.batch_size)

    def __getitem__(self, step: int) -> tuple[Array]:
        start = step * self.batch_size
        return (self.x[self.order[start : start + self.batch_size]],)
