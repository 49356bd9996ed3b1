"""Scores on Spark: data frames, and files that are read where they are scored.

    from vae_runtime.engines.spark import RowOptions, score
    scored = score(frame, "artifacts/pump", row_options=RowOptions(on_bad_row="reject"))

Workers need vae-runtime with pyarrow, in the driver's versions. A task whose worker dies is done
again by Spark, with the same results.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from vae_runtime._base.libraries import need
from vae_runtime._base.paths import path_of
from vae_runtime.batch.writing.cells import GREENWICH
from vae_runtime.errors import BundleError
from vae_runtime.rows.input_files import Inputs

from .options import ROW_OPTIONS, RUNNER_OPTIONS, RowOptions, RunnerOptions
from .record_batches import BatchScorer
from .shards import TASK_ROWS, ShardScorer, tasks_of

__all__ = ["BatchScorer", "RowOptions", "RunnerOptions", "connected", "score", "score_files"]

LOCAL = "local[*,4]"  # all cores; a task that fails is tried four times, as on a cluster
WITHOUT_ENGINE = "score without --engine"
DIGITS = 38  # of Spark's decimals
TIMESTAMPS = "spark.sql.parquet.outputTimestampType"
OURS = re.compile(r"(ValueError|BundleError): (.*)")  # in what Spark says of a task


def score(
    frame: Any,
    bundle: str | Path,
    *,
    runner_options: RunnerOptions = RUNNER_OPTIONS,
    row_options: RowOptions = ROW_OPTIONS,
) -> Any:
    """A `pyspark.sql.DataFrame` of the kept columns and the results, a row for each row.

    Args:
        frame: a `pyspark.sql.DataFrame`, with a column for each feature, or one of arrays.
        bundle: its path, which all workers see unless `runner_options.ship`.
        runner_options: how it is opened.
        row_options: what is asked.

    Raises:
        BundleError: there is no such bundle.
        ValueError: columns are missing, or what is asked does not fit the bundle. Bad rows are an
            error where the frame is computed.

    >>> with connected("local[2]") as session:
    ...     frame = session.createDataFrame(batch.to_pandas())
    ...     score(frame, "artifacts/sensors").filter("is_anomaly").count()
    2
    """
    from pyspark.sql.types import StructType

    scorer = BatchScorer.of(bundle, runner_options, row_options)
    kept = scorer.kept(frame.columns)
    fields = [*(frame.schema[name] for name in kept), *_spark_fields(scorer.results)]

    def scored(batches: Iterable[Any]) -> Iterator[Any]:
        return map(scorer, batches)

    return frame.mapInArrow(scored, StructType(fields))


def score_files(
    session: Any, scorer: BatchScorer, plan: Inputs, output: str, *, rows: int = TASK_ROWS
) -> None:
    """Scores files to a new folder of Parquet, by tasks that each read their own shards.

    Args:
        session: a `pyspark.sql.SparkSession`.
        scorer: of the bundle.
        plan: of files at paths that all workers see; see `rows.input_files.plan`.
        output: the folder, by any name that Spark knows; `_SUCCESS` in it says that it is whole.
        rows: of a task, at most, where a shard has not more.

    Raises:
        BundleError, ValueError: what `ShardScorer` raises.
        OSError: the folder is there already, or workers died too often.
    """
    from pyspark.sql.types import StructType

    path_of(output, "the name of a new folder")
    shards = ShardScorer.of(scorer, plan)
    shards = replace(shards, schema=_plain(shards.schema))
    tasks = tasks_of(plan, rows)

    def scored(batches: Iterable[Any]) -> Iterator[Any]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from shards(tasks[number])

    numbers = session.range(0, len(tasks), 1, len(tasks))
    with _worker_errors():
        frame = numbers.mapInArrow(scored, StructType(_spark_fields(shards.schema)))
        with _moments_in_utc(session):
            frame.write.mode("error").parquet(output)


def check_installed() -> None:
    """Raises ValueError where Spark, what it needs of Python, or Java is not installed."""
    for module in ("pyarrow", "pandas", "pyspark.sql"):
        need(module, "scoring on Spark", WITHOUT_ENGINE)
    if not (shutil.which("java") or "JAVA_HOME" in os.environ):
        raise ValueError(
            "scoring on Spark needs a Java runtime. Received: none. Install Java 17 or newer from "
            f"your system, or {WITHOUT_ENGINE}."
        )


@contextmanager
def connected(address: str | None = None) -> Iterator[Any]:
    """A `pyspark.sql.SparkSession`: the one that there is, or one for as long as the context.

    Args:
        address: the master of a cluster; all cores of this machine where None.

    Raises:
        ValueError: Spark, what it needs of Python, or Java is not installed.
    """
    check_installed()
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else workers run any python3
    open_already = SparkSession.getActiveSession()
    builder = SparkSession.builder.appName("vae-runtime").master(address or LOCAL)
    builder.config("spark.ui.showConsoleProgress", sys.stderr.isatty())
    session = open_already or builder.getOrCreate()
    try:
        yield session
    finally:
        if open_already is None:
            session.stop()


@contextmanager
def _worker_errors() -> Iterator[None]:
    """Raises the error of one of our workers as it was, without Spark's account of it.

    Any other error of Spark's is raised as an OSError with the first line of its message.
    """
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JJavaError, PySparkException) as error:
        found = OURS.search(str(error))
        if found is None:
            first_line = str(error).strip().split("\n")[0]
            raise OSError(f"Spark could not do the job: {first_line}") from error
        raise (BundleError if found[1] == "BundleError" else ValueError)(found[2]) from error


@contextmanager
def _moments_in_utc(session: Any) -> Iterator[None]:
    """Context in which Spark writes moments as Parquet has them, and not as numbers of 96 bits.

    Those have no time zone: read back, a moment would be a time of no known place.
    """
    before = session.conf.get(TIMESTAMPS)
    session.conf.set(TIMESTAMPS, "TIMESTAMP_MICROS")
    try:
        yield
    finally:
        session.conf.set(TIMESTAMPS, before)


def _spark_fields(fields: Any) -> list[Any]:
    from pyspark.sql.pandas.types import from_arrow_type
    from pyspark.sql.types import StructField

    return [StructField(field.name, from_arrow_type(field.type)) for field in fields]


def _plain(schema: Any) -> Any:
    """A schema of types that Spark writes, to which columns of files are cast without loss.

    Raises:
        ValueError: a column is of a type that Spark has not, or writes as another.
    """
    import pyarrow as pa

    return pa.schema([pa.field(field.name, _plain_type(field)) for field in schema])


def _plain_type(field: Any) -> Any:
    import pyarrow as pa
    import pyarrow.types as types
    from pyspark.errors import PySparkException
    from pyspark.sql.pandas.types import from_arrow_type

    found = field.type
    if types.is_timestamp(found):
        found = pa.timestamp("us", found.tz)
    elif types.is_unsigned_integer(found):
        found = pa.int64()
    elif types.is_float16(found):
        found = pa.float32()
    elif types.is_fixed_size_list(found):
        found = pa.list_(found.value_field)
    try:
        from_arrow_type(found)
        is_kept = not any(_is_changed(each) for each in _inner_types(found))
    except PySparkException:
        is_kept = False
    if not is_kept:
        raise ValueError(
            f"expected a type that Spark writes to Parquet as it is in column {field.name!r}. "
            f"Received: {field.type}. Leave the column out, or score with --engine ray or without "
            "--engine."
        )
    return found


def _is_changed(kind: Any) -> bool:
    """Tells whether Spark takes a type that it cannot write, or loses the zone of a time."""
    import pyarrow.types as types

    has_zone = types.is_timestamp(kind) and kind.tz is not None and kind.tz not in GREENWICH
    is_long = types.is_decimal(kind) and kind.precision > DIGITS
    return has_zone or is_long or types.is_duration(kind) or types.is_time(kind)


def _inner_types(kind: Any) -> Iterator[Any]:
    """A type, and those of the values in it."""
    yield kind
    for i in range(kind.num_fields):
        yield from _inner_types(kind.field(i).type)
