"""Training loop around Keras's `fit`."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from vae_keras._base.arrays import Array, Arrays
from vae_keras.configs import TrainConfig
from vae_keras.data.datasets import Rows, epoch_rows
from vae_keras.data.labels import UNKNOWN
from vae_keras.model.epoch_program import Epochs, Programs, on_device
from vae_keras.model.vae import VAE

from .batches import XY, Shuffled, steps_an_epoch
from .devices import ONE, Devices
from .early_stopping import Stopping, restore, snapshot
from .orders import Orders, elements_an_epoch, in_order
from .progress import Ahead, Progress, StopOnDivergence
from .way import Way, choose

Log = Callable[[str], None]

# Steps that TensorFlow takes without coming back to Python, which costs as much as a small network
# (benchmarks/training.md).
STEPS_PER_EXECUTION = 20

VALIDATION_BATCH = 32  # rows, as Keras has them where nothing is said

ACTIVE_VARIANCE = 0.01


class Compiled(NamedTuple):
    """Model that `fit` has compiled: it can be trained anew by what was compiled then.

    `first` are its variables before training; `programs` those of whole epochs. Without these it
    is compiled anew, since Keras's functions have the scaling of its rows in them.
    """

    first: Arrays
    programs: Programs | None


def fit(
    vae: VAE,
    x: Rows,
    validation: Array,
    config: TrainConfig,
    *,
    stopping: Stopping,
    labels: Mapping[str, Array] | None = None,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    devices: Devices = ONE,
    log: Log = print,
    ahead: Ahead | None = None,
    verbose: bool = False,
    compiled: Compiled | None = None,
    room: int | None = None,
    models: int = 1,
) -> Compiled:
    """Trains until the validation ELBO stops rising; leaves the best weights, and `history`.

    Args:
        vae: the model, made in the scope of `devices`.
        x, validation: rows, in the data's own units.
        config: how.
        stopping: keeps the best weights, the history and the checkpoint.
        labels: of x under train and of the validation rows under validation, for a classifier.
        resume: whether to go on from the checkpoint, if there is one.
        callbacks: of Keras, called before our own, so that checkpoints hold what they change.
        devices: which it trains on.
        log: called with each line of progress.
        ahead: the models that come after this one.
        verbose: whether to log the way that training takes, see `way`, and why.
        compiled: of an earlier `fit` of this model with the same configuration, to train it anew
            from its first weights on. Its `Scaling` must have been set for x; with a schedule or a
            decay, x must have as many batches.
        room: rows that any training of this model has at most, so that they share a program.
        models: how many trainings share it, which then pays for itself sooner.

    Returns:
        What a later call may be given as `compiled`.
    """
    rows = epoch_rows(x)
    steps = steps_an_epoch(rows, config.batch_size)
    # alike for all that share, that all of them go one way
    at_most = models * config.epochs * steps_an_epoch(max(rows, room or 0), config.batch_size)
    way = choose(vae, x, validation, config, steps=at_most, callbacks=callbacks, devices=devices)
    if verbose:
        log(str(way))
    with devices.scope():
        if compiled is not None:
            restore(vae, compiled.first)
        if compiled is None or compiled.programs is None or not way.whole:
            compiled = _compile(vae, config, steps, way=way, devices=devices)
        first = stopping.resume(vae) if resume else 0
    if resume:
        done = len(stopping.history.get("loss", ()))
        log(f"resumed after epoch {done}" if done else "nothing to resume: training from the start")
    progress = Progress(config.epochs, rows, log, first_epoch=first, ahead=ahead)
    checks = StopOnDivergence(by_steps=not way.whole)
    labels = labels or {}
    train = (x,) if labels.get("train") is None else (x, labels["train"])
    held_back = _validation(validation, labels.get("validation"))
    with _source(compiled, train, held_back, config, devices=devices, room=room) as source:
        vae.fit(
            source.train.data,
            validation_data=source.validation,
            initial_epoch=first,
            epochs=config.epochs,
            shuffle=False,  # it is, for each epoch anew
            callbacks=[source.train, checks, *callbacks, stopping, progress],
            verbose=0,
            **source.elements,
        )
    return compiled


def _compile(vae: VAE, config: TrainConfig, steps: int, *, way: Way, devices: Devices) -> Compiled:
    """Compiles a model, in Keras's sense, for one way to train."""
    at_a_time = 1 if way.whole else devices.steps_at_a_time(min(STEPS_PER_EXECUTION, steps))
    vae.compile(
        keras.optimizers.Adam(_learning_rate(config, steps), global_clipnorm=config.clip_norm),
        steps_per_execution=at_a_time,
    )
    vae.optimizer.build(vae.trainable_variables)
    return Compiled(snapshot(vae), Programs(vae) if way.whole else None)


class _Source(NamedTuple):
    """Training data for `fit`, with the callback that shuffles them, and validation data.

    `elements` are arguments of `fit` that say how much of them is an epoch.
    """

    train: Orders | Shuffled
    validation: Any
    elements: dict[str, int]


@contextlib.contextmanager
def _source(
    compiled: Compiled,
    train: XY,
    held_back: XY,
    config: TrainConfig,
    *,
    devices: Devices,
    room: int | None,
) -> Iterator[_Source]:
    """Gives rows as the model's way to train takes them: orders of rows, or batches."""
    if compiled.programs is None:
        x, y = (*train, None)[:2]
        shuffled = Shuffled(x, config.batch_size, seed=config.seed, y=y, place=devices.place)
        yield _Source(shuffled, held_back, {})
        return
    epochs = Epochs(on_device(*train, room=room), config.batch_size, room)
    validation = Epochs(on_device(*held_back), VALIDATION_BATCH)
    with compiled.programs.running(epochs, validation):
        orders = Orders(train[0], seed=config.seed)
        yield _Source(orders, in_order(len(held_back[0])), elements_an_epoch())


def describe_latents(vae: VAE, x: Array) -> str:
    """Counts the latents that are active, in a sentence that warns where none is.

    A latent is active where its posterior mean varies between rows by more than 0.01.
    Source: Burda, Grosse & Salakhutdinov 2016, section 5.1.2.
    """
    means = np.concatenate([vae.encode(x[i : i + 256])[0] for i in range(0, len(x), 256)])
    active = int((means.var(axis=0) > ACTIVE_VARIANCE).sum())
    sentence = f"{active} of {vae.latent_dim} latents are active"
    if active == 0:
        sentence += (
            ": the posterior has collapsed, and the score is a mere distance from the mean. "
            "Try --schedule warmup, --free-bits 0.5 or a smaller --beta"
        )
    return sentence


def checkpoint_path(out: str | Path) -> Path:
    """Path of the checkpoint of a run while it trains."""
    out = Path(out)
    return out.with_name(f"{out.name}.checkpoint.npz")


def _validation(x: Array, y: Array | None) -> XY:
    """Validation data for Keras, without labels that are all unknown: accuracy would be 0."""
    return (x,) if y is None or (y == UNKNOWN).all() else (x, y)


def _learning_rate(config: TrainConfig, steps: int) -> Any:
    if config.decay == "constant":
        return config.learning_rate
    return keras.optimizers.schedules.CosineDecay(
        config.learning_rate, config.epochs * steps, alpha=0.01
    )
