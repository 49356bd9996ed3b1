"""Scores on Ray: data sets of Ray Data, and files that are read where they are scored.

    from vae_runtime.engines.ray import RowOptions, score
    scored = score(dataset, "artifacts/pump", row_options=RowOptions(keep=("id",)))

Workers need vae-runtime with pyarrow, in the driver's versions. Rows of a data set come in any
order: keep a column that names them. Work of a worker that dies is done again by Ray.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vae_runtime._base.arguments import whole
from vae_runtime._base.atomic_files import new_aside
from vae_runtime._base.libraries import need
from vae_runtime._base.paths import path_of
from vae_runtime.rows.input_files import Inputs

from .options import ROW_OPTIONS, RUNNER_OPTIONS, RowOptions, RunnerOptions
from .record_batches import BatchScorer
from .shards import TASK_ROWS, ShardScorer, tasks_of, write_task

__all__ = ["BatchScorer", "RowOptions", "RunnerOptions", "connected", "score", "score_files"]

BATCH_ROWS = 65_536
CPUS = 0.5  # of an actor: actors that hold all cores starve what reads for them
MOST_WORKERS = 100_000  # more than any cluster has
RETRIES = 3  # of a task whose worker died; as in Ray


def score(
    dataset: Any,
    bundle: str | Path,
    *,
    runner_options: RunnerOptions = RUNNER_OPTIONS,
    row_options: RowOptions = ROW_OPTIONS,
    workers: int | tuple[int, int] | None = None,
) -> Any:
    """A `ray.data.Dataset` of the kept columns and the results, a row for each row.

    Args:
        dataset: a `ray.data.Dataset`, with a column for each feature, or one of lists or tensors.
        bundle: its path, which all workers see unless `runner_options.ship`.
        runner_options: how it is opened.
        row_options: what is asked.
        workers: how many actors score, or the fewest and the most; as cores, where None.

    Raises:
        BundleError: there is no such bundle.
        ValueError: what is asked does not fit it, or these are no numbers of workers. Bad rows,
            and columns that are missing, are an error where the data set is computed.

    >>> import ray
    >>> with connected():
    ...     dataset = ray.data.from_pandas(batch.to_pandas())
    ...     scored = score(dataset, "artifacts/sensors", workers=1).take_all()
    >>> sum(row["is_anomaly"] for row in scored)
    2
    """
    for count in workers if isinstance(workers, tuple) else [workers]:
        if count is not None:
            whole("workers (None: as many as cores)", count, least=1, most=MOST_WORKERS)
    return dataset.map_batches(
        _Actor,
        fn_constructor_args=(BatchScorer.of(bundle, runner_options, row_options),),
        batch_format="pyarrow",
        batch_size=BATCH_ROWS,
        num_cpus=CPUS,
        concurrency=workers or (1, _cores()),
    )


def score_files(scorer: BatchScorer, plan: Inputs, output: Path, *, rows: int = TASK_ROWS) -> None:
    """Scores files to a new folder of Parquet, by tasks that each read and write their own.

    Its files are named in the order of the rows. Ray is connected to already (`connected`).

    Args:
        scorer: of the bundle.
        plan: of files at paths that all workers see; see `rows.input_files.plan`.
        output: the folder, at such a path too; it appears whole or not at all.
        rows: of a task, at most, where a shard has not more.

    Raises:
        ValueError: the folder is there already, or what `ShardScorer` raises.
        OSError: workers died too often.
    """
    import ray

    output = path_of(output, "the path of a new folder")
    if os.path.lexists(output):
        raise ValueError(f"{output}: expected a new folder. Received: one that is there already.")
    shards = ray.put(ShardScorer.of(scorer, plan))
    aside = new_aside(output)
    aside.mkdir(parents=True)
    work = ray.remote(num_cpus=1, max_retries=RETRIES)(write_task)
    try:
        ray.get(
            [
                work.remote(shards, task, aside / f"part-{number:06}.parquet")
                for number, task in enumerate(tasks_of(plan, rows))
            ]
        )
        for left in aside.glob(".*.part"):  # of workers that died
            left.unlink()
        aside.rename(output)
    except ray.exceptions.RayTaskError as error:
        raise (error.cause or error) from error
    except ray.exceptions.RayError as error:
        first_line = str(error).strip().split("\n")[0]
        raise OSError(
            f"Ray could not do a task, tried {RETRIES + 1} times: {first_line}"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check_installed() -> None:
    """Raises ValueError where Ray or pyarrow is not installed."""
    for module in ("pyarrow", "ray.data"):
        need(module, "scoring on Ray", "score without --engine")


@contextmanager
def connected(address: str | None = None) -> Iterator[None]:
    """A connection to Ray: the one that there is, or one for as long as the context.

    Args:
        address: of a cluster; a new one of this machine's cores where None.

    Raises:
        ValueError: Ray is not installed, or pyarrow.
    """
    check_installed()
    import ray

    if ray.is_initialized():
        yield
        return
    # else a cluster that is started here tells Ray's makers of itself
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(address=address or "local", log_to_driver=False, logging_level="warning")
    try:
        yield
    finally:
        ray.shutdown()


class _Actor:
    """Scorer of Arrow tables in a Ray process; it opens the bundle before the first rows come."""

    def __init__(self, scorer: BatchScorer) -> None:
        scorer.runner  # noqa: B018 - opened before the first rows are there
        self._scorer = scorer

    def __call__(self, table: Any) -> Any:
        import pyarrow as pa

        scored = [self._scorer(batch) for batch in table.to_batches()]
        schema = self._scorer.schema(table.schema)
        return pa.Table.from_batches(scored, schema)


def _cores() -> int:
    import ray

    return max(1, int(ray.cluster_resources().get("CPU", 1)))
