"""Labels in words: the words that files have, and which of them normal rows have."""

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from vae_runtime.rows.blocks import Column
from vae_runtime.rows.names.marks import NO_LABEL
from vae_runtime.rows.names.missing_names import quoted
from vae_runtime.rows.names.name_texts import name_text, name_texts, plain_column

NORMAL_WORDS = ("normal", "ok", "good", "healthy", "fine")  # what is likely to be meant
SHOWN = 6  # labels that an error names


def count_words(columns: Iterable[Column]) -> Counter[str]:
    """Number of rows of each label, from columns one after the other.

    >>> count_words([np.array(["ok", "ok", "leak"])])
    Counter({'ok': 2, 'leak': 1})
    """
    words: Counter[str] = Counter()
    for column in columns:
        found, counts = np.unique(name_texts(plain_column(column)), return_counts=True)
        words.update(dict(zip(found.tolist(), counts.tolist(), strict=True)))
    return words


def check_normal(words: Counter[str], normal: Sequence[str], *, column: str) -> None:
    """Raises ValueError where no row has a label that is said to be normal."""
    missing = sorted({name_text(word) for word in normal} - set(words))
    if missing:
        raise ValueError(
            f"expected rows of {quoted(missing)} in column {column!r}, as --normal says. Received: "
            f"{_shown(words)}."
        )


def words_refused(words: Counter[str], *, column: str) -> ValueError:
    """The error for labels in words of which nobody said which are normal."""
    said = Counter({word: n for word, n in words.items() if word.lower() not in NO_LABEL})
    plain = [word for word in said if word.lower() in NORMAL_WORDS]
    likely = max(plain or said, key=lambda word: said[word])
    return ValueError(
        f"expected labels 0 (normal) and 1 (anomaly) in column {column!r}, or to be told which are "
        f"normal. Received: {_shown(said)}. Name those of normal rows: --normal "
        f"{shlex.quote(likely)}."
    )


def _shown(words: Counter[str]) -> str:
    """The labels, those of most rows first, with their numbers of rows."""
    shown = [
        f"{word or 'no label':.30} ({n:,} row{'' if n == 1 else 's'})"
        for word, n in words.most_common(SHOWN)
    ]
    more = f" and {len(words) - SHOWN:,} more" if len(words) > SHOWN else ""
    return f"{', '.join(shown) or 'no label at all'}{more}"
