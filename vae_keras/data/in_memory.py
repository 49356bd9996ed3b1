"""Rows that the caller has split already: arrays, or a tf.data.Dataset to train on."""

from dataclasses import replace

import numpy as np

from vae_keras.configs import DataConfig

from .datasets import Dataset, Rows, Split, blocks
from .sources import check_options
from .streams import DatasetStream, Stream
from .tables import value_range

DTYPES = (np.dtype(np.float32), np.dtype(np.uint8))


def accept_split(config: DataConfig, rows: Split) -> tuple[Dataset, Split]:
    """Checks a caller's rows; returns the `Dataset` that describes them, and the rows.

    Args:
        config: its source is their name; columns and value range say what they are.
        rows: of float32 or uint8.

    Raises:
        ValueError: the sets differ in shape or dtype, hold what is not finite or beyond the value
            range, or are empty; or `config` says what rows like these have no use for.
    """
    check_options(config, "given")
    if config != replace(
        DataConfig(config.source), columns=config.columns, value_range=config.value_range
    ):
        raise ValueError(
            "expected no shares, folds or seed of a split with rows that are split already. "
            "Received: "
            f"{config}."
        )
    if rows.labels is not None:
        raise ValueError(
            "expected rows without labels. Received: labels. A VAE with a classifier learns from "
            "arrays of your own by vae.fit(x, y)."
        )
    if rows.folds is not None:
        raise ValueError(
            "expected rows that are split into sets. Received: folds. Give the path of the rows, "
            "and folds in the DataConfig."
        )
    if rows.machines is not None:
        raise ValueError(
            "expected rows without machines. Received: machines. Train on a file (--machine), or "
            "give the bundle machines of its own: vae_runtime.recalibrate(..., machines=)."
        )
    if rows.recordings is not None:
        raise ValueError(
            "expected rows without recordings. Received: recordings. Train on a file (--recording)."
        )
    train = rows.train
    if not isinstance(train, (np.ndarray, Stream)):
        train = DatasetStream(train)
    rows = replace(rows, train=train)
    low, high = np.inf, -np.inf
    for name in ("train", "validation", "calibration", "test"):
        _check_kind(name, getattr(rows, name), like=train)
        lowest, highest = _extremes(name, getattr(rows, name))
        low, high = min(low, lowest), max(high, highest)
    if rows.test_y.shape != (len(rows.test),) or rows.test_y.dtype != bool:
        raise ValueError(
            f"expected test_y of bool ({len(rows.test)},). Received: {rows.test_y.dtype} "
            f"{rows.test_y.shape}."
        )
    names = config.columns
    if names is not None and len(names) != train.shape[-1]:
        raise ValueError(
            f"expected a name for each of {train.shape[-1]} columns. Received: {len(names)}."
        )
    limits = value_range(config, train.dtype, low, high)
    return Dataset(config.source, train, np.zeros(len(train), bool), limits, names), rows


def _check_kind(name: str, x: Rows, *, like: Rows) -> None:
    if x.dtype not in DTYPES or (x.shape[1:], x.dtype) != (like.shape[1:], like.dtype):
        raise ValueError(
            f"expected {name} of float32 or uint8, alike in all sets: {like.dtype} "
            f"{like.shape[1:]}. Received: {x.dtype} {x.shape[1:]}."
        )
    if not len(x):
        raise ValueError(f"expected rows in {name}. Received: none.")


def _extremes(name: str, x: Rows) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for block in blocks(x):
        if not np.isfinite(block).all():
            raise ValueError(f"expected finite numbers in {name}. Received: NaN or infinity.")
        low, high = min(low, float(block.min())), max(high, float(block.max()))
    return low, high
