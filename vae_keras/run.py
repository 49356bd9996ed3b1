"""Run directory: all that a training run leaves behind, and all that export needs.

config.json      what was asked: data, model, training, and the versions of the tools
data.json        what the rows are: shape, columns, names, fingerprint, how they were split
model.keras      the model with its pre-processing and likelihood inside
history.csv      losses of each epoch
training.npz     a few of the rows that it was trained on (x), to learn ranges from when quantising
calibration.npz  rows that training never saw (x), with their score, nll and kl in nats; with folds,
                 the rows of train and validation, with cross_score and cross_neg_elbo too, see
                 `cross_fitting`
test.npz         more such rows (x), with y = 1 for anomalies
metrics.json     how well the scores do on test.npz

With classes, the latter two have `labels` too: the numbers of the rows' classes, -1 if unknown;
with machines `machine`, the name of the machine that each row is of; with recordings `recording`.
`place_first`, `place_last`, `place_time` and `place_file` of test.npz say where in the source each
row is from, see `vae_keras.data.places`, as far as that is known.
"""

import csv
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np

from vae_keras._base.arrays import Arrays
from vae_keras._base.keras_defaults import check_floatx
from vae_keras.model.vae import VAE
from vae_runtime._base import typed_json
from vae_runtime._base.directories import Kind, directory_aside
from vae_runtime._base.paths import path_of
from vae_runtime.rows.formats.numpy_files import load_npz

from .run_records import Config as Config
from .run_records import DataCard as DataCard
from .run_records import Metrics as Metrics
from .run_records import with_names_of_today

T = TypeVar("T")

RECORDS = ("config", "data", "metrics")  # .json
ARRAYS = ("training", "calibration", "test")  # .npz
FILES = (
    *(f"{name}.json" for name in RECORDS),
    "model.keras",
    "history.csv",
    *(f"{name}.npz" for name in ARRAYS),
)  # all that a run of any version holds


def _files(config: Path) -> Collection[str]:
    """Names of all files of a run; ValueError where `config.json` is not a run's."""
    asked = typed_json.parse(config.read_bytes())
    if not isinstance(asked, dict) or not {"data", "model", "train", "versions"} <= set(asked):
        raise ValueError(f"{config}: expected what a run was asked for.")
    return FILES


RUN = Kind("run directory", mark="config.json", files=_files)


@dataclass(frozen=True)
class Run:
    """A run directory, read on demand."""

    path: Path
    config: Config
    data: DataCard

    @cached_property
    def vae(self) -> VAE:
        """Trained model, loaded in Keras's safe mode."""
        vae = _load_model(self.path / "model.keras")
        if not isinstance(vae, VAE):
            raise ValueError(f"{self.path}/model.keras: expected a VAE. Received: {type(vae)}.")
        return vae

    @cached_property
    def training(self) -> Arrays:
        """Array x of some of the rows that it was trained on."""
        return _arrays(self.path / "training.npz")

    @cached_property
    def calibration(self) -> Arrays:
        """Arrays x, score, nll and kl of the calibration rows, and labels where there are any.

        With folds also cross_score and cross_neg_elbo, which p-values are found among.
        """
        return _arrays(self.path / "calibration.npz")

    @cached_property
    def test(self) -> Arrays:
        """Arrays x and y of the test rows, and labels where there are any."""
        return _arrays(self.path / "test.npz")

    @cached_property
    def metrics(self) -> Metrics:
        """Metrics on the rows that the run held back."""
        return _record(Metrics, self.path / "metrics.json")

    @cached_property
    def history(self) -> dict[str, list[float]]:
        """Losses by name, one value an epoch."""
        try:
            with (self.path / "history.csv").open(newline="") as file:
                names, *rows = csv.reader(file)
            columns = zip(names, zip(*rows, strict=True), strict=True)
            return {
                name: [float(cell) for cell in cells] for name, cells in columns if name != "epoch"
            }
        except (ValueError, OSError) as error:
            raise ValueError(
                f"{self.path}/history.csv cannot be read: {error} Train again."
            ) from error


def open_run(path: str | Path) -> Run:
    """Reads the records of a run directory; ValueError for anything else.

    >>> run = open_run("runs/sensors")
    >>> run.config.data.label
    'broken'
    """
    path = path_of(path, "the path of a run directory")
    if (path / "manifest.json").is_file():
        raise ValueError(
            f"{path}: expected a run directory, as training writes it. Received: a bundle, which "
            f"is exported already: vae-runtime info {path}"
        )
    if path.is_file():
        raise ValueError(
            f"{path}: expected a run directory, as training writes it. Received: a file. The run "
            "comes first, rows are named by --data."
        )
    if not (path / RUN.mark).is_file():
        raise ValueError(
            f"{path}: expected a run directory, as `vae-keras train --out {path}` writes it. "
            "Received: no config.json there."
        )
    return Run(path, _record(Config, path / RUN.mark), _record(DataCard, path / "data.json"))


def write_run(
    path: str | Path,
    *,
    vae: VAE,
    history: Mapping[str, list[float]],
    records: Mapping[str, Any],
    arrays: Mapping[str, Arrays],
) -> Run:
    """Writes a run directory whole, in place of an earlier one.

    Args:
        path: the run directory.
        vae: the trained model.
        history: dict of lists, one value an epoch.
        records: dict of `Config`, `DataCard` and `Metrics` under config, data and metrics.
        arrays: dicts of arrays under training, calibration and test.

    Raises:
        ValueError: something else than a run directory is at that path.
    """
    with directory_aside(path, RUN) as aside:
        vae.save(aside / "model.keras")
        with (aside / "history.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", *history])
            writer.writerows([i, *row] for i, row in enumerate(zip(*history.values(), strict=True)))
        for name, record in records.items():
            (aside / f"{name}.json").write_text(typed_json.dumps(record))
        for name, each in arrays.items():
            np.savez_compressed(aside / f"{name}.npz", allow_pickle=False, **each)
    return open_run(path)


def _record(kind: type[T], path: Path) -> T:
    try:
        document = with_names_of_today(path.name, typed_json.parse(path.read_bytes()))
        return typed_json.convert(kind, document, path.name)
    except (ValueError, OSError) as error:
        raise ValueError(f"{path} cannot be read: {_first_line(error)} Train again.") from error


def _load_model(path: Path) -> Any:
    check_floatx()
    try:
        return keras.models.load_model(path, compile=False)
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read: {_first_line(error)} Train again.") from error


def _arrays(path: Path) -> Arrays:
    try:
        with path.open("rb") as file:
            arrays: Arrays = with_names_of_today(path.name, load_npz(file))
            return arrays
    except (ValueError, OSError) as error:
        raise ValueError(f"{path} cannot be read: {_first_line(error)} Train again.") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
