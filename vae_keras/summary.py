"""What a run is going to do, in a sentence before it begins."""

from vae_runtime.printing import printable

from .configs import ModelConfig
from .cross_fitting import count
from .data import Dataset, Split
from .data.datasets import epoch_rows
from .data.labels import UNKNOWN
from .data.offsets import Windows
from .likelihoods.registry import title


def describe(dataset: Dataset, rows: Split, config: ModelConfig) -> str:
    """What was done to the rows, who sees how many of them, and the resolved model."""
    shape = "x".join(map(str, dataset.x.shape[1:]))
    notes = "".join(f"{printable(note)}\n" for note in dataset.notes)
    return (
        f"{notes}{printable(dataset.name)}: rows of {shape}: {_describe_sets(rows)}, "
        f"{len(rows.test):,} to test ({int(rows.test_y.sum()):,} anomalies); {config.network} "
        f"network, {_describe_likelihood(dataset, config)}"
        f"{_describe_labels(dataset, rows)}"
    )


def _describe_likelihood(dataset: Dataset, config: ModelConfig) -> str:
    return title(config.likelihood, features=dataset.x.shape[1], groups=dataset.groups)


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
