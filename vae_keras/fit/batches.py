"""Shuffled batches in an order that seed and epoch alone decide, so that training can resume.

Every epoch is a new permutation of the rows that is computed, not remembered: epoch 7 after a crash
has the order that it would have had.
"""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from vae_keras._base.arrays import Array, Tensor
from vae_keras.data.datasets import Rows, epoch_rows
from vae_keras.data.offsets import Windows
from vae_keras.data.streams import Stream

from .progress import Logs

XY = tuple[Rows, ...]  # of equal length: x, or x and y
Place = Callable[[Array], Tensor]

PREFETCHED_BATCHES = 40  # batches of a stream that are read ahead


class Shuffled(keras.callbacks.Callback):
    """Batches of all rows, shuffled anew for each epoch; the last batch may be smaller.

    Of windows at every offset, an epoch has as many as are counted, drawn anew from all of them.

    `data` is what `fit` takes, one epoch long. This must be among the callbacks as well, which is
    how it learns which epoch it is.

    Args:
        x: (rows, ...), an array, a stream, or windows.
        batch_size: rows a batch.
        seed: of all permutations.
        y: (rows,), labels that stay with their rows; batches are (x,) where None.
        place: puts a batch where it is wanted; TensorFlow sees to that itself.
    """

    def __init__(
        self,
        x: Rows,
        batch_size: int,
        *,
        seed: int,
        y: Array | None = None,
        place: Place = np.asarray,
    ) -> None:
        super().__init__()
        self.steps = steps_an_epoch(epoch_rows(x), batch_size)
        arrays = (x,) if y is None else (x, y)
        tensorflow, stream = keras.backend.backend() == "tensorflow", isinstance(x, Stream)
        self._order: _IndexShuffle | _Permutation | _StreamDataset | _StreamBatches
        if tensorflow and stream:
            self._order = _StreamDataset(x, batch_size, seed)
        elif tensorflow:
            self._order = _IndexShuffle(arrays, batch_size, seed)
        elif stream:
            self._order = _StreamBatches(x, batch_size, seed, place)
        else:
            self._order = _Permutation(arrays, batch_size, seed, place)
        self.data = self._order.data

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Shuffles for this epoch."""
        self._order.begin(epoch)


def steps_an_epoch(rows: int, batch_size: int) -> int:
    """Number of batches in an epoch."""
    return -(-rows // batch_size)


class _IndexShuffle:
    """Random order under TensorFlow: a permutation computed index by index, never stored."""

    def __init__(self, arrays: XY, batch_size: int, seed: int) -> None:
        import tensorflow as tf

        self._epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        takers = [_taker(a) for a in arrays]
        last, rows = tf.constant(len(arrays[0]) - 1, tf.int64), epoch_rows(arrays[0])

        def batch(step: Any) -> Any:
            inside = tf.range(step * batch_size, tf.minimum((step + 1) * batch_size, rows))
            key = tf.stack([tf.constant(seed, tf.int64), self._epoch.read_value()])
            shuffled = tf.random.experimental.index_shuffle(inside, key, last)
            return tuple(take(shuffled) for take in takers)

        steps = tf.data.Dataset.range(steps_an_epoch(rows, batch_size))
        self.data = steps.map(batch, tf.data.AUTOTUNE, deterministic=True).prefetch(2)

    def begin(self, epoch: int) -> None:
        self._epoch.assign(epoch)


def _taker(array: Rows) -> Callable[[Tensor], Tensor]:
    """Function that takes rows by their numbers, in TensorFlow."""
    import tensorflow as tf

    if not isinstance(array, Windows):
        data = tf.constant(array)
        return lambda rows: tf.gather(data, rows)
    table, starts = tf.constant(array.table), tf.constant(array.starts, tf.int64)
    inside = tf.range(array.window, dtype=tf.int64)
    return lambda rows: tf.gather(table, tf.gather(starts, rows)[:, None] + inside)


class _Permutation:
    """Random order under other backends: numpy permutes at the start of each epoch."""

    def __init__(self, arrays: XY, batch_size: int, seed: int, place: Place = np.asarray) -> None:
        self.data, self._seed = _Batches(arrays, batch_size, place), seed

    def begin(self, epoch: int) -> None:
        rng = np.random.default_rng((self._seed, epoch))
        self.data.order = rng.permutation(self.data.rows)[: len(self.data.order)]


class _Batches(keras.utils.PyDataset):
    def __init__(self, arrays: XY, batch_size: int, place: Place) -> None:
        super().__init__()
        self.arrays, self.batch_size, self.place = arrays, batch_size, place
        self.rows, self.order = len(arrays[0]), np.arange(epoch_rows(arrays[0]))

    def __len__(self) -> int:
        return steps_an_epoch(len(self.order), self.batch_size)

    def __getitem__(self, step: int) -> tuple[Tensor, ...]:
        rows = self.order[step * self.batch_size : (step + 1) * self.batch_size]
        return tuple(self.place(array[rows]) for array in self.arrays)


class _StreamDataset:
    """Stream batches under TensorFlow, read ahead in a thread."""

    def __init__(self, x: Stream, batch_size: int, seed: int) -> None:
        import tensorflow as tf

        self._epoch = 0
        spec = tf.TensorSpec((None, *x.shape[1:]), x.dtype)
        batches = tf.data.Dataset.from_generator(
            lambda: ((batch,) for batch in rebatch(x.shuffled(seed, self._epoch), batch_size)),
            output_signature=(spec,),
        )
        steps = tf.data.experimental.assert_cardinality(steps_an_epoch(len(x), batch_size))
        self.data = batches.apply(steps).prefetch(PREFETCHED_BATCHES)

    def begin(self, epoch: int) -> None:
        self._epoch = epoch


class _StreamBatches:
    """Stream batches under other backends, in the order in which Keras asks for them."""

    def __init__(self, x: Stream, batch_size: int, seed: int, place: Place = np.asarray) -> None:
        self.data = _StreamSequence(x, batch_size, seed, place)

    def begin(self, epoch: int) -> None:
        self.data.restart(epoch)


class _StreamSequence(keras.utils.PyDataset):
    def __init__(self, x: Stream, batch_size: int, seed: int, place: Place) -> None:
        super().__init__()
        self._x, self._batch_size, self._seed, self._place = x, batch_size, seed, place
        self.restart(0)

    def restart(self, epoch: int) -> None:
        self._epoch, self._next = epoch, 0
        self._batches = rebatch(self._x.shuffled(self._seed, epoch), self._batch_size)

    def __len__(self) -> int:
        return steps_an_epoch(len(self._x), self._batch_size)

    def __getitem__(self, step: int) -> tuple[Array]:
        if step < self._next:  # Keras looks at the first batch before it begins
            self.restart(self._epoch)
        while self._next <= step:
            batch = next(self._batches)
            self._next += 1
        return (self._place(batch),)


def draw(x: Rows, rows: int, *, seed: int) -> Array:
    """Draws this many rows at random; all where there are fewer."""
    rng = np.random.default_rng(seed)
    if isinstance(x, Stream):
        return x.take(rng.choice(len(x), min(rows, len(x)), replace=False))
    return np.asarray(x[rng.permutation(len(x))[:rows]])


def rebatch(blocks: Iterator[Array], batch_size: int) -> Iterator[Array]:
    """Re-cuts blocks of rows into batches of one size; the last may be smaller."""
    left: Array | None = None
    for block in blocks:
        rows = block if left is None else np.concatenate([left, block])
        whole = len(rows) // batch_size * batch_size
        yield from (rows[i : i + batch_size] for i in range(0, whole, batch_size))
        left = rows[whole:]
    if left is not None and len(left):
        yield left
