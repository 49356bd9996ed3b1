"""Roles of columns in a table: which one is the label, and which others give the answer away."""

import itertools
from collections.abc import Mapping, Sequence

from . import names

RARE = 0.5  # share of the rows that are anomalies, at most
INSIDE = 0.8  # share of a flag's rows that are also the label's, from which it says the same


def label_of(flags: Mapping[str, int], rows: int) -> str | None:
    """The flag that marks anomalies, by its name: the one with most rows, of several.

    Args:
        flags: columns of 0 and 1, and in how many rows each is 1.
        rows: of the table.
    """
    fit = [
        n
        for n, ones in flags.items()
        if names.has_word(n, names.LABELS) and 0 < ones <= RARE * rows
    ]
    return max(fit, key=lambda name: flags[name]) if fit else None


def label_in_words(texts: Mapping[str, Mapping[str, int]], rows: int) -> tuple[str, str] | None:
    """The column of text that says which rows are normal, by its name and words, and that word.

    Args:
        texts: columns of text of few kinds, and how often each text occurs.
        rows: of the table.

    >>> label_in_words({"state": {"ok": 90, "jammed": 10}}, 100)
    ('state', 'ok')
    """
    for name, words in texts.items():
        normal = [word for word in words if word.lower() in names.NORMAL]
        if len(normal) == 1 and names.has_word(name, names.LABELS | names.STATES):
            if words[normal[0]] >= (1 - RARE) * rows:
                return name, normal[0]
    return None


def other_labels(
    label: str, order: Sequence[str], flags: Mapping[str, int], both: Mapping[tuple[str, str], int]
) -> tuple[str, ...]:
    """Flags that say the same as the label in other words.

    A flag does that by its name; or where it is set in the label's rows alone, or nearly so. Flags
    beside such ones, without another column between, belong to them.

    Args:
        label: the column that marks anomalies.
        order: all columns, as in the file.
        flags: columns of 0 and 1, and in how many rows each is 1.
        both: in how many rows two flags are 1.
    """
    found = {
        name
        for name, ones in flags.items()
        if name != label
        and (
            names.has_word(name, names.LABELS | names.OTHER_LABELS)
            or (ones and both.get((name, label), 0) >= INSIDE * ones)
        )
    }
    grown = True
    while grown:
        beside = {
            b
            for pair in itertools.pairwise(order)
            for a, b in (pair, pair[::-1])
            if a in found
            and b in flags
            and b not in found
            and b != label
            and 2 * flags[b] <= flags[label]
        }
        grown = bool(beside)
        found |= beside
    return tuple(name for name in order if name in found)
