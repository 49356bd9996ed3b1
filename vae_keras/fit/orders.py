"""Order of the rows in each epoch, as data for `fit` that has one element an epoch.

Seed and epoch alone decide it, and it is that in which `batches.Shuffled` gives the rows.

Under TensorFlow the data have no end, and `fit` is told how many elements it is to take: data that
end are begun anew in each epoch, which takes as long as the epoch of a small table.
"""

from typing import Any

import keras
import numpy as np

from vae_keras._base.arrays import Array
from vae_keras.data.datasets import Rows, epoch_rows

from .progress import Logs


class Orders(keras.callbacks.Callback):
    """Orders of the rows, shuffled anew for each epoch.

    `data` is what `fit` takes. This must be among the callbacks as well, which is how it learns
    which epoch it is.

    Args:
        x: rows, of which windows are drawn, see `Shuffled`.
        seed: of all permutations.
    """

    def __init__(self, x: Rows, *, seed: int) -> None:
        super().__init__()
        make = _Shuffle if keras.backend.backend() == "tensorflow" else _Permutation
        self._order = make(len(x), epoch_rows(x), seed)
        self.data = self._order.data

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Shuffles for this epoch."""
        self._order.begin(epoch)


def in_order(rows: int) -> Any:
    """Data for `fit` or `evaluate` of one element: all rows in order."""
    order = np.arange(rows, dtype=np.int32)
    if keras.backend.backend() != "tensorflow":
        return _Element(order)
    import tensorflow as tf

    return _endless(tf.data.Dataset.from_tensors((order,)))


def elements_an_epoch() -> dict[str, int]:
    """Arguments that tell `fit` to take one element of such data an epoch."""
    endless = keras.backend.backend() == "tensorflow"
    return {"steps_per_epoch": 1, "validation_steps": 1} if endless else {}


def _endless(data: Any) -> Any:
    """Data again and again, each element made when it is asked for: none before its epoch."""
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.inject_prefetch = False
    return data.repeat().with_options(options)


class _Shuffle:
    """Random order under TensorFlow, by its function that permutes number by number."""

    def __init__(self, rows: int, drawn: int, seed: int) -> None:
        import tensorflow as tf

        self._epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        last = tf.constant(rows - 1, tf.int64)

        def order(_: Any) -> Any:
            key = tf.stack([tf.constant(seed, tf.int64), self._epoch.read_value()])
            numbers = tf.range(drawn, dtype=tf.int64)
            return (tf.random.experimental.index_shuffle(numbers, key, last),)

        self.data = _endless(tf.data.Dataset.range(1)).map(order)

    def begin(self, epoch: int) -> None:
        self._epoch.assign(epoch)


class _Permutation:
    """Random order under other backends, by numpy."""

    def __init__(self, rows: int, drawn: int, seed: int) -> None:
        self._rows, self._seed = rows, seed
        self.data = _Element(np.arange(drawn))

    def begin(self, epoch: int) -> None:
        rng = np.random.default_rng((self._seed, epoch))
        self.data.order = rng.permutation(self._rows)[: len(self.data.order)]


class _Element(keras.utils.PyDataset):
    def __init__(self, order: Array) -> None:
        super().__init__()
        self.order = order

    def __len__(self) -> int:
        return 1

    def __getitem__(self, number: int) -> tuple[Array]:
        return (self.order,)
