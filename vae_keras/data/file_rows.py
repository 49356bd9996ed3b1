"""Rows of files as training takes them: float32 or uint8, each good or rejected with a reason.

Rows are bad for the reasons that `vae-runtime` gives, in its words.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from vae_keras._base.arrays import Array, Shape
from vae_runtime.bundle.records import RowSpec
from vae_runtime.rows import in_memory
from vae_runtime.rows.arrays import RowCheck
from vae_runtime.rows.bad_rows import Reject, rejects_of, sort_out
from vae_runtime.rows.blocks import Block
from vae_runtime.rows.formats.npz import MARKS
from vae_runtime.rows.in_memory import Rows
from vae_runtime.rows.input_files import Inputs
from vae_runtime.rows.marks import marks_of


class CheckedBlock(NamedTuple):
    """Block of rows, as training takes them.

    Args:
        block: its x is float32 or uint8, and 0 where a row is bad.
        y: bool (rows,), True for anomalies.
        good: bool (rows,).
        rejects: the rows that are not good.
    """

    block: Block
    y: Array
    good: Array
    rejects: tuple[Reject, ...]


class Checked(NamedTuple):
    """All rows of files, as training takes them; see `CheckedBlock`."""

    rows: Rows
    y: Array
    good: Array
    rejects: tuple[Reject, ...]


def checked_blocks(inputs: Inputs, label: str | None, groups: Shape) -> Iterator[CheckedBlock]:
    """The blocks of files in order.

    Args:
        inputs: the files.
        label: the column that says which rows are anomalies; y of an .npz where None.
        groups: sizes of the one-hot groups that the last columns are.
    """
    for shard in inputs.shards:
        for block in inputs.read(shard):
            yield _checked(block, label or MARKS, inputs.wanted.features, groups)


def rows_of(blocks: Iterable[CheckedBlock]) -> Checked:
    """All rows of blocks, of which there is one at least."""
    found = list(blocks)
    return Checked(
        in_memory.rows_of(each.block for each in found),
        np.concatenate([each.y for each in found]),
        np.concatenate([each.good for each in found]),
        tuple(reject for each in found for reject in each.rejects),
    )


def _checked(
    block: Block, label: str, names: tuple[str, ...] | None, groups: Shape
) -> CheckedBlock:
    y = np.zeros(len(block.x), bool)
    bad = dict(block.bad)
    if label in block.extra:
        y, unlabelled = marks_of(block.extra[label], label)
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
    return CheckedBlock(block._replace(x=x), y, good, rejects_of(block, reasons))
