"""Files on any engine: shards as what its tasks are given, read and scored where a task runs.

Each format is read there as on a single machine, so that rows have the same scores to the bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from vae_runtime._base.atomic_files import new_aside
from vae_runtime.batch.columns import check_names
from vae_runtime.batch.progress import Counts
from vae_runtime.batch.results import MACHINE, compute_with, where_of
from vae_runtime.batch.writing.columnar import GROUP_BYTES, GROUP_ROWS
from vae_runtime.rows.blocks import Block, Columns, Shard, Wanted
from vae_runtime.rows.formats.pyarrow_files import open_parquet
from vae_runtime.rows.input_files import Inputs
from vae_runtime.runner import Runner

from .align import aligned_batch, as_arrow
from .options import RowOptions
from .record_batches import BatchScorer, fields_of

TASK_ROWS = (
    2**21
)  # of a task, or of a shard if it has more: seconds of work, to do again if it fails
JUDGED = "is_anomaly"


class EngineTask(NamedTuple):
    """Shards that one task of an engine scores, and size and time of their files by path."""

    shards: tuple[Shard, ...]
    files: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class ShardScorer:
    """Scores tasks in whatever process it finds itself; made by `of`.

    Args:
        scorer: of their rows.
        wanted: what to read of files.
        schema: the `pyarrow.Schema` of results: `file`, `row`, columns that are kept, results.
    """

    scorer: BatchScorer
    wanted: Wanted
    schema: Any

    @classmethod
    def of(cls, scorer: BatchScorer, plan: Inputs) -> "ShardScorer":
        """Scorer for planned shards; the types of columns are those of the first rows.

        Raises:
            ValueError: a path is relative, which means another file on each machine, or two columns
                have the same name.
        """
        import pyarrow as pa

        relative = [file for file in plan.files if not Path(file).is_absolute()]
        if relative:
            raise ValueError(
                f"{relative[0]}: expected a path from the root, that all workers see. Received: a "
                "relative one."
            )
        runner, first = scorer.runner, next(plan.read(plan.shards[0]))
        before = _beside(first, runner)
        fields = [pa.field(name, as_arrow(column).type) for name, column in before.items()]
        fields += fields_of(runner, scorer.row_options)
        check_names([field.name for field in fields])
        return cls(scorer, plan.wanted, pa.schema(fields))

    def __call__(self, task: EngineTask) -> Iterator[Any]:
        """Record batches of a task, in order.

        Raises:
            ValueError: a file has changed since it was planned; see also `score_shard`.
        """
        plan = Inputs(self.wanted, list(task.shards), task.files)
        for shard in task.shards:
            plan.fingerprint(shard)  # before, as where its rows are may mean nothing now
            yield from score_shard(
                shard, plan, self.scorer.runner, self.scorer.row_options, self.schema
            )
            plan.fingerprint(shard)


def score_shard(
    shard: Shard, plan: Inputs, runner: Runner, row_options: RowOptions, schema: Any
) -> Iterator[Any]:
    """The record batches of a shard: `file`, `row`, columns that are kept, results.

    Args:
        shard: of the plan.
        plan: says how it is read.
        runner: of the bundle.
        row_options: what is asked; columns to keep and that of machines are the plan's.
        schema: of the record batches.

    Raises:
        ValueError: the shard cannot be read, or a row is bad and bad rows are not rejected.
    """
    compute = compute_with(runner, row_options.computation, reject=True, bare=True)
    for block in plan.read(shard):
        if len(block.x):
            yield aligned_batch(
                block, compute(block), _beside(block, runner), schema, reject=row_options.rejects
            )


def tasks_of(plan: Inputs, rows: int = TASK_ROWS) -> list[EngineTask]:
    """Groups shards, in order, to tasks of at most so many rows, or of one larger shard."""
    groups: list[list[Shard]] = []
    size = 0
    for shard in plan.shards:
        if not groups or size + shard.rows > rows:
            groups.append([])
            size = 0
        groups[-1].append(shard)
        size += shard.rows
    return [EngineTask(tuple(g), {s.file: plan.files[s.file] for s in g}) for g in groups]


def write_task(scorer: ShardScorer, task: EngineTask, path: Path) -> None:
    """Scores a task to a Parquet file that appears whole; done again, it is the same file."""
    import pyarrow.parquet as pq

    aside = new_aside(path)
    try:
        # names of files are as long as all else of a row: once in a row group is enough
        with pq.ParquetWriter(aside, scorer.schema, use_dictionary=["file"]) as writer:
            for table in _groups(scorer(task), scorer.schema):
                writer.write_table(table, row_group_size=len(table))
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def count(folder: Path, rows: int) -> Counts:
    """Counts the scored rows, the rejected rows and the anomalies in a folder of results.

    Args:
        folder: of Parquet.
        rows: as many as there must be.

    Raises:
        ValueError: there are not.
    """
    counts = Counts()
    for file in sorted(folder.glob("*.parquet")):
        for batch in open_parquet(file).iter_batches(columns=[JUDGED]):
            judged = batch.column(0)
            bad = judged.null_count
            done = len(judged) - bad
            counts = Counts(
                counts.done + done,
                counts.rejected + bad,
                counts.anomalies + judged.true_count,
            )
    if counts.read != rows:
        raise ValueError(
            f"{folder}: expected results of {rows:,} rows. Received: of {counts.read:,}. Do not "
            "use them; run the job again."
        )
    return counts


def _beside(block: Block, runner: Runner) -> Columns:
    """Columns before the results, as in a local run: place in the input, kept columns, machine."""
    where = where_of(block, name_files=True)
    judged = block.machines is not None and runner.machine is None
    machines = {MACHINE: block.machines} if judged else {}
    check_names([*where, *block.kept, *machines])
    return {**where, **block.kept, **machines}


def _groups(batches: Iterator[Any], schema: Any) -> Iterator[Any]:
    """Batches as tables that make a row group each."""
    import pyarrow as pa

    gathered, rows, size = [], 0, 0
    for batch in batches:
        gathered.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            yield pa.Table.from_batches(gathered, schema).combine_chunks()
            gathered, rows, size = [], 0, 0
    if gathered:
        yield pa.Table.from_batches(gathered, schema).combine_chunks()
