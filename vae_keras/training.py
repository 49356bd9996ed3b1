"""From a data source to a run directory."""

import dataclasses
import importlib.metadata
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from vae_runtime.calibration import check_alpha
from vae_runtime.files import check_replaceable

from . import data
from .building import build, in_float32
from .configs import DataConfig, ModelConfig, TrainConfig
from .data import Dataset, Split
from .evaluate import evaluate, score_rows
from .fitting import Log, checkpoint_path, describe_latents, fit
from .model import VAE
from .run import MARK, Config, DataCard, Metrics, Run, write_run
from .stopping import Stopping

TOOLS = ("vae-keras", "keras", "tensorflow", "tensorflow-cpu", "jax", "numpy")


def train(
    data_config: DataConfig,
    model_config: ModelConfig,
    train_config: TrainConfig,
    *,
    out: str | Path,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    log: Log = print,
) -> tuple[Run, Metrics]:
    """Trains a VAE and writes a run directory.

    Args:
        data_config: which rows, and who sees them.
        model_config: what the model is.
        train_config: how it is trained.
        out: path of the run directory; an earlier run there is replaced at the end.
        resume: whether to go on where a killed run was, if it left a checkpoint.
        callbacks: of Keras, beside our own: TensorBoard, say.
        log: called with each line of progress.

    Returns:
        (run, metrics).

    Raises:
        ValueError: data or configuration do not fit, or training diverged; says what to do.
    """
    check_replaceable(out, mark=MARK)
    dataset = data.load(data_config)
    rows = data.split(dataset, data_config)
    check_alpha(train_config.alpha, len(rows.calibration))
    model_config = model_config.resolve(
        dataset.x.shape[1:], bounded=dataset.value_range is not None
    )
    log(_describe(dataset, rows, model_config))
    vae = build(model_config, rows.train, dataset, train_config)
    stopping = Stopping(
        checkpoint_path(out),
        identity=_identity(data_config, model_config, train_config, rows),
        patience=train_config.patience,
    )
    fit(
        vae,
        rows.train,
        rows.validation,
        train_config,
        callbacks=callbacks,
        stopping=stopping,
        resume=resume,
        log=log,
    )
    vae = in_float32(vae, model_config, rows.train, dataset, train_config)
    log(describe_latents(vae, rows.validation))
    config = Config(data_config, model_config, train_config, versions())
    written = _write(out, config, vae, dataset, rows, history=stopping.history)
    stopping.checkpoint.unlink(
        missing_ok=True
    )  # not before: a full disk must not cost the training
    return written


def versions() -> dict[str, str]:
    """Versions of Python and of the tools that shape a model."""
    found = {tool: importlib.metadata.version(tool) for tool in TOOLS if _is_installed(tool)}
    return {"python": platform.python_version(), **found}


def _write(
    out: str | Path,
    config: Config,
    vae: VAE,
    dataset: Dataset,
    rows: Split,
    *,
    history: dict[str, list[float]],
) -> tuple[Run, Metrics]:
    """Scores what was held back, judges the scores, and writes it all."""
    terms = score_rows(vae, rows.calibration)
    calibration = {"x": rows.calibration, **{name: terms[name] for name in ("score", "nll", "kl")}}
    metrics = evaluate(
        score_rows(vae, rows.test)["score"],
        rows.test_y,
        calibration=calibration["score"],
        alpha=config.train.alpha,
    )
    run = write_run(
        out,
        vae=vae,
        history=history,
        records={"config": config, "data": _card(dataset, rows), "metrics": metrics},
        arrays={"calibration": calibration, "test": {"x": rows.test, "y": rows.test_y}},
    )
    return run, metrics


def _identity(
    data_config: DataConfig, model_config: ModelConfig, train_config: TrainConfig, rows: Split
) -> dict[str, Any]:
    """What makes a run the run that it is, as JSON would give it back."""
    asked = {
        "data": dataclasses.asdict(data_config),
        "model": dataclasses.asdict(model_config),
        "training": dataclasses.asdict(train_config),
        "rows": data.fingerprint(rows.train),
        "backend": keras.backend.backend(),  # each draws noise and order its own way
    }
    return json.loads(json.dumps(asked))


def _card(dataset: Dataset, rows: Split) -> DataCard:
    sets = ("train", "validation", "calibration", "test")
    return DataCard(
        name=dataset.name,
        input_shape=dataset.x.shape[1:],
        input_dtype=str(dataset.x.dtype),
        feature_names=dataset.feature_names,
        value_range=dataset.value_range,
        groups=dataset.groups,
        rows={name: len(getattr(rows, name)) for name in sets},
        fingerprint=data.fingerprint(rows.train),
        license=dataset.license,
    )


def _describe(dataset: Dataset, rows: Split, config: ModelConfig) -> str:
    shape = "x".join(map(str, dataset.x.shape[1:]))
    return (
        f"{dataset.name}: {len(dataset.x):,} rows of {shape}: {len(rows.train):,} to train, "
        f"{len(rows.validation):,} to validate, {len(rows.calibration):,} to calibrate, "
        f"{len(rows.test):,} to test ({int(rows.test_y.sum()):,} anomalies); {config.network} "
        f"network, {config.likelihood}{', categorical' if dataset.groups else ''}"
    )


def _is_installed(tool: str) -> bool:
    try:
        importlib.metadata.version(tool)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
