"""Rows to train on, by name or from a file; then the split that decides who sees which rows.

`digits` is scikit-learn's 8 x 8 handwritten digits. All ten are normal; the anomalies are real
images that are not digits: 8 x 8 grey patches of scikit-learn's two bundled photographs.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vae_runtime.files import read_rows

from . import idx
from .arrays import Array
from .configs import DataConfig

HELD_BACK = 10_000  # rows at most for calibration, and for test: more do not sharpen an alarm level


@dataclass(frozen=True)
class Dataset:
    """Rows and what is known of them.

    Args:
        name: for people.
        x: float32 or uint8 (rows, *input_shape), in the data's own units.
        y: bool (rows,), True for anomalies.
        feature_names: of the columns of a table, else None.
        value_range: the lowest and highest value that the sensor can give; None where unknown.
        groups: sizes of the one-hot groups that the last columns are, in order.
        license: of the data, where known.
    """

    name: str
    x: Array
    y: Array
    value_range: tuple[float, float] | None = None
    feature_names: tuple[str, ...] | None = None
    groups: tuple[int, ...] = ()
    license: str | None = None


@dataclass(frozen=True)
class Split:
    """Disjoint sets of rows. Only `test` holds anomalies, marked by `test_y`."""

    train: Array
    validation: Array
    calibration: Array
    test: Array
    test_y: Array


def load(config: DataConfig) -> Dataset:
    """The dataset that a `DataConfig` names; ValueError says what is wrong with it, and where."""
    _check_options(config)
    if config.source == "digits":
        return digits()
    if config.source in idx.DATASETS:
        x = np.concatenate(idx.load_images(config.source, config.data_dir))
        return Dataset(config.source, x, np.zeros(len(x), bool), _value_range(x))
    rows = read_rows(config.source, columns=config.columns, label=config.label)
    x = _as_trainable(rows.x, rows.names)
    y = np.zeros(len(x), bool) if rows.y is None else _as_labels(rows.y)
    value_range = _value_range(x) if config.value_range is None else config.value_range
    _check_range(x, value_range)
    dataset = Dataset(Path(config.source).stem, x, y, value_range, rows.names)
    return _with_groups_last(dataset, config.one_hot) if config.one_hot else dataset


def digits() -> Dataset:
    """1,797 digits, and 400 photograph patches as anomalies: float32 (2197, 8, 8, 1) in 0..16."""
    from sklearn.datasets import load_digits, load_sample_images

    normal = load_digits().images
    rng = np.random.default_rng(0)
    patches = np.concatenate([_patches(p, 200, rng) for p in load_sample_images().images])
    x = np.concatenate([normal, patches]).astype(np.float32)[..., None]
    y = np.arange(len(x)) >= len(normal)
    return Dataset("digits", x, y, (0.0, 16.0), license="CC BY 4.0 (UCI ML repository, digits)")


def split(dataset: Dataset, config: DataConfig) -> Split:
    """Shuffles the normal rows and deals them out by the shares of a `DataConfig`."""
    rng = np.random.default_rng(config.seed)
    normal = rng.permutation(np.flatnonzero(~dataset.y))
    anomalies = rng.permutation(np.flatnonzero(dataset.y))[:HELD_BACK]
    n = len(normal)
    calibration = min(round(n * config.calibration), HELD_BACK)
    test = min(round(n * config.test), HELD_BACK)
    ends = np.cumsum([calibration, test, round(n * config.validation)])
    if min(calibration, test, ends[2] - ends[1], n - ends[2]) < 1:
        raise ValueError(
            "expected enough normal rows to train, validate, calibrate and test on. "
            f"Received: {n} in {dataset.name}."
        )
    calibration, test, validation, train = (dataset.x[i] for i in np.split(normal, ends))
    test_y = np.arange(len(test) + len(anomalies)) >= len(test)
    return Split(
        train, validation, calibration, np.concatenate([test, dataset.x[anomalies]]), test_y
    )


def fingerprint(x: Array) -> str:
    """The sha256 of the rows' bytes, to tell which rows a model was trained on."""
    return hashlib.sha256(np.ascontiguousarray(x).tobytes()).hexdigest()


