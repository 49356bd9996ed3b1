"""Devices that a model trains on, and how each batch is split between them.

Each batch is dealt out to the devices, and a step on several is the step on one up to rounding
(`replicas`). TensorFlow deals by `tf.distribute.MirroredStrategy`, JAX by `keras.distribution`;
both keep every weight on every device.
"""

import contextlib
import functools
from dataclasses import dataclass
from typing import Any

import keras

from vae_keras._base.arrays import Array, Tensor


@dataclass(frozen=True)
class Devices:
    """Devices of one training, by Keras's names: ("gpu:0", "gpu:1"), say.

    One or none is the device that the backend takes of itself.
    """

    names: tuple[str, ...] = ()

    def scope(self) -> Any:
        """Context to make a model and its optimizer in, so that every device has their weights."""
        return _dealer(self.names).scope() if len(self.names) > 1 else contextlib.nullcontext()

    def steps_at_a_time(self, wanted: int) -> int:
        """Steps in one call: 1 under TensorFlow's strategies, else as many as wanted.

        (Keras takes several within a conditional, where replicas cannot meet: keras issue 19246.)
        """
        strategy = len(self.names) > 1 and keras.backend.backend() == "tensorflow"
        return 1 if strategy else wanted

    def place(self, batch: Array) -> Tensor:
        """Puts a batch on JAX's devices: split where it divides evenly, else whole on each.

        (TensorFlow deals out by itself, evenly or not.)
        """
        if len(self.names) < 2:
            return batch
        evenly = len(batch) % len(self.names) == 0
        axes = ("batch" if evenly else None, *[None] * (batch.ndim - 1))
        mesh = _dealer(self.names).device_mesh
        return keras.distribution.distribute_tensor(
            batch, keras.distribution.TensorLayout(axes, mesh)
        )


def choose_devices(asked: int | str, batch_size: int) -> Devices:
    """Chooses the first so many devices, or "all"; GPUs where there are any.

    Raises:
        ValueError: there are fewer, or fewer rows in a batch.
    """
    names = tuple(keras.distribution.list_devices())
    number = len(names) if asked == "all" else asked
    if type(number) is not int or not 1 <= number <= len(names):
        raise ValueError(
            f"expected 1 to {len(names)} devices, which {keras.backend.backend()} sees here: "
            f"{', '.join(names)}. Received: {asked}."
        )
    if batch_size < number:
        raise ValueError(
            f"expected a row or more of each batch for each of {number} devices. "
            f"Received: a batch size of {batch_size}."
        )
    return Devices(names[:number])


def describe_devices(used: Devices) -> str | None:
    """Describes the devices in a line; None where there is only one to choose from."""
    there = keras.distribution.list_devices()
    if len(used.names) > 1:
        return f"training on {len(used.names)} devices: {', '.join(used.names)}"
    if len(there) > 1 and not there[0].startswith("cpu"):
        return f"training on 1 of {len(there)} devices; --devices all takes them all"
    return None


@functools.cache
def _dealer(names: tuple[str, ...]) -> Any:
    """Distribution over these devices: of Keras under JAX, a strategy of TensorFlow."""
    if keras.backend.backend() == "jax":
        return keras.distribution.DataParallel(devices=list(names))
    if _dealer.cache_info().currsize:  # TensorFlow mixes up the sums of two strategies
        raise ValueError(
            "expected the same devices for every training of this process that is on several. "
            f"Received: {', '.join(names)} after others. Use another process."
        )
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(list(names))


ONE = Devices()
