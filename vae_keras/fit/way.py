"""Choice between two ways to train: by a program of a whole epoch, or by steps as Keras does.

A program of a whole epoch takes less time a step, and seconds to compile. Both ways train the same:
what differs is the noise under TensorFlow, which draws other random numbers from the same seed in
programs that XLA compiles.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import keras

from vae_keras._base.arrays import Array
from vae_keras.configs import TrainConfig
from vae_keras.data.datasets import Rows
from vae_keras.data.streams import Stream
from vae_keras.model.epoch_program import bytes_on_device
from vae_keras.model.vae import VAE

from .devices import Devices

# Rows lie on the device beside the arrays that they are of, so at most as much again. A GPU of 8 GB
# has room for this and for the activations of a large batch.
MOST_BYTES = 2**30

# Steps that save what compiling costs (benchmarks/training.md). Under TensorFlow a program takes 2
# CPU seconds more than steps until it runs, and saves .6 ms a step of a network of 6-16-2, 1 ms of
# 32-128-64-2 and 3 ms of 784-512-256-16: 2,700, 1,700 and 500 steps. JAX compiles steps as well.
FEWEST_STEPS = {"tensorflow": 2_500, "jax": 0}

BATCH_EVENTS = tuple(
    f"on_{kind}_{when}"
    for kind in ("batch", "train_batch", "test_batch")
    for when in ("begin", "end")
)
OWN_STEPS = ("train_step", "test_step")


class Way(NamedTuple):
    """Way to train: whether an epoch is one program, and the reason in words."""

    whole: bool
    reason: str

    def __str__(self) -> str:
        way = "one compiled program an epoch" if self.whole else "steps as Keras takes them"
        return f"{way}: {self.reason}"


def choose(
    vae: VAE,
    x: Rows,
    validation: Array,
    config: TrainConfig,
    *,
    steps: int,
    callbacks: Sequence[keras.callbacks.Callback],
    devices: Devices,
) -> Way:
    """Chooses the way for a training of so many steps in all, at most.

    Raises:
        ValueError: whole epochs are asked for where that cannot be.
    """
    hindrance = _hindrance(vae, x, validation, callbacks, devices)
    if config.program == "epoch" and hindrance:
        raise ValueError(
            f"expected a training of which an epoch can be one program, for program='epoch' "
            f"(--program epoch). Received: {hindrance}. Leave it out."
        )
    if config.program == "steps":
        return Way(False, "asked for")
    if hindrance:
        return Way(False, hindrance)
    if config.program == "epoch":
        return Way(True, "asked for")
    least = FEWEST_STEPS[keras.backend.backend()]
    if steps < least:
        return Way(False, f"{steps} steps at most, and compiling pays from {least} on")
    return Way(True, f"{steps} steps at most, and compiling pays from {least} on")


def _hindrance(
    vae: VAE,
    x: Rows,
    validation: Array,
    callbacks: Sequence[keras.callbacks.Callback],
    devices: Devices,
) -> str | None:
    """Reason why an epoch cannot be one program; None where it can."""
    if keras.backend.backend() not in FEWEST_STEPS:
        return f"the backend {keras.backend.backend()}"
    if isinstance(x, Stream):
        return "rows that are read as a stream"
    if len(devices.names) > 1:
        return f"{len(devices.names)} devices, between which every batch is split"
    size = bytes_on_device(x, validation)
    if size > MOST_BYTES:
        return f"rows of {size / 2**30:.1f} GiB, more than the {MOST_BYTES / 2**30:g} GiB for them"
    own = [name for name in OWN_STEPS if getattr(type(vae), name) is not getattr(VAE, name)]
    if own:
        return f"a {own[0]} of {type(vae).__name__}'s own"
    if _runs_eagerly():
        return "functions that are to run eagerly"
    if any(map(_is_convolution, _layers(vae))) and not _loops_convolutions():
        return "convolutions, which XLA runs slower in a program of steps, or not at all"
    wanting = [type(each).__name__ for each in callbacks if wants_batches(each)]
    return f"the callback {wanting[0]}, which wants every batch" if wanting else None


def wants_batches(callback: keras.callbacks.Callback) -> bool:
    """True where a callback does something at the begin or end of batches."""
    if isinstance(callback, keras.callbacks.TensorBoard) and callback.update_freq == "epoch":
        return False  # it has such methods and leaves them at once
    base = keras.callbacks.Callback
    return any(
        getattr(getattr(callback, event), "__func__", None) is not getattr(base, event)
        for event in BATCH_EVENTS
    )


def _layers(model: Any) -> Iterator[Any]:
    """Layers of a model, and of models in it."""
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _layers(layer)


def _is_convolution(layer: Any) -> bool:
    """True for a convolution, and for the resizing that comes with it in `conv_pair`."""
    return "Conv" in type(layer).__name__ or isinstance(layer, keras.layers.Resizing)


def _loops_convolutions() -> bool:
    """True where convolutions are as fast in a loop of XLA as alone: under JAX, but for CPUs.

    (On a CPU they then take one thread, and 14 ms of a step where they took 2.5. Under TensorFlow
    there is no gradient of `Resizing` for XLA.)
    """
    on_cpu = keras.distribution.list_devices()[0].startswith("cpu")
    return keras.backend.backend() == "jax" and not on_cpu


def _runs_eagerly() -> Any:
    """True where the backend is told not to compile functions, as for debugging."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.config.jax_disable_jit
    import tensorflow as tf

    return tf.config.functions_run_eagerly()
