"""From a data source to a run directory."""

import dataclasses
import importlib.metadata
import json
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from vae_runtime.calibration import check_alpha
from vae_runtime.files import check_replaceable

from . import data, likelihoods, networks
from .arrays import Array
from .configs import DataConfig, ModelConfig, TrainConfig
from .data import Dataset, Split
from .evaluate import evaluate, score_rows
from .model import VAE
from .pipeline import Shuffled, steps_an_epoch
from .preprocessing import Scaling, standardize, to_unit_interval
from .progress import Progress, StopOnDivergence
from .run import MARK, Config, DataCard, Metrics, Run, write_run
from .schedules import Cyclical, Schedule, Warmup
from .stopping import Stopping

Log = Callable[[str], None]

# Steps that TensorFlow takes without coming back to Python, which costs as much as a small network:
# 50,000 rows of 32 features take 0.60 s for three epochs in place of 0.88 s.
STEPS_PER_EXECUTION = 20

ACTIVE_VARIANCE = 0.01

TOOLS = ("vae-keras", "keras", "tensorflow", "tensorflow-cpu", "numpy")


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
    log(
        f"{_describe(dataset, rows)}; {model_config.network} network, {model_config.likelihood}"
        f"{', categorical' if dataset.groups else ''}"
    )
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
        history=stopping.history,
        records={"config": config, "data": _card(dataset, rows), "metrics": metrics},
        arrays={"calibration": calibration, "test": {"x": rows.test, "y": rows.test_y}},
    )
    return run, metrics


def build(config: ModelConfig, x: Array, dataset: Dataset, train_config: TrainConfig) -> VAE:
    """An untrained VAE for a resolved `ModelConfig`, scaled to the training rows x."""
    keras.utils.set_random_seed(train_config.seed)
    sizes = {} if config.hidden is None else {"hidden": config.hidden}
    make_pair = networks.get(config.network)
    encoder, decoder = make_pair(
        x.shape[1:],
        config.latent_dim,
        **sizes,
        activation=config.activation,
        dtype=train_config.precision,
    )
    likelihood = likelihoods.build(
        config.likelihood, features=x.shape[1], groups=dataset.groups, sigma=config.sigma
    )
    steps = train_config.epochs * steps_an_epoch(len(x), train_config.batch_size)
    return VAE(
        encoder,
        decoder,
        likelihood=likelihood,
        preprocessing=_scaling(likelihood, x, dataset),
        beta=_schedule(config.beta, train_config, steps),
        free_bits=train_config.free_bits,
        seed=train_config.seed,
        name="vae",
    )


def fit(
    vae: VAE,
    x: Array,
    validation: Array,
    config: TrainConfig,
    *,
    stopping: Stopping,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    log: Log = print,
) -> None:
    """Trains until the validation ELBO stops rising; the best weights, and `history`, remain.

    Args:
        vae: the model.
        x, validation: rows, in the data's own units.
        config: how.
        stopping: keeps the best weights, the history and the checkpoint.
        resume: whether to go on from the checkpoint, if there is one.
        callbacks: of Keras, beside our own.
        log: called with each line of progress.
    """
    steps = steps_an_epoch(len(x), config.batch_size)
    vae.compile(
        keras.optimizers.Adam(_learning_rate(config, steps), global_clipnorm=config.clip_norm),
        steps_per_execution=min(STEPS_PER_EXECUTION, steps),
    )
    first = stopping.resume(vae) if resume else 0
    if first:
        log(f"resumed after epoch {first}")
    progress = Progress(config.epochs, len(x), log, first_epoch=first)
    shuffled = Shuffled(x, config.batch_size, seed=config.seed)
    vae.fit(
        shuffled.data,
        validation_data=(validation,),
        initial_epoch=first,
        epochs=config.epochs,
        shuffle=False,  # it is, for each epoch anew
        callbacks=[shuffled, StopOnDivergence(), stopping, progress, *callbacks],
        verbose=0,
    )
    stopping.checkpoint.unlink(missing_ok=True)


def in_float32(
    vae: VAE, config: ModelConfig, x: Array, dataset: Dataset, train_config: TrainConfig
) -> VAE:
    """The same model computing in float32, as scores and exports do; itself where it does."""
    if train_config.precision == "float32":
        return vae
    twin = build(config, x, dataset, dataclasses.replace(train_config, precision="float32"))
    twin.set_weights(vae.get_weights())
    return twin


def checkpoint_path(out: str | Path) -> Path:
    """Where the checkpoint of a run to be lies while it trains."""
    out = Path(out)
    return out.with_name(f"{out.name}.checkpoint.npz")


def describe_latents(vae: VAE, x: Array) -> str:
    """How many latents tell rows apart, as a sentence that warns where it is none.

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


def versions() -> dict[str, str]:
    """Versions of Python and of the tools that shape a model."""
    found = {tool: importlib.metadata.version(tool) for tool in TOOLS if _is_installed(tool)}
    return {"python": platform.python_version(), **found}


def _learning_rate(config: TrainConfig, steps: int) -> Any:
    if config.decay == "constant":
        return config.learning_rate
    return keras.optimizers.schedules.CosineDecay(
        config.learning_rate, config.epochs * steps, alpha=0.01
    )


def _schedule(beta: float, config: TrainConfig, steps: int) -> Schedule:
    rise = max(round(config.warmup * steps), 1)
    if config.schedule == "warmup":
        return Warmup(beta, rise)
    if config.schedule == "cyclical":
        return Cyclical(beta, steps=max(rise // 4, 1), cycles=4)
    return Warmup(beta)


def _identity(
    data_config: DataConfig, model_config: ModelConfig, train_config: TrainConfig, rows: Split
) -> dict[str, Any]:
    """What makes a run the run that it is, as JSON would give it back."""
    asked = {
        "data": dataclasses.asdict(data_config),
        "model": dataclasses.asdict(model_config),
        "training": dataclasses.asdict(train_config),
        "rows": data.fingerprint(rows.train),
    }
    return json.loads(json.dumps(asked))


def _scaling(likelihood: Any, x: Array, dataset: Dataset) -> Scaling:
    """Onto the likelihood's support where it has one, else to mean 0 and deviation 1."""
    if likelihood.support is None:
        return standardize(x, dataset.feature_names, keep=sum(dataset.groups))
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
        groups=dataset.groups,
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
