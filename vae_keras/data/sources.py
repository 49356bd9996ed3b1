"""Sources of rows: named data sets, files and folders."""

from pathlib import Path
from typing import Any

import numpy as np

from vae_keras.configs import DataConfig
from vae_runtime._base.paths import path_of
from vae_runtime.bundle.manifest import Clock
from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.formats.image_files import is_image
from vae_runtime.rows.formats.pixels import said
from vae_runtime.rows.input_files import GLOB_MARKS, files_of
from vae_runtime.rows.names.categories import numbers_of
from vae_runtime.rows.text.endings import ENDINGS, format_ending
from vae_runtime.rows.times.times import time_columns

from . import column_choice, idx
from .datasets import Dataset
from .digits import load_digits
from .images import load_images
from .tables import load_table

# What each kind of source has use for; other options would be ignored, and are refused instead.
_CLASSES = ("classes", "labels_per_class")
_TABLE = ("columns", "label", "one_hot", "categories", "category_values", "bad_columns")
_TEXT = ("sep", "decimal", "thousands", "encoding", "comment", "header", "skiprows", "missing")
_WINDOWS = ("window", "stride", "recording", "time", "time_format", "gap")
_ROWS = ("normal", "machine", "value_range", "on_bad_row")
OPTIONS = {
    "digits": _CLASSES,
    "idx": ("data_dir",),
    "images": ("image_size", "channels", "on_bad_row"),
    "table": (*_TABLE, *_CLASSES, *_WINDOWS, *_ROWS, *_TEXT, "stream"),
    "arrays": (*_CLASSES, *_WINDOWS, *_ROWS),
    "given": ("columns", "value_range"),
}
ALL_OPTIONS = {option for options in OPTIONS.values() for option in options}

ARRAYS = (".npz", ".npy")
STREAMED = (".parquet", ".arrow", ".feather")  # quick to read again in each epoch
NAMES = ("digits", *idx.DATASETS)


def load(config: DataConfig) -> Dataset:
    """Loads the data set that a `DataConfig` names; ValueError where it cannot be used."""
    if config.source not in NAMES and not _is_there(config.source):
        raise ValueError(
            f"{config.source}: expected {', '.join(NAMES)}, a file of "
            f"{', '.join(ENDINGS)}, a folder or glob of such files, or a folder of "
            "images. Received: nothing at that path."
        )
    kind = kind_of(config.source)
    check_options(config, kind)
    if kind == "digits":
        return load_digits(config.classes)
    if kind == "idx":
        x = np.concatenate(idx.load_images(config.source, config.data_dir))
        return Dataset(config.source, x, np.zeros(len(x), bool), (0.0, 255.0))
    return load_images(config) if kind == "images" else load_table(config)


def resolve(config: DataConfig) -> tuple[DataConfig, tuple[str, ...]]:
    """Says which columns are features and times, see `column_choice`; all of other sources."""
    if config.source in NAMES or not _is_there(config.source) or kind_of(config.source) != "table":
        return config, ()
    return column_choice.resolve(config)


def config_like(source: str, known: Any, **options: Any) -> DataConfig:
    """Makes the `DataConfig` by which rows are read in a trained model's form.

    Args:
        source: of the rows.
        known: a run's `DataCard` or a bundle's `Model`: input shape, feature names, stride.
        options: of the source, as `DataConfig` has it: label, recording, on_bad_row and the like.
    """
    kind = kind_of(source)
    if kind == "images" and known.image is not None:
        options = {**_image_options(known), **_given(options)}
    windowed = known.stride is not None and kind in ("table", "arrays")
    categories = known.categories if kind == "table" else None
    names = known.feature_names if kind == "table" else None
    if kind == "table" and known.dialect is not None and not options.get("missing"):
        options = {**options, "missing": known.dialect.missing or None}
    if windowed and options.get("time"):
        options |= _times_like(known.clock, options)
    return DataConfig(
        source,
        columns=names if categories is None else numbers_of(names or (), categories),
        categories=None if categories is None else tuple(categories),
        category_values=categories,
        window=known.input_shape[0] if windowed else None,
        stride=known.stride if windowed else None,
        **options,
    )


def _image_options(known: Any) -> dict[str, Any]:
    """Options by which images become rows of a model, as they did in its training."""
    height, width, channels = known.input_shape
    size = None if known.image.resampling is None else (height, width)
    return {"image_size": size, "channels": channels}


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The options that say something: those that are not the default."""
    return {name: value for name, value in options.items() if value is not None}


def _times_like(clock: Clock | None, options: dict[str, Any]) -> dict[str, Any]:
    """The gap of training, and the format of times of the same columns, where none are given."""
    if clock is None:
        return {}
    gap, format = options.get("gap"), options.get("time_format")
    if format is None and time_columns(options["time"]) == clock.columns:
        format = clock.format
    return {"gap": clock.gap if gap is None else gap, "time_format": format}


def kind_of(source: str) -> str:
    """Kind of a source, a key of `OPTIONS`: digits, idx, images, table or arrays."""
    if source in NAMES:
        return "idx" if source in idx.DATASETS else "digits"
    first = _first_of(source)
    if first.is_dir() or is_image(first):
        return "images"
    return "arrays" if format_ending(_first_of(source)) in ARRAYS else "table"


def _is_there(source: str) -> bool:
    path = path_of(source, "a source of rows")
    return path.exists() or any(mark in source for mark in GLOB_MARKS)


def _first_of(source: str) -> Path:
    """The first file that a source stands for."""
    return files_of([source], Wanted())[0]


def check_options(config: DataConfig, kind: str) -> None:
    """Raises ValueError for an option that this kind of source would ignore."""
    plain = DataConfig(config.source)
    for option in sorted(ALL_OPTIONS - set(OPTIONS[kind])):
        value = getattr(config, option)
        if value != getattr(plain, option):
            if option == "image_size":
                value = f"{said(value[1], value[0])} (width x height)"
            raise ValueError(
                f"expected no {option.replace('_', '-')} for {config.source}. "
                f"Received: {value}, which would be ignored."
            )
    if (
        config.stream
        and kind == "table"
        and format_ending(_first_of(config.source)) not in STREAMED
    ):
        raise ValueError(
            f"expected Parquet to stream. Received: {config.source}. Convert it, or train on it "
            "in memory."
        )
