"""Categories: columns of text, each of which a model takes as a one-hot group of numbers.

The column `mode` with the known values idle and wash becomes `mode_idle` and `mode_wash`, of which
one is 1 in each row. Groups of categories are the last features of a model. A value that training
never saw makes a bad row, which names it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .missing_names import some
from .name_texts import name_texts, plain_column

MISSING = frozenset(("", "na", "n/a", "#n/a", "nan", "null", "-", "--", "?"))  # in small letters

Categories = Mapping[str, tuple[str, ...]]  # known values of each column, in order


class UnknownValue(str):
    """Reason of a bad row: training never saw its value of a category."""


class Encoded(NamedTuple):
    """One-hot groups of rows, float32 (rows, columns), and why rows are bad, by their place.

    A row without a value has NaN in the group.
    """

    x: NDArray[np.float32]
    bad: dict[int, str]


def part_names(categories: Categories) -> tuple[str, ...]:
    """Names of the features that categories become.

    >>> part_names({"mode": ("idle", "wash")})
    ('mode_idle', 'mode_wash')
    """
    return tuple(f"{column}_{value}" for column, known in categories.items() for value in known)


def sizes_of(categories: Categories) -> tuple[int, ...]:
    """Sizes of the one-hot groups that categories become."""
    return tuple(map(len, categories.values()))


def numbers_of(names: Sequence[str], categories: Categories) -> tuple[str, ...]:
    """The features that are no parts of categories: all but the last.

    >>> numbers_of(("flow", "mode_idle", "mode_wash"), {"mode": ("idle", "wash")})
    ('flow',)
    """
    return tuple(names)[: len(names) - sum(sizes_of(categories))]


def column_of(i: int, names: Sequence[str], categories: Categories) -> str | None:
    """The column of categories that a feature is a part of; None where it is one by itself."""
    columns = [column for column, known in categories.items() for _ in known]
    place = i - len(names) + len(columns)
    return columns[place] if place >= 0 else None


def encode(columns: Mapping[str, Any], categories: Categories) -> Encoded:
    """One-hot groups of columns of text, or of whole numbers, one beside the other.

    Args:
        columns: by name, each (rows,); arrays of numpy, or of pyarrow.
        categories: the values that are known.

    >>> encode({"mode": ["wash", "boil"]}, {"mode": ("idle", "wash")})[1]
    {1: "expected idle or wash in column 'mode'. Received: 'boil'."}
    """
    parts: list[NDArray[np.float32]] = []
    bad: dict[int, str] = {}
    for column, known in categories.items():
        part, found = encode_column(columns[column], column, known)
        parts.append(part)
        bad = found | bad
    return Encoded(np.concatenate(parts, axis=1), bad)


def encode_column(values: Any, column: str, known: Sequence[str]) -> Encoded:
    """One-hot group of one column; see `encode`."""
    given, inverse = np.unique(name_texts(plain_column(values)).reshape(-1), return_inverse=True)
    words = given.tolist()
    codes = np.eye(len(known), dtype=np.float32)
    each = np.zeros((len(words), len(known)), np.float32)
    reasons: dict[int, str] = {}
    for i, word in enumerate(words):
        if word in known:
            each[i] = codes[known.index(word)]
        elif word.lower() in MISSING:
            each[i] = np.nan
        else:
            reasons[i] = UnknownValue(refusal(column, known, repr(word[:60])))
    bad = {place: reasons[i] for i in reasons for place in np.flatnonzero(inverse == i).tolist()}
    return Encoded(each[inverse], dict(sorted(bad.items())))


def refusal(column: str, known: Sequence[str], received: str) -> str:
    """Sentence about a value of a column that is not known."""
    *others, last = known
    expected = f"{', '.join(others)} or {last}" if 0 < len(others) < 10 else some(known)
    return f"expected {expected} in column {column!r}. Received: {received}."


def without_value(categories: Categories, x: NDArray[Any], bad: dict[int, str]) -> None:
    """Adds to `bad` why rows are bad whose category is missing: groups (rows, columns) with NaN."""
    end = x.shape[1] - sum(sizes_of(categories))
    for column, known in categories.items():
        start, end = end, end + len(known)
        for place in np.flatnonzero(np.isnan(x[:, start:end]).any(axis=1)).tolist():
            bad.setdefault(place, refusal(column, known, "no value"))
