"""Trains a VAE on a source of rows and writes a run directory."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from vae_keras._base.arrays import Arrays
from vae_keras._base.keras_defaults import with_keras_defaults
from vae_keras._base.tf_log_filter import filter_retracing
from vae_keras.data.datasets import calibrating, counted, epoch_rows
from vae_keras.fit.batches import draw
from vae_keras.fit.devices import choose_devices, describe_devices
from vae_keras.fit.early_stopping import Stopping
from vae_keras.fit.folds import checkpoints, count, cross_fit, models_of, remove_checkpoints
from vae_keras.fit.loop import Log, checkpoint_path, describe_latents
from vae_keras.fit.run_identity import find_finished, fingerprints_of, identity_of, versions
from vae_keras.fit.summary import describe
from vae_keras.fit.train_model import Learner
from vae_keras.model.vae import VAE
from vae_runtime._base.directories import check_replaceable
from vae_runtime._base.paths import path_of
from vae_runtime._base.printable import say
from vae_runtime.verdicts.calibration import COUNTLESS_ROWS, rows_needed
from vae_runtime.verdicts.machines import check_enough

from . import data
from .configs import DataConfig, ModelConfig, TrainConfig
from .data import Dataset, Split
from .evaluate import evaluate_held_back, score_rows, warnings
from .run import RUN, Config, DataCard, Metrics, Run, write_run

KEPT_ROWS = 512  # of those trained on, for export to learn ranges from


@with_keras_defaults()
def train(
    data_config: DataConfig,
    model_config: ModelConfig,
    train_config: TrainConfig,
    *,
    out: str | Path,
    rows: Split | None = None,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    devices: int | str = 1,
    verbose: bool = False,
    log: Log = say,
) -> tuple[Run, Metrics]:
    """Trains a VAE and writes a run directory.

    Args:
        data_config: which rows, and who sees them.
        model_config: what the model is.
        train_config: how it is trained.
        out: path of the run directory; an earlier run there is replaced at the end.
        rows: the rows themselves, split by the caller, where they come from no file: arrays, and
            for training a `tf.data.Dataset` of batches of x if need be. `data_config` then says
            what they are called, their columns and their value range.
        resume: whether to go on where a killed run was, if it left a checkpoint; one that is
            finished is left as it is.
        callbacks: of Keras, beside our own: TensorBoard, say. They see the model that is kept.
        devices: how many, or "all"; what is learnt is the same up to rounding.
        verbose: whether to log what is compiled of the training loop, a whole epoch or its steps,
            and why.
        log: called with each line of progress; by default these are printed, escaped where names
            in them would control a terminal.

    Returns:
        (run, metrics).

    Raises:
        ValueError: data or configuration do not fit, or training diverged; says what to do.

    >>> data = DataConfig("sensors.csv", label="broken", folds=1)
    >>> run, metrics = train(data, ModelConfig(), TrainConfig(epochs=2), out="runs/mine")
    sensors: rows of 6: ...
    >>> (run.path / "model.keras").exists()
    True
    """
    check_replaceable(out, RUN)
    if rows is None:
        _check_apart(data_config.source, out)
        data_config, chosen = data.resolve(data_config)
        for line in chosen:
            log(line)
    used = choose_devices(devices, train_config.batch_size)
    dataset, rows = _load(data_config) if rows is None else data.accept_split(data_config, rows)
    fingerprints = fingerprints_of(rows)
    _check_calibration(train_config.alpha, rows, dataset)
    model_config = _resolve(model_config, dataset, epoch_rows(rows.train))
    config = Config(data_config, model_config, train_config, versions())
    begun = any(path.exists() for path in checkpoints(out, count(rows)))
    if resume and not begun and (run := find_finished(out, config, str(fingerprints["rows"]))):
        log(f"{out} is finished already: nothing to resume")
        return _log_warnings((run, run.metrics), log)
    for line in describe(dataset, rows, model_config, alpha=train_config.alpha):
        log(line)
    if devices_line := describe_devices(used):
        log(devices_line)
    learner = Learner(dataset, model_config, train_config, used, verbose)
    learner = learner.sharing(epoch_rows(rows.train), models_of(rows))  # folds are of fewer rows
    identity = identity_of(data_config, model_config, train_config, fingerprints)
    stopping = Stopping(checkpoint_path(out), identity, train_config.patience)
    crossed: Arrays = {}
    with filter_retracing():  # each fold is a model of its own
        if rows.folds is not None:
            crossed = cross_fit(learner, rows, out, identity=identity, resume=resume, log=log)
        vae = learner.learn(
            rows.train,
            rows.validation,
            stopping=stopping,
            labels=rows.labels,
            resume=resume and (not crossed or stopping.checkpoint.exists()),
            callbacks=callbacks,
            log=log,
        )
    log(describe_latents(vae, rows.validation[counted(rows.validation)]))
    card = _card(dataset, rows, data_config, str(fingerprints["rows"]))
    written = _write(out, config, card, rows, _Trained(vae, stopping.history, crossed))
    # not before: a full disk must not cost the training
    remove_checkpoints(out, count(rows))
    return _log_warnings(written, log)


def _log_warnings(result: tuple[Run, Metrics], log: Log) -> tuple[Run, Metrics]:
    """Logs the warnings about a run's metrics; returns the run and the metrics."""
    for line in warnings(result[1], noun=result[0].data.noun):
        log(line)
    return result


