"""Class labels, of which few may be known: reads, checks, splits and hides them.

Labels are int32 (rows,): the number of a row's class in the tuple of their names, -1 where it is
not known. Names are sorted, whole numbers by their size and before all else.
"""

import dataclasses
import re
from collections.abc import Mapping

import numpy as np

from vae_keras._base.arrays import Array, Arrays
from vae_keras.configs import DataConfig
from vae_runtime.rows.names.name_texts import name_texts
from vae_runtime.rows.text.cells import MISSING

from .datasets import Dataset

UNKNOWN = -1
WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")  # without zeros before it: 007 is a name

Labels = Array  # int32 (rows,), UNKNOWN or the number of a class


def read(values: Array, anomalies: Array, *, column: str) -> tuple[Labels, tuple[str, ...]]:
    """Reads class labels from the values of a column.

    Args:
        values: (rows,) whole numbers, -1 or NaN where the class is not known, or text, empty or
            None where it is not.
        anomalies: bool (rows,); what they are called is of no account, they are never trained on.
        column: its name, for errors.

    Returns:
        (labels, names of the classes).

    Raises:
        ValueError: it holds something else.
    """
    values = _text_or_whole(values, column)
    known = ~_is_missing(values) & ~anomalies
    found, inverse = np.unique(values[known], return_inverse=True)
    order = sorted(range(len(found)), key=lambda i: _by_number(str(found[i])))
    labels = np.full(len(values), UNKNOWN, np.int32)
    labels[known] = np.argsort(order)[inverse]
    return labels, tuple(str(found[i]) for i in order)


def with_labels(dataset: Dataset, values: Array, *, column: str) -> Dataset:
    """Adds the class labels in these values to a `Dataset`."""
    labels, classes = read(values, dataset.y, column=column)
    return dataclasses.replace(dataset, labels=labels, classes=classes)


def keep_random_labels(labels: Labels, n: int, names: tuple[str, ...], *, seed: int) -> Labels:
    """Keeps n random labels of each class, and replaces all others by `UNKNOWN`."""
    rng = np.random.default_rng(seed)
    kept = np.full_like(labels, UNKNOWN)
    for number, name in enumerate(names):
        rows = np.flatnonzero(labels == number)
        if len(rows) < n:
            raise ValueError(
                f"expected {n} labels of each class among the training rows. "
                f"Received: {len(rows)} of {name!r}. Lower --labels-per-class."
            )
        kept[rng.permutation(rows)[:n]] = number
    return kept


def split_labels(dataset: Dataset, rows: Mapping[str, Array], config: DataConfig) -> Arrays | None:
    """Labels of each set of rows, as training may see them; None where there are no classes.

    With `labels_per_class`, what training may not see it may not be stopped by either: those of the
    validation rows are forgotten.

    Args:
        dataset: a `Dataset`.
        rows: the numbers of the rows in train, validation, calibration and test.
        config: how many labels of each class training may see, and the seed of which.

    Raises:
        ValueError: there are fewer than two classes, or training would see no label of some.
    """
    if dataset.classes is None or dataset.labels is None:
        return None
    names = dataset.classes
    if len(names) < 2:
        raise ValueError(
            f"expected two classes or more. Received: {', '.join(names) or 'no label at all'}."
        )
    dealt = {role: dataset.labels[numbers] for role, numbers in rows.items()}
    if config.labels_per_class is not None:
        dealt["train"] = keep_random_labels(
            dealt["train"], config.labels_per_class, names, seed=config.seed
        )
        dealt["validation"] = np.full_like(dealt["validation"], UNKNOWN)
    missing = set(range(len(names))) - set(dealt["train"].tolist())
    if missing:
        raise ValueError(
            "expected labels of every class among the training rows. Received: none of "
            f"{', '.join(names[number] for number in sorted(missing)[:5])}. Label more of it, or "
            "leave its rows unlabelled."
        )
    return dealt


def translate(labels: Labels, names: tuple[str, ...], known: tuple[str, ...]) -> Labels:
    """Converts labels to a model's numbers for the same class names; ValueError for other names."""
    if not known:
        raise ValueError("expected no --classes: this model was trained without any.")
    strange = [name for name in names if name not in known]
    if strange:
        raise ValueError(
            f"expected the model's classes {', '.join(known)}. Received: {', '.join(strange[:5])}."
        )
    numbers = np.array([*(known.index(name) for name in names), UNKNOWN], np.int32)
    return numbers[labels]  # UNKNOWN is the last by its index, too


def _is_missing(values: Array) -> Array:
    if values.dtype.kind != "U":
        return np.asarray(values == UNKNOWN)
    return np.isin(np.char.lower(np.char.strip(values)), sorted(MISSING))


def _text_or_whole(values: Array, column: str) -> Array:
    """Converts values to text or to integers from -1; ValueError where they are neither.

    Text that is whole numbers alone is these, as it is where a format has types.
    """
    if values.dtype.kind in "OSU":
        values = _whole_or_text(name_texts(values))
    if values.dtype.kind == "f":  # integers beside which NaN has no place
        values = np.where(np.isnan(values), UNKNOWN, values)
        whole = np.isfinite(values).all() and (values == np.rint(values)).all()
        values = values.astype(np.int64) if whole else values
    if values.dtype.kind not in "biuU":
        raise ValueError(
            f"expected classes as text or whole numbers in {column!r}. Received: {values.dtype}."
        )
    if values.dtype.kind == "U" and (values == str(UNKNOWN)).any():
        raise ValueError(
            f"expected an empty cell in {column!r} where the class is unknown. Received: '-1'."
        )
    if values.dtype.kind != "U" and values.min() < UNKNOWN:
        raise ValueError(
            f"expected classes from 0, and -1 where unknown, in {column!r}. "
            f"Received: {values.min()}."
        )
    return values


def _whole_or_text(names: Array) -> Array:
    """Names as whole numbers where all that are known are such, and -1 the others."""
    known = np.flatnonzero(~_is_missing(names))
    if not len(known) or not all(map(WHOLE.fullmatch, names[known].tolist())):
        return names
    whole = np.full(len(names), UNKNOWN, np.int64)
    whole[known] = [int(name) for name in names[known].tolist()]
    return whole


def _by_number(name: str) -> tuple[bool, int, str]:
    return (False, int(name), name) if name.isdecimal() else (True, 0, name)
