"""Summary of a run before it begins."""

from vae_keras.configs import ModelConfig
from vae_keras.data import Dataset, Split
from vae_keras.data.datasets import epoch_rows
from vae_keras.data.labels import UNKNOWN
from vae_keras.data.offsets import Windows
from vae_keras.likelihoods.registry import title
from vae_runtime.rows.formats.pixels import said

from .folds import count


def describe(dataset: Dataset, rows: Split, config: ModelConfig) -> list[str]:
    """Lines on what was done to the rows, then one on the sets, the model and the labels."""
    return [
        *dataset.notes,
        f"{dataset.name}: {_describe_row(dataset)}: {_describe_sets(rows)}, "
        f"{len(rows.test):,} to test ({int(rows.test_y.sum()):,} anomalies); {config.network} "
        f"network, {_describe_likelihood(dataset, config)}{_describe_labels(dataset, rows)}",
    ]


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
