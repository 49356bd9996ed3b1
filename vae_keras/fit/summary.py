"""Summary of a run before it begins."""

import numpy as np

from vae_keras.configs import ModelConfig
from vae_keras.data import Dataset, Split
from vae_keras.data.datasets import epoch_rows
from vae_keras.data.labels import UNKNOWN
from vae_keras.data.offsets import Windows
from vae_keras.data.recordings import numbers_of
from vae_keras.likelihoods.registry import title
from vae_runtime.rows.formats.pixels import said
from vae_runtime.verdicts.calibration import rows_needed

from .folds import count


def describe(dataset: Dataset, rows: Split, config: ModelConfig, *, alpha: float) -> list[str]:
    """Lines on what was done to the rows, then one on the sets, the model and the labels."""
    return [
        *dataset.notes,
        f"{dataset.name}: {_describe_row(dataset)}: {_describe_sets(rows)}, "
        f"{len(rows.test):,} to test ({int(rows.test_y.sum()):,} anomalies); {config.network} "
        f"network, {_describe_likelihood(dataset, config)}{_describe_labels(dataset, rows)}",
        *_describe_recordings(dataset, rows, alpha),
    ]


def _describe_recordings(dataset: Dataset, rows: Split, alpha: float) -> list[str]:
    """Lines on which recordings are held back, and whether these are enough for alpha."""
    found = rows.recordings
    if found is None or _are_machines(rows):
        return []  # of machines that are recordings each set has stretches, as it must
    counts, needed = found.counts, rows_needed(alpha)
    if not found.whole:
        several = len(np.unique(numbers_of(dataset)[~dataset.y]))
        noun = "recordings are" if several > 1 else "recording is"
        return [
            f"{several:,} {noun} too few to hold whole ones back: all sets have stretches of them. "
            "On a new recording there may be far more false alarms than asked for. Bring more "
            "recordings"
        ]
    held = "in whole" if rows.folds is None else f"in whole, {count(rows)} folds of them"
    said = f"recordings {held}: {counts['train']} to train, {counts['validation']} to validate, "
    said += f"{counts['calibration']} to calibrate, {counts['test']} to test"
    if counts["calibration"] >= needed:
        return [said]
    return [
        f"{said}. Alarms at {alpha:g} on a new recording are an estimate: to promise so few takes "
        f"{needed:,} recordings to calibrate on"
    ]


def _are_machines(rows: Split) -> bool:
    """True where each machine is a recording of its own."""
    if rows.recordings is None or rows.machines is None:
        return False
    names = rows.recordings.names
    return all(bool((names[role] == own).all()) for role, own in rows.machines.items())


def _describe_row(dataset: Dataset) -> str:
    shape = dataset.x.shape[1:]
    if dataset.image is None:
        return f"rows of {'x'.join(map(str, shape))}"
    kind = "grey" if shape[2] == 1 else "in colour"
    return f"images of {said(shape[1], shape[0])} (width x height), {kind}"


def _describe_likelihood(dataset: Dataset, config: ModelConfig) -> str:
    return title(config.likelihood, features=dataset.x.shape[1], groups=dataset.one_hot)


def _describe_sets(rows: Split) -> str:
    said = f"{len(rows.train):,} to train"
    if isinstance(rows.train, Windows):
        said += f" at every offset ({rows.train.epoch_rows:,} an epoch)"
    said += f", {epoch_rows(rows.validation):,} to validate"
    if rows.folds is None:
        return f"{said}, {len(rows.calibration):,} to calibrate"
    return f"{said}, calibrated on all of them ({count(rows)} models, each without a fold)"


def _describe_labels(dataset: Dataset, rows: Split) -> str:
    if rows.labels is None or dataset.classes is None:
        return ""
    labelled = int((rows.labels["train"] != UNKNOWN).sum())
    return f"; {len(dataset.classes)} classes, {labelled:,} of the rows to train labelled"
