"""Our scores, as a device gives them: train, export, load the bundle."""

import gc
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_keras._base.tf_log_filter import filter_tf_log

with filter_tf_log():
    import keras
    import scalings

    from vae_export import export
    from vae_keras import VAE, DataConfig, ModelConfig, TrainConfig, train
    from vae_keras.evaluate import score_rows
    from vae_keras.run import Run
    from vae_runtime import Runner

FINEST = 0.01  # the level that a bundle is calibrated for, where there are rows enough
TEST = 0.02  # of the training half is held back by training itself, which wants to judge too

BATCH = 4096

Array = NDArray[np.float64]
Terms = dict[str, NDArray[Any]]
Changes = Mapping[str, Any]
NOTHING: Changes = {}


@contextmanager
def trained(x: Array, seed: int, changes: Changes = NOTHING) -> Iterator[Path]:
    """The bundle of one default configuration for all sets, while the context lasts.

    Args:
        x: normal rows to train and calibrate on.
        seed: of split, weights and noise.
        changes: of the defaults, by the names of their fields.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = _train(x, seed, changes, Path(folder))
        yield export(run.path, Path(folder) / "bundle", log=_silent, formats=("onnx",))
    _forget_models()


def terms_of(train: Array, test: Array, seed: int, changes: Changes) -> tuple[Terms, Terms]:
    """What a model of the training rows says of these and of test rows; nothing is exported.

    Args:
        train, test: the rows.
        seed: of split, weights and noise.
        changes: of the defaults, by the names of their fields; `members`, so many models whose
            terms are averaged; `scaling`, a name of `scalings.SCALINGS`.

    Returns:
        The terms of the score (see `VAE.score`), `u`, the pre-processed rows, and `z`, their
        posteriors' means: of the training rows, of the test rows.
    """
    with scalings.scaled(train, test, changes.get("scaling", "standard")) as (train, test):
        each = [_member(train, test, seed + i, changes) for i in range(changes.get("members", 1))]
    of_train, of_test = zip(*each, strict=True)
    return _mean(of_train), _mean(of_test)


def as_given(x: NDArray[Any]) -> NDArray[Any]:
    """Rows as files hold them: bytes, or float32."""
    return x if x.dtype == np.uint8 else x.astype(np.float32)


def _train(x: Array, seed: int, changes: Changes, folder: Path) -> Run:
    np.savez(folder / "rows.npz", x=as_given(x))
    share = max(TEST, 1 / len(x))
    data = DataConfig(str(folder / "rows.npz"), seed=seed, test=share, **_of(DataConfig, changes))
    level = max(FINEST, 1 / (len(x) // 6))
    config = TrainConfig(seed=seed, alpha=level, **_of(TrainConfig, changes))
    model = ModelConfig(**_of(ModelConfig, changes))
    return train(data, model, config, out=folder / "run", log=_silent)[0]


def _forget_models() -> None:
    """Frees what Keras and TensorFlow keep of models, in a process that trains many."""
    keras.backend.clear_session()
    gc.collect()


def _member(train: Array, test: Array, seed: int, changes: Changes) -> tuple[Terms, Terms]:
    with tempfile.TemporaryDirectory() as folder:
        vae = _train(train, seed, {"folds": 1, **changes}, Path(folder)).vae
    found = _terms(vae, train), _terms(vae, test)
    _forget_models()
    return found


def _mean(members: Sequence[Terms]) -> Terms:
    return {name: np.mean([each[name] for each in members], axis=0) for name in members[0]}


def _terms(vae: VAE, x: Array) -> Terms:
    rows = x.astype(np.float32)
    parts = np.array_split(rows, len(rows) // BATCH + 1)
    u = np.concatenate([np.asarray(vae.preprocessing(part)) for part in parts])
    z = np.concatenate([np.asarray(vae.encode(part)[0]) for part in parts])
    return {**score_rows(vae, rows), "u": u, "z": z}


def share_explained(runner: Runner, normal: NDArray[np.float32], size: Array, seed: int) -> float:
    """How often the feature that was pushed is the one named first.

    Args:
        runner: of the bundle.
        normal: rows to push one feature of each of, up or down.
        size: how far each feature is pushed.
        seed: of the choice.
    """
    rng = np.random.default_rng(seed)
    pushed, rows = rng.integers(0, normal.shape[1], len(normal)), normal.copy()
    signs = rng.choice([-1.0, 1.0], len(normal))
    rows[np.arange(len(rows)), pushed] += signs * size[pushed]
    return float((runner.explain(rows).argmax(1) == pushed).mean())


def _of(config: Any, changes: Changes) -> dict[str, Any]:
    return {name: value for name, value in changes.items() if name in config.__dataclass_fields__}


def _silent(line: str) -> None:
    """Says nothing."""
