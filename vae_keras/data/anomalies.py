"""Anomalies among rows, as a column of labels marks them: by numbers, truths or words.

0, 1, 0.0, "1.0"              1 is an anomaly
True, no, off, "yes", ...     what is true is an anomaly
ok, idle, broken, ...         whatever is not among the normal ones, which must be said
"""

import shlex
from collections.abc import Sequence

import numpy as np

from vae_keras._base.arrays import Array
from vae_runtime.rows.missing_names import quoted
from vae_runtime.rows.name_texts import name_text, name_texts
from vae_runtime.rows.tables import MISSING

TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
NORMAL_WORDS = ("normal", "ok", "good", "healthy", "fine")  # what is likely to be meant


def read_anomalies(
    values: Array, normal: Sequence[str] | None, *, column: str, allow_missing: bool = False
) -> tuple[Array, Array]:
    """Reads which rows are anomalies from the values of a column.

    Args:
        values: (rows,) numbers, truths or text.
        normal: the labels of normal rows; 0, false, no and off where None.
        column: its name, for errors.
        allow_missing: whether rows without a label are passed over; else they are an error.

    Returns:
        (True for anomalies, True where there is a label), each bool (rows,).

    Raises:
        ValueError: labels are missing, or do not say what is normal; says what to type.
    """
    found, inverse = np.unique(name_texts(values), return_inverse=True)
    words, wanted = found.tolist(), set(map(name_text, normal or ()))
    said = [word.lower() not in MISSING or word in wanted for word in words]
    is_known = np.array(said, bool)[inverse]
    if not (allow_missing or is_known.all()):
        row, rows = int(np.flatnonzero(~is_known)[0]), int((~is_known).sum())
        raise ValueError(
            f"expected a label in each row, in column {column!r}. Received: none in row {row} "
            f"({rows:,} such rows). Fill them in, leave such rows out (--bad-rows drop), or say "
            f"that they are normal (--normal {shlex.quote(found[inverse[row]])})."
        )
    rows_of = np.bincount(inverse, minlength=len(words)).tolist()
    counts = {word: n for word, n, is_said in zip(words, rows_of, said, strict=True) if is_said}
    anomalous = _anomalous(counts, None if normal is None else wanted, column)
    marks = np.array([word in anomalous for word in words], bool)
    return marks[inverse], is_known


def _anomalous(counts: dict[str, int], normal: set[str] | None, column: str) -> set[str]:
    """The labels of anomalies, among labels with the number of their rows."""
    if normal is not None:
        missing = [word for word in normal if word not in counts]
        if missing:
            raise ValueError(
                f"expected rows of {quoted(sorted(missing))} in column {column!r}, as --normal "
                f"says. Received: {_shown(counts)}."
            )
        return set(counts) - normal
    if not all(word.lower() in (*TRUE, *FALSE) for word in counts):
        raise ValueError(
            f"expected labels 0 (normal) and 1 (anomaly) in column {column!r}, or to be told which "
            f"are normal. Received: {_shown(counts)}. Name those of normal rows: "
            f"--normal {shlex.quote(_guess(counts))}."
        )
    return {word for word in counts if word.lower() in TRUE}


def _shown(counts: dict[str, int]) -> str:
    """The labels, those of most rows first, with their numbers of rows."""
    order = sorted(counts, key=lambda word: -counts[word])
    shown = [f"{word:.30} ({counts[word]:,} rows)" for word in order[:6]]
    more = f" and {len(order) - 6:,} more" if len(order) > 6 else ""
    return f"{', '.join(shown) or 'no label at all'}{more}"


def _guess(counts: dict[str, int]) -> str:
    """The label that is likely to be that of normal rows."""
    plain = [word for word in counts if word.lower() in NORMAL_WORDS]
    return max(plain or counts, key=lambda word: counts[word])
