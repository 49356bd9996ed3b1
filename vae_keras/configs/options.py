"""Command-line options of `vae-keras` for the fields of configurations, and their parsers."""

import argparse
import dataclasses
import re
from collections.abc import Callable
from typing import Any

from vae_keras.likelihoods import registry
from vae_runtime.cli.values import duration, listed, name_or_path

from . import ACTIVATIONS, BAD_COLUMNS, BAD_ROWS, DECAYS, PRECISIONS, PROGRAMS, SCHEDULES, SIGMAS

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


def header_or_none(text: str) -> bool:
    """Parser for 0, a header in the first line, or none, as pandas has them."""
    if text not in ("0", "none"):
        raise argparse.ArgumentTypeError(f"expected 0 or none. Received: {text!r}.")
    return text == "0"


def image_size(text: str) -> tuple[int, int]:
    """Parser for the size of images, WIDTHxHEIGHT, or one number of squares; (height, width).

    >>> image_size("64x48")
    (48, 64)
    """
    parts = [part.strip() for part in re.split(r"[xX\u00d7]", text)]
    if len(parts) in (1, 2) and all(part.isdecimal() for part in parts):
        return int(parts[-1]), int(parts[0])
    instead = ""
    pair = [part.strip() for part in text.split(",")]
    if len(pair) == 2 and all(part.isdecimal() for part in pair):
        instead = (
            f" With a comma it was the height that came first: type {pair[1]}x{pair[0]} for "
            f"{pair[1]} pixels in width and {pair[0]} in height."
        )
    raise argparse.ArgumentTypeError(
        "expected WIDTHxHEIGHT, such as 64x48, or one number for squares. "
        f"Received: {text!r}.{instead}"
    )


DATA: Flags = {
    "data_dir": (
        name_or_path,
        "where the idx files of mnist or fashion_mnist are; default: download them",
    ),
    "label": (
        str,
        "column of a table that marks anomalies: 1, true, yes or on; with --normal by other words",
    ),
    "normal": (
        listed,
        "labels of normal rows, with commas between, where they are words: ok,idle",
    ),
    "columns": (
        listed,
        "columns of a table to take, with commas between; default: all not named otherwise",
    ),
    "one_hot": (
        listed,
        "prefixes of the names of columns that are one-hot groups, with commas",
    ),
    "categories": (
        listed,
        "columns of few words, with commas between; each becomes a one-hot group",
    ),
    "value_range": (
        comma_separated(float, "two numbers, LOW,HIGH", 2),
        "lowest and highest value of the sensor, LOW,HIGH; for a likelihood that has limits",
    ),
    "window": (int, "rows of a table, in time order, that make up one example"),
    "stride": (int, "rows between windows that are scored; default: a quarter of a window"),
    "recording": (
        str,
        "column, or key of an .npz, that tells recordings apart; whole ones are held back, and no "
        "window spans two",
    ),
    "time": (
        str,
        "column, or key of an .npz, of times, or date,clock for two; they are no features, and no "
        "window spans a hole in them",
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
    "sep": (str, "of text, between cells: a character, tab or blanks; default: as it shows"),
    "decimal": (str, "of text, before the fraction of a number, such as a comma"),
    "thousands": (str, "of text, between groups of three digits"),
    "encoding": (str, "of text: utf-8, utf-16-le, utf-16-be, latin-1, cp1252"),
    "comment": (str, "of text, at the begin of lines to leave out, such as #"),
    "header": (
        header_or_none,
        "of text: 0 if the first line has names, none if it is a row; default: as it shows",
    ),
    "skiprows": (int, "of text, lines above the table"),
    "missing": (
        listed,
        "cells that mean no value beside NA, null, -, ? and the like, as in --missing=-200,-999",
    ),
    "labels_per_class": (int, "labels of each class that training may see; default: all"),
    "on_bad_row": (
        one_of(*BAD_ROWS),
        "at a row with missing or infinite values, or an unreadable image: fail, or reject it",
    ),
    "bad_columns": (
        one_of(*BAD_COLUMNS),
        "columns of text and those that never change: error, or drop",
    ),
    "stream": (bool, "read a Parquet table anew in each epoch: for more rows than memory holds"),
    "image_size": (
        image_size,
        "WIDTHxHEIGHT in pixels, such as 64x48, to resize images of a folder to, here and on the "
        "device; default: all must be alike",
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
    "program": (
        one_of(*PROGRAMS),
        "what is compiled: epoch, a whole epoch, which is faster once it is; steps, one or a few "
        "at a time; or auto, what takes less time",
    ),
    "alpha": (float, "the false-alarm rate to calibrate for"),
}
