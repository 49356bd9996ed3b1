"""Labels of rows: which are anomalies, by a column of any format: numbers, truths or words.

0, 1, 0.0, "1.0"              1 is an anomaly
True, no, off, "yes", ...     what is true is an anomaly
ok, idle, broken, ...         whatever is not among the normal ones, which must be said
"""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .name_texts import name_text, name_texts, plain_column

TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")  # in small letters
NO_LABEL = frozenset(("", "na", "n/a", "nan", "null", "none"))  # unless it is said to be normal


def marks_of(
    column: Any, name: str, normal: Collection[str] | None = None
) -> tuple[NDArray[np.bool_], dict[int, str]]:
    """Tells which rows are anomalies, and why some rows say nothing usable, by their place.

    Args:
        column: of labels.
        name: of it, for reasons.
        normal: the labels of normal rows; 0, false, no and off where None.

    >>> marks_of(np.array(["0", "1", "broken"]), "state")[0].tolist()
    [False, True, False]
    >>> marks_of(np.array(["ok", "broken"]), "state", normal=("ok",))[0].tolist()
    [False, True]
    """
    words, inverse = np.unique(name_texts(plain_column(column)), return_inverse=True)
    wanted = None if normal is None else set(map(name_text, normal))
    said = [_is_anomaly(word, wanted) for word in words.tolist()]
    expected = "a label" if normal is not None else "0 (normal) or 1 (anomaly)"
    bad: dict[int, str] = {}
    for i, word in enumerate(words.tolist()):
        if said[i] is None:
            received = f"{word!r:.60}" if word.lower() not in NO_LABEL else "no value"
            reason = f"expected {expected} in column {name!r}. Received: {received}."
            bad |= dict.fromkeys(np.flatnonzero(inverse == i).tolist(), reason)
    return np.array([mark is True for mark in said], bool)[inverse], dict(sorted(bad.items()))


def is_of_words(column: Any) -> bool:
    """True for labels of which most are words that do not say by themselves what is normal."""
    words, counts = np.unique(name_texts(plain_column(column)), return_counts=True)
    known = {*TRUE, *FALSE, *NO_LABEL}
    strange = sum(n for word, n in zip(words, counts, strict=True) if word.lower() not in known)
    plain = sum(n for word, n in zip(words, counts, strict=True) if word.lower() in (*TRUE, *FALSE))
    return bool(strange > plain)


def _is_anomaly(word: str, normal: set[str] | None) -> bool | None:
    """What a label says; None where it says nothing."""
    if normal is not None and word in normal:
        return False
    if word.lower() in NO_LABEL:
        return None
    if normal is not None:
        return True
    return True if word.lower() in TRUE else False if word.lower() in FALSE else None
