"""Training loop around Keras's `fit`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from vae_keras._base.arrays import Array
from vae_keras.configs import TrainConfig
from vae_keras.data.datasets import Rows, epoch_rows
from vae_keras.data.labels import UNKNOWN
from vae_keras.model.epoch_program import Epochs, Programs, on_device
from vae_keras.model.vae import VAE

from .batches import Shuffled, steps_an_epoch
from .devices import ONE, Devices
from .early_stopping import Stopping
from .orders import Orders, in_order
from .progress import Ahead, Progress, StopOnDivergence
from .way import choose

Log = Callable[[str], None]

# Steps that TensorFlow takes without coming back to Python, which costs as much as a small network
# (benchmarks/training.md).
STEPS_PER_EXECUTION = 20

VALIDATION_BATCH = 32  # rows, as Keras has them where nothing is said

ACTIVE_VARIANCE = 0.01


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
) -> None:
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
    """
    rows = epoch_rows(x)
    steps = steps_an_epoch(rows, config.batch_size)
    at_most = config.epochs * steps
    asked = {"steps": at_most, "callbacks": callbacks, "devices": devices}
    way = choose(vae, x, validation, config, **asked)
    if verbose:
        log(str(way))
    at_a_time = 1 if way.whole else devices.steps_at_a_time(min(STEPS_PER_EXECUTION, steps))
    with devices.scope():
        vae.compile(
            keras.optimizers.Adam(_learning_rate(config, steps), global_clipnorm=config.clip_norm),
            steps_per_execution=at_a_time,
        )
        first = stopping.resume(vae) if resume else 0
    if resume:
        done = len(stopping.history.get("loss", ()))
        log(f"resumed after epoch {done}" if done else "nothing to resume: training from the start")
    progress = Progress(config.epochs, rows, log, first_epoch=first, ahead=ahead)
    labels = labels or {}
    train = (x,) if labels.get("train") is None else (x, labels["train"])
    held_back = _validation(validation, labels.get("validation"))
    callbacks = [StopOnDivergence(by_steps=not way.whole), *callbacks, stopping, progress]
    by = _fit_by_epochs if way.whole else _fit_by_steps
    by(vae, train, held_back, config, devices=devices, callbacks=callbacks, first=first)


def _fit_by_epochs(
    vae: VAE, train: Any, validation: Any, config: TrainConfig, *, callbacks: Any, first: int, **_: Any
) -> None:
    """Trains by a program for all steps of an epoch, and one for all of validation."""
    orders = Orders(train[0], seed=config.seed)
    rows = Epochs(on_device(*train), config.batch_size)
    held_back = Epochs(on_device(*validation), VALIDATION_BATCH)
    with Programs(vae).running(rows, held_back):
        vae.fit(
            orders.data,
            validation_data=in_order(len(validation[0])),
            callbacks=[orders, *callbacks],
            **_options(config, first),
        )


def _fit_by_steps(
    vae: VAE,
    train: Any,
    validation: Any,
    config: TrainConfig,
    *,
    devices: Devices,
    callbacks: Any,
    first: int,
) -> None:
    """Trains by Keras's own functions, which are given batches."""
    x, y = (*train, None)[:2]
    shuffled = Shuffled(x, config.batch_size, seed=config.seed, y=y, place=devices.place)
    vae.fit(
        shuffled.data,
        validation_data=validation,
        callbacks=[shuffled, *callbacks],
        **_options(config, first),
    )


def _options(config: TrainConfig, first: int) -> dict[str, Any]:
    """Arguments of Keras's `fit` that are common to both ways; orders are shuffled already."""
    return {"initial_epoch": first, "epochs": config.epochs, "shuffle": False, "verbose": 0}


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


def _validation(x: Array, y: Array | None) -> tuple[Array, ...]:
    """Validation data for Keras, without labels that are all unknown: accuracy would be 0."""
    return (x,) if y is None or (y == UNKNOWN).all() else (x, y)


def _learning_rate(config: TrainConfig, steps: int) -> Any:
    if config.decay == "constant":
        return config.learning_rate
    return keras.optimizers.schedules.CosineDecay(
        config.learning_rate, config.epochs * steps, alpha=0.01
    )
