"""Columns of text as one-hot groups: their values, and rows that have another one or none."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from vae_keras._base.arrays import Array, Shape
from vae_keras.configs import DataConfig
from vae_runtime.bundle.consistency import LONGEST_CATEGORY
from vae_runtime.bundle.texts import check_texts
from vae_runtime.rows.categories import (
    MISSING,
    Categories,
    as_numpy,
    encode,
    part_names,
    sizes_of,
    without_value,
)
from vae_runtime.rows.missing_names import some
from vae_runtime.rows.name_texts import name_texts, natural_key

MOST_VALUES = 100  # of a column; more are names of things, not kinds


class Coded(NamedTuple):
    """Numbers of a table and its categories, as one-hot groups behind them.

    Args:
        x: (rows, columns).
        names: of the columns.
        groups: sizes of the one-hot groups that the last columns are.
        categories: the columns of text, and their values.
        keep: bool (rows,), those whose values are known; x is NaN in the others.
        notes: what was left out, for people.
    """

    x: Array
    names: tuple[str, ...]
    groups: Shape
    categories: dict[str, tuple[str, ...]]
    keep: Array
    notes: tuple[str, ...]


def code(
    x: Array,
    names: tuple[str, ...] | None,
    columns: Mapping[str, Any],
    config: DataConfig,
    anomalies: Array,
) -> Coded:
    """Codes the columns that `config.categories` names; see `Coded`.

    Args:
        x: (rows, columns), the numbers.
        names: of their columns.
        columns: of text, by name, each (rows,).
        config: says which they are, and what becomes of bad rows.
        anomalies: bool (rows,); what only these have is no value that a model can know.

    Raises:
        ValueError: a column has no few values, or a row one that is not known.
    """
    if names is None or not x.shape[1]:
        raise ValueError(
            f"{config.source}: expected a column of numbers beside the categories "
            f"{some(config.categories or ())}. Received: none."
        )
    known = config.category_values or {
        column: _values_of(as_numpy(columns[column]), anomalies, column)
        for column in config.categories or ()
    }
    _check_names(names, known)
    coded, bad = encode(columns, known)
    reasons = dict(bad)
    without_value(known, coded, reasons)
    keep = np.ones(len(x), bool)
    keep[list(reasons)] = False
    notes = _notes(reasons, anomalies, config)
    both = np.concatenate([x, coded], axis=1)
    return Coded(both, (*names, *part_names(known)), sizes_of(known), dict(known), keep, notes)


def advice(columns: Mapping[str, Array]) -> str:
    """Options that help with columns of text, for the end of a sentence; empty where none does."""
    few = [
        name
        for name, values in columns.items()
        if len(np.unique(name_texts(values))) <= MOST_VALUES
    ]
    return f"encode words (--categories {','.join(few)})" if few else ""


def _values_of(values: Array, anomalies: Array, column: str) -> tuple[str, ...]:
    """The values that normal rows have, numbers by their size."""
    found = np.unique(name_texts(values[~anomalies])).tolist()
    words = sorted((word for word in found if word.lower() not in MISSING), key=natural_key)
    check_texts(tuple(words), f"categories in {column!r}")
    why = "never changes" if len(words) < 2 else "names things, it does not tell kinds apart"
    if not 2 <= len(words) <= MOST_VALUES:
        raise ValueError(
            f"expected 2 to {MOST_VALUES} values of the category {column!r} among normal rows. "
            f"Received: {len(words):,}: {some(words)}. Leave the column out: it {why}."
        )
    long = [word for word in words if len(word) > LONGEST_CATEGORY]
    if long:
        raise ValueError(
            f"expected values of {LONGEST_CATEGORY} characters at most in the category {column!r}. "
            f"Received: {long[0]!r:.60} and more."
        )
    return tuple(words)


def _check_names(names: tuple[str, ...], known: Categories) -> None:
    parts = [*names, *part_names(known)]
    twice = [name for name in dict.fromkeys(parts) if parts.count(name) > 1]
    if twice:
        raise ValueError(
            f"expected other columns than those that categories become. Received: {some(twice)} "
            "twice. Leave the one-hot columns out, or the category."
        )


def _notes(reasons: dict[int, str], anomalies: Array, config: DataConfig) -> tuple[str, ...]:
    """Notes of the rows that are left out; ValueError where they must not be.

    Anomalies with a value that no normal row has are left out in any case while a model is trained.
    """
    learnt = config.category_values is None
    unknown = [i for i in reasons if not (learnt and anomalies[i])]
    if unknown and config.bad_rows == "error":
        row = min(unknown)
        raise ValueError(
            f"{reasons[row].removesuffix('.')}, in row {row} ({len(unknown):,} such rows). Mend "
            "them, or leave such rows out: --bad-rows drop."
        )
    notes = []
    if unknown:
        notes.append(f"left out {len(unknown):,} rows whose category is missing or not known")
    if len(unknown) < len(reasons):
        others = len(reasons) - len(unknown)
        notes.append(f"left out {others:,} anomalies of a category that no normal row has")
    return tuple(notes)
