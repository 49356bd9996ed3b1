"""Results beside the rows that they are of, as record batches: bad rows keep their place."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.libraries import settle_pandas
from vae_runtime.batch.columns import cast, decoded
from vae_runtime.batch.computations import Computation
from vae_runtime.batch.json_columns import is_json, json_to_arrow
from vae_runtime.batch.results import Result
from vae_runtime.rows.blocks import Block, Column, Columns
from vae_runtime.runner import Runner

REJECTED = "rejected"  # the column of reasons of bad rows
SHOWN = 3  # columns that tell a row from others, in errors


def aligned_batch(block: Block, result: Result, kept: Columns, schema: Any, *, reject: bool) -> Any:
    """A `pyarrow.RecordBatch` of this schema, of all rows of a block.

    Args:
        block: the rows.
        result: what became of them, bad ones among its rejects.
        kept: columns of all rows.
        schema: of these, of the results, and of `REJECTED` where bad rows are not an error.
        reject: whether bad rows are rejected.

    Raises:
        ValueError: a row is bad and that is an error, or a column is not of the schema's type.
    """
    import pyarrow as pa

    settle_pandas()
    reasons = _reasons(block, result)
    if reasons and not reject:
        raise ValueError(_describe(block, kept, *next(iter(reasons.items()))))
    good = np.ones(len(block.x), bool)
    good[list(reasons)] = False
    arrays = []
    for field in schema:
        if field.name in kept:
            arrays.append(
                cast(as_arrow(kept[field.name]), field, block.file, "Make the files alike")
            )
        elif field.name == REJECTED:
            arrays.append(_spread(pa.array(reasons.values(), pa.string()), ~good))
        else:
            arrays.append(_results(result, field, good))
    return pa.record_batch(arrays, schema=schema)


@lru_cache(4)
def result_fields(runner: Runner, computation: Computation) -> tuple[Any, ...]:
    """The `pyarrow.Field`s of a computation's results, from those of a probe row of the bundle.

    Raises:
        ValueError: the computation does not fit the bundle.
    """
    import pyarrow as pa

    settle_pandas()
    found = computation(runner, runner.probe_rows()[:1], None)
    return tuple(pa.field(name, as_arrow(column).type) for name, column in found.items())


def as_arrow(column: Column) -> Any:
    """A column (rows, ...) as an array of Arrow, of lists where a row has several values."""
    import pyarrow as pa

    if is_json(column):
        return json_to_arrow(column, "a column that is kept", "without an engine to .jsonl")
    if not isinstance(column, np.ndarray):
        return decoded(column)
    values, size = pa.array(np.ascontiguousarray(column).reshape(-1)), column.size
    for n in reversed(column.shape[1:]):
        # lists of any length: few engines know those of a fixed one
        values = pa.ListArray.from_arrays(np.arange(0, size + 1, n, dtype=np.int32), values)
        size //= n
    return values


def _results(result: Result, field: Any, good: NDArray[np.bool_]) -> Any:
    import pyarrow as pa

    if not result.rows:
        return pa.nulls(len(good), field.type)
    return _spread(as_arrow(result.columns[field.name]), good)


def _spread(array: Any, good: NDArray[np.bool_]) -> Any:
    """The values of an array where rows are good, and null elsewhere."""
    import pyarrow as pa

    if good.all():
        return array
    if not good.any():
        return pa.nulls(len(good), array.type)
    return array.take(pa.array(np.cumsum(good) - 1, mask=~good))


def _reasons(block: Block, result: Result) -> dict[int, str]:
    """Reasons of bad rows, by their place in the block."""
    if not result.rejects:
        return {}
    numbers = next(iter(block.where.values()))
    places = np.flatnonzero(np.isin(numbers, [reject.row for reject in result.rejects]))
    return {int(i): r.reason for i, r in zip(places, result.rejects, strict=True)}


def _describe(block: Block, kept: Columns, place: int, reason: str) -> str:
    """Message on a bad row: its number, its first kept columns, the reason and what to do.

    The columns tell the row from others: a number in a batch does not say where in a table it is.
    """
    number = next(iter(block.where.values()))[place]
    named = [f"{name}={kept[name][place]!s:.40}" for name in list(kept)[:SHOWN]]
    which = f" ({', '.join(named)})" if named else ""
    return (
        f"{block.file}, row {number}{which}: {reason} To go on beside such rows, have them "
        "rejected (on_bad_row='reject', --on-bad-row reject)."
    )
