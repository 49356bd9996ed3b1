"""One-hot groups of training: those among the columns, and columns of text with few values."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from vae_keras._base.arrays import Shape
from vae_keras.configs import DataConfig
from vae_runtime.bundle.model_checks import LONGEST_CATEGORY
from vae_runtime.bundle.texts import check_texts
from vae_runtime.rows.input_files import Inputs
from vae_runtime.rows.names.categories import MISSING, part_names, sizes_of
from vae_runtime.rows.names.marks import marks_of
from vae_runtime.rows.names.missing_names import some
from vae_runtime.rows.names.name_texts import name_texts, natural_key, plain_column

from . import one_hot
from .file_rows import Labels

MOST_VALUES = 100  # of a column; more are names of things, not kinds


def grouped(config: DataConfig, inputs: Inputs, labels: Labels) -> tuple[Inputs, Shape]:
    """The files with their one-hot groups last, those of categories behind the others.

    Returns:
        (the files, sizes of the groups).

    Raises:
        ValueError: groups or categories are not what the configuration says.
    """
    groups: Shape = ()
    if config.one_hot is not None:
        names, groups = one_hot.groups_last(inputs.wanted.features or (), config.one_hot)
        inputs = inputs.with_features(names)
    if config.categories is not None and config.category_values is None:
        inputs = with_categories(inputs, learn_values(inputs, config.categories, labels))
    return inputs, (*groups, *sizes_of(inputs.wanted.categories))


def learn_values(
    inputs: Inputs, columns: Sequence[str], labels: Labels
) -> dict[str, tuple[str, ...]]:
    """The values that columns have in normal rows, numbers by their size.

    Args:
        inputs: the files, of which these columns are looked at.
        columns: of text.
        labels: what says which rows are normal.

    Raises:
        ValueError: a column has too many values, or one.
    """
    found = {column: Counter[str]() for column in columns}
    for shard in inputs.shards:
        for block in inputs.read(shard):
            normal = np.ones(len(block.x), bool)
            normal[[*block.bad]] = False  # a value in bad rows alone is never seen
            if labels.column in block.extra:
                normal &= ~marks_of(block.extra[labels.column], labels.column, labels.normal)[0]
            for column, words in found.items():
                words.update(name_texts(plain_column(block.extra[column])[normal]).tolist())
    return {column: _checked(words, column) for column, words in found.items()}


def with_categories(inputs: Inputs, known: dict[str, tuple[str, ...]]) -> Inputs:
    """The same files, whose last features are columns of text with these values.

    Raises:
        ValueError: there is no column of numbers beside them, or two have the same name.
    """
    names = inputs.wanted.features or ()
    if not names:
        raise ValueError(
            f"expected a column of numbers beside the categories {some([*known])}. Received: none."
        )
    every = (*names, *part_names(known))
    twice = [name for name in dict.fromkeys(every) if every.count(name) > 1]
    if twice:
        raise ValueError(
            f"expected other columns than those that categories become. Received: {some(twice)} "
            "twice. Leave the one-hot columns out, or the category."
        )
    wanted = inputs.with_features(every).wanted._replace(categories=known)
    return inputs._replace(wanted=wanted)


def _checked(words: Counter[str], column: str) -> tuple[str, ...]:
    values = sorted((word for word in words if word.lower() not in MISSING), key=natural_key)
    check_texts(tuple(values), f"values of the category {column!r}")
    if not 2 <= len(values) <= MOST_VALUES:
        why = "it never changes" if len(values) < 2 else "names of things are no kinds"
        raise ValueError(
            f"expected 2 to {MOST_VALUES} values of the category {column!r} in normal rows. "
            f"Received: {len(values):,} ({some(values)}). Leave the column out: {why}."
        )
    long = [value for value in values if len(value) > LONGEST_CATEGORY]
    if long:
        raise ValueError(
            f"expected values of {LONGEST_CATEGORY} characters at most in the category {column!r}. "
            f"Received: {long[0]!r:.60} and more."
        )
    return tuple(values)
