"""Sums, means and noise over the whole batch, for code that runs on one device's share of it.

TensorFlow's strategies run a step once on each device, with a share of the batch: any number of its
rows, none too. Here a share is made to answer for the batch, so that a step on several devices is
the step on one up to rounding: its means are those of all rows, and each row gets the noise that it
would have had. On one device, and under JAX, where a step is always given the whole batch, these
functions are plain `mean` and `normal`.
"""

from typing import Any

import keras
from keras import ops

from vae_keras._base.arrays import Tensor


def count() -> int:
    """Number of shares that a batch is split into: 1 outside a step, and under JAX."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    inside = tf.distribute.in_cross_replica_context() is False
    return int(tf.distribute.get_strategy().num_replicas_in_sync) if inside else 1


def batch_mean(values: Tensor) -> Tensor:
    """Means over all rows of the batch.

    Args:
        values: (rows of this share, ...).

    Returns:
        (...), the same on every device.
    """
    if count() == 1:
        return ops.mean(values, axis=0)
    rows = ops.cast(ops.shape(values)[0], values.dtype)
    total, n = _context().all_reduce("SUM", [ops.sum(values, axis=0), rows])
    return total / n


def batch_rows(values: Tensor) -> Tensor:
    """The values of all rows of the batch, on every device: (batch, ...)."""
    return values if count() == 1 else _context().all_gather(values, axis=0)


def batch_normal(shape: Any, seed: keras.random.SeedGenerator) -> Tensor:
    """Standard normal noise for the rows of this share, cut from the noise of the whole batch.

    Args:
        shape: (rows of this share, ...).
        seed: in the same state on every device.
    """
    if count() == 1:
        return keras.random.normal(shape, seed=seed)
    here = int(_context().num_replicas_in_sync), _context().replica_id_in_sync_group
    rows = _context().all_reduce("SUM", ops.one_hot(here[1], here[0], dtype="int32") * shape[0])
    noise = keras.random.normal((ops.sum(rows), *shape[1:]), seed=seed)
    start = ops.sum(rows[: here[1]])
    return noise[start : start + shape[0]]


def sum_before_clipping(gradients: list[Tensor | None], optimizer: Any) -> list[Tensor | None]:
    """Gradients for an optimizer that clips them before it sums over the devices.

    Clipping the shares would not clip their sum. So where there is clipping, one device gives the
    sum, which is then clipped as it is, and the others give zeros.
    """
    clips = optimizer.clipnorm or optimizer.global_clipnorm or optimizer.clipvalue
    if count() == 1 or not clips:
        return gradients
    known = [gradient for gradient in gradients if gradient is not None]
    first = ops.cast(_context().replica_id_in_sync_group == 0, "float32")
    sums = iter(_context().all_reduce("SUM", known))
    return [None if g is None else next(sums) * ops.cast(first, g.dtype) for g in gradients]


def _context() -> Any:
    import tensorflow as tf

    return tf.distribute.get_replica_context()