def _check_apart(source: str, out: str | Path) -> None:
    """Raises ValueError where the rows are in the run directory, which is replaced at the end."""
    place = path_of(source, "a source of rows").resolve()
    if Path(out).resolve() in place.parents:
        raise ValueError(
            f"{source}: expected rows outside the run directory {out}, which is replaced at the "
            f"end. Received: {place}, in it. Move it, or choose another --out."
        )


def _resolve(config: ModelConfig, dataset: Dataset, rows: int) -> ModelConfig:
    if dataset.classes is None and config.classifier_weight != ModelConfig().classifier_weight:
        raise ValueError("expected classes, for a classifier_weight (--classes). Received: none.")
    bounded = dataset.value_range is not None
    return config.resolve(dataset.x.shape[1:], bounded=bounded, rows=rows)


def _load(config: DataConfig) -> tuple[Dataset, Split]:
    dataset = data.load(config)
    return dataset, data.split(dataset, config)


class _Trained(NamedTuple):
    vae: VAE
    history: dict[str, list[float]]
    crossed: Arrays  # scores of the calibration rows out of fold, see `cross_fit`


def _write(
    out: str | Path, config: Config, card: DataCard, rows: Split, trained: _Trained
) -> tuple[Run, Metrics]:
    """Scores and evaluates the held-back rows, and writes the run directory."""
    held_back, seed = _held_back(trained, rows), config.train.seed
    windows, alpha = card.stride is not None, config.train.alpha
    metrics = evaluate_held_back(trained.vae, **held_back, alpha=alpha, windows=windows)
    run = write_run(
        out,
        vae=trained.vae,
        history=trained.history,
        records={"config": config, "data": card, "metrics": metrics},
        arrays={"training": {"x": draw(rows.train, KEPT_ROWS, seed=seed)}, **held_back},
    )
    return run, metrics


def _held_back(trained: _Trained, rows: Split) -> dict[str, Arrays]:
    """Held-back rows with their scores and labels, as a run directory keeps them."""
    some = {"calibration": calibrating(rows), "test": counted(rows.test)}
    x = rows.calibration[some["calibration"]]
    terms = score_rows(trained.vae, x)
    own = {name: terms[name] for name in ("score", "nll", "kl")}
    crossed = {name: scores[some["calibration"]] for name, scores in trained.crossed.items()}
    held_back = {
        "calibration": {"x": x, **own, **crossed},
        "test": {"x": rows.test, "y": rows.test_y},
    }
    named = None if rows.recordings is None else rows.recordings.names
    of_rows = {"labels": rows.labels, "machine": rows.machines, "recording": named}
    for name, known in of_rows.items():
        if known is not None:
            for role, group in held_back.items():
                group[name] = known[role][some[role]]
    if rows.places is not None:
        held_back["test"] |= rows.places[some["test"]].arrays()
    return held_back


def _check_calibration(alpha: float, rows: Split, dataset: Dataset) -> None:
    """Raises ValueError where there are too few rows to calibrate for alpha, or of some machine."""
    if rows.machines is None or dataset.machines is None:
        _check_alpha(alpha, rows)
        return
    try:
        own = rows.machines["calibration"][calibrating(rows)]
        check_enough(alpha, own, np.unique(dataset.machines).tolist())
    except ValueError as error:
        if rows.folds is not None:
            raise
        advice = "With few rows of each, hold none back but the test's (--folds 5)."
        raise ValueError(f"{error} {advice}") from error


def _check_alpha(alpha: float, rows: Split) -> None:
    """Raises ValueError where the calibration rows cannot resolve `alpha`."""
    n, needed = int(calibrating(rows).sum()), rows_needed(alpha)
    if n >= needed:
        return
    what = "calibration rows"
    advice = "Hold more of them back (--calibration), or none but the test's (--folds 5)"
    if rows.folds is not None:
        what = "normal rows, all but those of the test,"
        advice = "Bring more normal rows"
    least = needed if needed < COUNTLESS_ROWS else "countless"
    raise ValueError(
        f"alpha={alpha:g} needs at least {least} {what} to calibrate on. Received: {n}, whose "
        f"smallest alpha is {1 / (n + 1):.3g}. {advice}, or pass a larger one (--alpha)."
    )


def _card(dataset: Dataset, rows: Split, config: DataConfig, fingerprint: str) -> DataCard:
    sets = ["validation", "calibration", "test"]
    if rows.folds is not None:
        sets.remove("calibration")  # they are those of the first two
    return DataCard(
        name=dataset.name,
        input_shape=dataset.x.shape[1:],
        input_dtype=str(dataset.x.dtype),
        feature_names=dataset.feature_names,
        value_range=dataset.value_range,
        one_hot=dataset.one_hot,
        stride=dataset.stride,
        recording=config.recording,
        time=config.time,
        clock=dataset.clock,
        machine_column=config.machine,
        dialect=None if config.source in data.NAMES else data.dialect_of(config),
        image=dataset.image,
        label=config.label,
        normal=config.normal,
        rows={"train": len(rows.train), **{name: epoch_rows(getattr(rows, name)) for name in sets}},
        fingerprint=fingerprint,
        license=dataset.license,
        classes=dataset.classes,
        categories=dataset.categories,
        folds=count(rows),
        recordings=None if rows.recordings is None else rows.recordings.counts,
        whole_recordings=rows.recordings is not None and rows.recordings.whole,
    )