def _as_trainable(x: Array, names: tuple[str, ...] | None) -> Array:
    """float32 or uint8 with at least one feature, every value finite."""
    if x.dtype.kind not in "biuf" or x.ndim < 2 or 0 in x.shape:
        raise ValueError(
            "expected rows of numbers, (rows, features) or (rows, height, width, channels). "
            f"Received: {x.dtype} of shape {x.shape}."
        )
    if x.dtype == np.uint8:
        return x
    with np.errstate(over="ignore"):  # becomes infinity, refused below
        x = x.astype(np.float32)
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        row, *position = bad[0].tolist()
        where = f"column {names[position[0]]!r}" if names else f"position {tuple(position)}"
        raise ValueError(
            f"expected finite numbers that fit float32. Received: {x[tuple(bad[0])]} in row {row}, "
            f"{where} ({len(np.unique(bad[:, 0]))} rows have such values). Clean or drop them."
        )
    return x


def _value_range(x: Array) -> tuple[float, float] | None:
    """What the sensor can give, where that is plain: bytes, or nothing but 0 to 1."""
    if x.dtype == np.uint8:
        return 0.0, 255.0
    return (0.0, 1.0) if x.min() >= 0 and x.max() <= 1 else None


def _check_range(x: Array, value_range: tuple[float, float] | None) -> None:
    if value_range is not None and (x.min() < value_range[0] or x.max() > value_range[1]):
        raise ValueError(
            f"expected values from {value_range[0]:g} to {value_range[1]:g}, as --value-range "
            f"says. Received: {x.min():g} to {x.max():g}."
        )


def _check_options(config: DataConfig) -> None:
    """Refuses what a source has no use for, before it is ignored."""
    if config.source == "digits" or config.source in idx.DATASETS:
        useless = ["label", "columns", "one_hot", "value_range"]
    elif Path(config.source).suffix != ".csv":
        useless = ["label", "columns", "one_hot", "data_dir"]
    else:
        useless = ["data_dir"]
    for option in useless:
        if getattr(config, option) is not None:
            raise ValueError(
                f"expected no {option.replace('_', '-')} for {config.source}. "
                f"Received: {getattr(config, option)}, which would be ignored."
            )


def _with_groups_last(dataset: Dataset, prefixes: tuple[str, ...]) -> Dataset:
    """The same with its one-hot columns last, group by group; ValueError where they are none."""
    names = dataset.feature_names or ()
    groups = [[i for i, n in enumerate(names) if n.startswith(f"{p}_")] for p in prefixes]
    for prefix, group in zip(prefixes, groups, strict=True):
        if len(group) < 2:
            raise ValueError(
                f"expected several columns named {prefix}_... for the one-hot group {prefix!r}. "
                f"Received: {len(group)} in {', '.join(names) or 'a file without names'}."
            )
        values = dataset.x[:, group]
        unseen = [names[i] for i in group if not dataset.x[:, i].any()]
        if unseen:
            raise ValueError(
                f"expected every column {prefix}_... to be 1 in some row. Received: none in which "
                f"{unseen[0]} is. A kind that is never seen cannot be learnt; leave it out."
            )
        bad = np.flatnonzero(((values != 0) & (values != 1)).any(1) | (values.sum(1) != 1))
        if len(bad):
            raise ValueError(
                f"expected exactly one 1 among the columns {prefix}_... of each row. "
                f"Received: {values[bad[0]].tolist()} in row {bad[0]} ({len(bad)} such rows)."
            )
    last = [i for group in groups for i in group]
    order = [i for i in range(len(names)) if i not in set(last)] + last
    return replace(
        dataset,
        x=dataset.x[:, order],
        feature_names=tuple(names[i] for i in order),
        groups=tuple(map(len, groups)),
    )


def _as_labels(y: Array) -> Array:
    if not np.isin(y, (0, 1)).all():
        raise ValueError(
            f"expected labels 0 (normal) and 1 (anomaly). Received: {np.unique(y)[:5]}."
        )
    return y.astype(bool)


def _patches(photograph: Array, n: int, rng: np.random.Generator) -> Array:
    """N of the photograph's 8 x 8 tiles that are not of one grey: float64 (n, 8, 8) in 0..16."""
    luma = photograph @ np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
    grey = np.rint(luma * 16 / 255)
    height, width = (side // 8 * 8 for side in grey.shape)
    tiles = grey[:height, :width].reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2)
    tiles = tiles.reshape(-1, 8, 8)
    tiles = tiles[tiles.max((1, 2)) > tiles.min((1, 2))]
    return tiles[rng.permutation(len(tiles))[:n]]
