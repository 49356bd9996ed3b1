"""Rows of files as training takes them: float32 or uint8, each good or rejected with a reason.

Rows are bad for the reasons that `vae-runtime` gives, in its words.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from vae_keras._base.arrays import Array, Shape
from vae_keras.configs import DataConfig
from vae_runtime.bundle.records import RowSpec
from vae_runtime.rows import in_memory
from vae_runtime.rows.arrays import RowCheck
from vae_runtime.rows.bad_rows import Reject, rejects_of, sort_out
from vae_runtime.rows.blocks import Block
from vae_runtime.rows.formats.npz import MARKS
from vae_runtime.rows.in_memory import Rows
from vae_runtime.rows.input_files import Inputs
from vae_runtime.rows.names.categories import UnknownValue
from vae_runtime.rows.names.marks import is_of_words, marks_of

from .anomalies import check_normal, count_words, words_refused

NO_ROWS = np.zeros(0, int)


class CheckedBlock(NamedTuple):
    """Block of rows, as training takes them.

    Args:
        block: its x is float32 or uint8, and 0 where a row is bad.
        y: bool (rows,), True for anomalies.
        good: bool (rows,).
        rejects: the rows that are not good.
        aside: how many anomalies are not good as no normal row has their category.
    """

    block: Block
    y: Array
    good: Array
    rejects: tuple[Reject, ...]
    aside: int = 0


class Checked(NamedTuple):
    """All rows of files, as training takes them; see `CheckedBlock`."""

    rows: Rows
    y: Array
    good: Array
    rejects: tuple[Reject, ...]
    aside: int = 0


class Labels(NamedTuple):
    """Labels of rows.

    Args:
        column: that says which rows are anomalies, y of an .npz.
        normal: what it says of normal rows; 0, false, no or off where None.
    """

    column: str = MARKS
    normal: tuple[str, ...] | None = None


class Reading(NamedTuple):
    """What training reads rows by: their labels, and the one-hot groups that the last columns are.

    Args:
        labels: of the rows.
        groups: sizes of the groups.
    """

    labels: Labels
    groups: Shape


def labels_of(config: DataConfig, inputs: Inputs) -> Labels:
    """What says which rows of files are normal; ValueError where a normal label is in no row."""
    labels = Labels(config.label or MARKS, config.normal)
    if config.normal is not None:
        words = words_of(inputs, labels.column)
        if not words:
            raise ValueError("expected a column of labels (--label) with --normal. Received: none.")
        check_normal(words, config.normal, column=labels.column)
    return labels


def checked_blocks(inputs: Inputs, labels: Labels, groups: Shape) -> Iterator[CheckedBlock]:
    """The blocks of files in order.

    Args:
        inputs: the files.
        labels: of their rows.
        groups: sizes of the one-hot groups that the last columns are.

    Raises:
        ValueError: labels are words, and nobody said which are normal.
    """
    for shard in inputs.shards:
        for block in inputs.read(shard):
            if labels.normal is None and is_of_words(block.extra.get(labels.column, NO_ROWS)):
                raise words_refused(words_of(inputs, labels.column), column=labels.column)
            yield _checked(block, labels, inputs.wanted.features, groups)


def words_of(inputs: Inputs, column: str) -> Counter[str]:
    """Number of rows of each label, in all files."""
    blocks = (block for shard in inputs.shards for block in inputs.read(shard))
    return count_words(block.extra.get(column, NO_ROWS) for block in blocks)


def rows_of(blocks: Iterable[CheckedBlock]) -> Checked:
    """All rows of blocks, of which there is one at least."""
    found = list(blocks)
    return Checked(
        in_memory.rows_of(each.block for each in found),
        np.concatenate([each.y for each in found]),
        np.concatenate([each.good for each in found]),
        tuple(reject for each in found for reject in each.rejects),
        sum(each.aside for each in found),
    )


def _checked(
    block: Block, labels: Labels, names: tuple[str, ...] | None, groups: Shape
) -> CheckedBlock:
    y = np.zeros(len(block.x), bool)
    bad = dict(block.bad)
    if labels.column in block.extra:
        y, unlabelled = marks_of(block.extra[labels.column], labels.column, labels.normal)
        bad = {**unlabelled, **bad}
    if block.x.dtype.kind not in "biuf":
        return CheckedBlock(block, y, ~np.isin(np.arange(len(y)), list(bad)), ())
    dtype = np.dtype(np.uint8 if block.x.dtype == np.uint8 else np.float32)
    spec = RowSpec(
        name="rows",
        input_shape=block.x.shape[1:],
        input_dtype=str(dtype),
        value_range=None,
        feature_names=names,
        one_hot=groups,
    )
    usable, good, reasons = sort_out(block._replace(bad=bad), RowCheck(spec))
    x = usable
    if not good.all():
        x = np.zeros(block.x.shape, dtype)
        x[good] = usable
    aside = {i for i, why in reasons.items() if y[i] and isinstance(why, UnknownValue)}
    told = {i: why for i, why in reasons.items() if i not in aside}
    return CheckedBlock(block._replace(x=x), y, good, rejects_of(block, told), len(aside))
