"""From a data source to a run directory."""

import importlib.metadata
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from vae_runtime.calibration import check_alpha
from vae_runtime.files import check_replaceable

from . import data, likelihoods, networks
from .arrays import Array
from .configs import DataConfig, ModelConfig, TrainConfig
from .data import Dataset, Split
from .evaluate import evaluate, score_rows
from .model import VAE
from .preprocessing import Scaling, standardize, to_unit_interval
from .progress import Progress, StopOnDivergence
from .run import MARK, Config, DataCard, Metrics, Run, write_run

Log = Callable[[str], None]

TOOLS = ("vae-keras", "keras", "tensorflow", "tensorflow-cpu", "numpy")


def train(
    data_config: DataConfig,
    model_config: ModelConfig,
    train_config: TrainConfig,
    *,
    out: str | Path,
    log: Log = print,
) -> tuple[Run, Metrics]:
    """Trains a VAE and writes a run directory.

    Args:
        data_config: which rows, and who sees them.
        model_config: what the model is.
        train_config: how it is trained.
        out: path of the run directory; an earlier run there is replaced at the end.
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
    log(f"{_describe(dataset, rows)}; {model_config.network} network, {model_config.likelihood}")
    vae = build(model_config, rows.train, dataset, seed=train_config.seed)
    history = fit(vae, rows.train, rows.validation, train_config, log=log)
    terms = score_rows(vae, rows.calibration)
    calibration = {"x": rows.calibration, **{name: terms[name] for name in ("score", "nll", "kl")}}
    metrics = evaluate(
        score_rows(vae, rows.test)["score"],
        rows.test_y,
        calibration=calibration["score"],
        alpha=train_config.alpha,
    )
    config = Config(data_config, model_config, train_config, versions())
    run = write_run(
        out,
        vae=vae,
        history=history,
        records={"config": config, "data": _card(dataset, rows), "metrics": metrics},
        arrays={"calibration": calibration, "test": {"x": rows.test, "y": rows.test_y}},
    )
    return run, metrics


def build(config: ModelConfig, x: Array, dataset: Dataset, *, seed: int) -> VAE:
    """An untrained VAE for a resolved `ModelConfig`, scaled to the training rows x."""
    keras.utils.set_random_seed(seed)
    sizes = {} if config.hidden is None else {"hidden": config.hidden}
    encoder, decoder = networks.get(config.network)(x.shape[1:], config.latent_dim, **sizes)
    likelihood = likelihoods.get(config.likelihood)
    return VAE(
        encoder,
        decoder,
        likelihood=likelihood,
        preprocessing=_scaling(likelihood, x, dataset),
        beta=config.beta,
        seed=seed,
        name="vae",
    )


def fit(
    vae: VAE, x: Array, validation: Array, config: TrainConfig, *, log: Log
) -> dict[str, list[float]]:
    """Trains until the validation loss stops falling; keeps the best weights.

    Returns:
        dict of lists, one value an epoch: loss, nll, kl and the same with `val_`.
    """
    vae.compile(keras.optimizers.Adam(config.learning_rate))
    stop = keras.callbacks.EarlyStopping(
        "val_loss", patience=config.patience, restore_best_weights=True
    )
    progress = Progress(config.epochs, len(x), log)
    result = vae.fit(
        x,
        validation_data=(validation,),
        epochs=config.epochs,
        batch_size=config.batch_size,
        callbacks=[StopOnDivergence(), stop, progress],
        verbose=0,
    )
    history: dict[str, list[float]] = result.history
    return history


def versions() -> dict[str, str]:
    """Versions of Python and of the tools that shape a model."""
    found = {tool: importlib.metadata.version(tool) for tool in TOOLS if _is_installed(tool)}
    return {"python": platform.python_version(), **found}


def _scaling(likelihood: Any, x: Array, dataset: Dataset) -> Scaling:
    """Onto the likelihood's support where it has one, else to mean 0 and deviation 1."""
    if likelihood.support is None:
        return standardize(x, dataset.feature_names)
    if dataset.value_range is None:
        raise ValueError(
            "expected values known to lie within limits, as a bernoulli likelihood needs. "
            f"Received: {x.dtype} from {x.min():g} to {x.max():g}. Say what the sensor can give "
            "(--value-range LOW,HIGH), or choose another likelihood."
        )
    return to_unit_interval(dataset.value_range)


def _card(dataset: Dataset, rows: Split) -> DataCard:
    sets = ("train", "validation", "calibration", "test")
    return DataCard(
        name=dataset.name,
        input_shape=dataset.x.shape[1:],
        input_dtype=str(dataset.x.dtype),
        feature_names=dataset.feature_names,
        value_range=dataset.value_range,
        rows={name: len(getattr(rows, name)) for name in sets},
        fingerprint=data.fingerprint(rows.train),
        license=dataset.license,
    )


def _describe(dataset: Dataset, rows: Split) -> str:
    shape = "x".join(map(str, dataset.x.shape[1:]))
    return (
        f"{dataset.name}: {len(dataset.x):,} rows of {shape}: {len(rows.train):,} to train, "
        f"{len(rows.validation):,} to validate, {len(rows.calibration):,} to calibrate, "
        f"{len(rows.test):,} to test ({int(rows.test_y.sum()):,} anomalies)"
    )


def _is_installed(tool: str) -> bool:
    try:
        importlib.metadata.version(tool)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
