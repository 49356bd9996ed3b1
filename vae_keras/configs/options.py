"""Command-line options of `vae-keras` for the fields of configurations, and their parsers."""

import argparse
import dataclasses
from collections.abc import Callable
from typing import Any

from vae_keras.likelihoods import registry
from vae_runtime.cli.values import duration, listed, name_or_path

from . import ACTIVATIONS, BAD_CHOICES, DECAYS, PRECISIONS, SCHEDULES, SIGMAS

Read = Callable[[str], Any]
Flags = dict[str, tuple[Read, str]]  # of each field: how its text is read, and help


def add_options(parser: argparse.ArgumentParser, config: Any, flags: Flags) -> None:
    """Adds an option for each field that `flags` names, with the field's own default."""
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    for name, (kind, text) in flags.items():
        default, flag = defaults[name], f"--{name.replace('_', '-')}"
        if kind is bool:
            parser.add_argument(flag, action="store_true", help=text)
            continue
        shown = text if default is None else f"{text} (default: {default})"
        parser.add_argument(flag, type=kind, default=default, help=shown)


def comma_separated(read: Read, what: str, count: int | None = None) -> Read:
    """Parser for values with commas between, read as a tuple; `count` fixes how many."""

    def values(text: str) -> tuple[Any, ...]:
        parts = text.split(",")
        try:
            found = tuple(read(part.strip()) for part in parts)
        except ValueError:
            found = ()
        if not found or count not in (None, len(found)):
            raise argparse.ArgumentTypeError(f"expected {what}. Received: {text!r}.")
        return found

    return values


def one_of(*names: str) -> Read:
    """Parser for one of these names."""

    def choice(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"expected {', '.join(names)}. Received: {text!r}.")
        return text

    return choice


def number_or_all(text: str) -> int | str:
    """Parser for a number or the word "all"."""
    if text != "all" and not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number or all. Received: {text!r}.")
    return text if text == "all" else int(text)


DATA: Flags = {
    "data_dir": (
        name_or_path,
        "where the idx files of mnist or fashion_mnist are; default: download them",
    ),
    "label": (str, "column of a table that is 1 for anomalies and 0 for normal rows"),
    "columns": (
        listed,
        "columns of a table to take, with commas between; default: all not named otherwise",
    ),
    "one_hot": (
        listed,
        "prefixes of the names of columns that are one-hot groups, with commas",
    ),
    "value_range": (
        comma_separated(float, "two numbers, LOW,HIGH", 2),
        "lowest and highest value of the sensor, LOW,HIGH; for a likelihood that has limits",
    ),
    "window": (int, "rows of a table, in time order, that make up one example"),
    "stride": (int, "rows between windows that are scored; default: a quarter of a window"),
    "recording": (
        str,
        "column, or key of an .npz, that tells recordings apart; no window spans two",
    ),
    "time": (
        str,
        "column, or key of an .npz, of times, or date,clock for two; no window spans a hole in it",
    ),
    "time_format": (
        str,
        "how times are written, in strftime's codes: %%d.%%m.%%Y %%H:%%M; default: found out",
    ),
    "gap": (
        duration,
        "a longer step in time is a hole, 90s or 5min; default: 3.5 usual steps of the recording",
    ),
    "classes": (
        str,
        "column of a table or key of an .npz with the class of each row, empty or -1 where that is "
        "unknown; of digits: digit",
    ),
    "machine": (
        str,
        "column, or key of an .npz, that names the machine that a row is of; each machine's alarm "
        "threshold is set on its own rows",
    ),
    "labels_per_class": (int, "labels of each class that training may see; default: all"),
    "bad_rows": (
        one_of(*BAD_CHOICES),
        "rows with missing or infinite values, images that cannot be read: error, or drop",
    ),
    "bad_columns": (
        one_of(*BAD_CHOICES),
        "columns of text and those that never change: error, or drop",
    ),
    "stream": (bool, "read a Parquet table anew in each epoch: for more rows than memory holds"),
    "image_size": (
        comma_separated(int, "two whole numbers, HEIGHT,WIDTH", 2),
        "HEIGHT,WIDTH to make images of a folder; default: all must be alike",
    ),
    "channels": (int, "of images of a folder, 1 or 3; default: as they are"),
    "validation": (float, "share of the normal rows that decides when to stop training"),
    "calibration": (float, "share of the normal rows that the alarm threshold is set on"),
    "test": (float, "share of the normal rows that the result is judged on"),
    "folds": (
        int,
        "calibrate on out-of-fold scores of all rows but the test's, by so many models more; 1 for "
        "held-back rows (default: 5 with fewer than 1,000 normal rows, else 1)",
    ),
}
MODEL: Flags = {
    "network": (
        one_of("auto", "mlp", "conv"),
        "mlp, conv or auto: conv for images and windows, mlp for tables",
    ),
    "hidden": (
        comma_separated(int, "whole numbers with commas between"),
        "sizes of the hidden layers, with commas between; default: the network's own",
    ),
    "activation": (one_of(*ACTIVATIONS), f"of the hidden layers: {', '.join(ACTIVATIONS)}"),
    "latent_dim": (int, "size of the latent space; default: by the number of features"),
    "likelihood": (
        one_of("auto", *registry.LIKELIHOODS),
        f"{registry.listed()} or auto: {registry.AUTO}",
    ),
    "sigma": (
        one_of(*SIGMAS),
        f"how a likelihood's scale is found: {', '.join(SIGMAS)}; auto is shared for images, else "
        "per_feature",
    ),
    "beta": (float, "weight of the kl in the training loss"),
    "classifier_weight": (float, "weight of what is asked of the classifier in the training loss"),
    "centres": (
        int,
        "typical rows in the score's mixture, 0 for a score without; default: by the rows, none of "
        "images",
    ),
}
TRAIN: Flags = {
    "epochs": (int, "passes over the training rows, at most"),
    "patience": (int, "stop after so many epochs without a better validation ELBO"),
    "batch_size": (int, "rows a step"),
    "learning_rate": (float, "of Adam, at the start"),
    "decay": (one_of(*DECAYS), "of the learning rate: constant, or cosine to a hundredth of it"),
    "schedule": (
        one_of(*SCHEDULES),
        "of the kl's weight: constant, warmup (from 0 in a straight line) or cyclical (four such)",
    ),
    "warmup": (float, "share of all epochs that the warm-up, or the four cycles, take"),
    "free_bits": (float, "nats of kl that each latent may spend unpenalised"),
    "corruption": (
        float,
        "deviation of noise on pre-processed rows that the decoder is to take away again; default: "
        "0.2, none of images of a known range",
    ),
    "contamination_robust": (
        bool,
        "anomalies may be among the rows to train on: a tenth, those that fit worst, teach nothing",
    ),
    "clip_norm": (float, "largest norm of a gradient; default: no limit"),
    "precision": (
        one_of(*PRECISIONS),
        "float32 or mixed_bfloat16, for hardware that is faster so",
    ),
    "alpha": (float, "the false-alarm rate to calibrate for"),
}
