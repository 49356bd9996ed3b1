"""Paths on a command line, of all three packages: argparse says which of them is empty."""

import argparse
from pathlib import Path

from vae_runtime._base.paths import path_of


def path(text: str) -> Path:
    """The path that was typed, which an empty text is not."""
    try:
        return path_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def name_or_path(text: str) -> str:
    """The same as it was typed, of what may be a glob, - or the name of a data set."""
    path(text)
    return text


def path_or_standard(text: str) -> Path | None:
    """The same; None for -, standard output."""
    return None if text == "-" else path(text)
