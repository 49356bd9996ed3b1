"""Sources of rows: named data sets, files and folders."""

from pathlib import Path
from typing import Any

import numpy as np

from vae_keras.configs import DataConfig
from vae_runtime._base.paths import path_of
from vae_runtime.bundle.manifest import Clock
from vae_runtime.rows.files import table_format
from vae_runtime.rows.times import time_columns

from . import idx
from .datasets import Dataset
from .digits import load_digits
from .images import load_folder
from .tables import load_table

# What each kind of source has use for; other options would be ignored, and are refused instead.
_CLASSES = ("classes", "labels_per_class")
_TABLE = ("columns", "label", "one_hot", "bad_columns")
_WINDOWS = ("window", "stride", "recording", "time", "time_format", "gap")
OPTIONS = {
    "digits": _CLASSES,
    "idx": ("data_dir",),
    "images": ("image_size", "channels", "bad_rows"),
    "table": (*_TABLE, *_CLASSES, *_WINDOWS, "machine", "value_range", "bad_rows", "stream"),
    "arrays": (*_CLASSES, *_WINDOWS, "machine", "value_range", "bad_rows"),
    "given": ("columns", "value_range"),
}
ALL_OPTIONS = {option for options in OPTIONS.values() for option in options}

NAMES = ("digits", *idx.DATASETS)


def load(config: DataConfig) -> Dataset:
    """Loads the data set that a `DataConfig` names; ValueError where it cannot be used."""
    if config.source not in NAMES and not path_of(config.source, "a source of rows").exists():
        raise ValueError(
            f"{config.source}: expected {', '.join(NAMES)}, a .npz, .npy, .csv or .parquet file, a "
            "folder of .parquet files or one of images. Received: nothing at that path."
        )
    kind = _kind(config.source)
    check_options(config, kind)
    if kind == "digits":
        return load_digits(config.classes)
    if kind == "idx":
        x = np.concatenate(idx.load_images(config.source, config.data_dir))
        return Dataset(config.source, x, np.zeros(len(x), bool), (0.0, 255.0))
    return load_folder(config) if kind == "images" else load_table(config)


def config_like(source: str, known: Any, **options: Any) -> DataConfig:
    """Makes the `DataConfig` by which rows are read in a trained model's form.

    Args:
        source: of the rows.
        known: a run's `DataCard` or a bundle's `Model`: input shape, feature names, stride.
        options: of the source, as `DataConfig` has it: label, recording, bad_rows and the like.
    """
    kind = _kind(source)
    windowed = known.stride is not None and kind in ("table", "arrays")
    if windowed and options.get("time"):
        options |= _times_like(known.clock, options)
    return DataConfig(
        source,
        columns=known.feature_names if kind == "table" else None,
        window=known.input_shape[0] if windowed else None,
        stride=known.stride if windowed else None,
        **options,
    )


def _times_like(clock: Clock | None, options: dict[str, Any]) -> dict[str, Any]:
    """The gap of training, and the format of times of the same columns, where none are given."""
    if clock is None:
        return {}
    gap, format = options.get("gap"), options.get("time_format")
    if format is None and time_columns(options["time"]) == clock.columns:
        format = clock.format
    return {"gap": clock.gap if gap is None else gap, "time_format": format}


def _kind(source: str) -> str:
    if source in NAMES:
        return "idx" if source in idx.DATASETS else "digits"
    path = path_of(source, "a source of rows")
    if path.is_dir() and not any(path.rglob("*.parquet")):
        return "images"
    return "table" if table_format(path) else "arrays"


def check_options(config: DataConfig, kind: str) -> None:
    """Raises ValueError for an option that this kind of source would ignore."""
    plain = DataConfig(config.source)
    for option in sorted(ALL_OPTIONS - set(OPTIONS[kind])):
        if getattr(config, option) != getattr(plain, option):
            raise ValueError(
                f"expected no {option.replace('_', '-')} for {config.source}. "
                f"Received: {getattr(config, option)}, which would be ignored."
            )
    if config.stream and Path(config.source).suffix == ".csv":
        raise ValueError(
            f"expected Parquet to stream. Received: {config.source}. Convert it, or train on it "
            "in memory."
        )
