"""The same rows scored by one machine's threads, by Spark and by Ray, all on this machine's cores.

    python benchmarks/batch_engines.py BUNDLE [--rows 5000000] [--ways single,spark-files]

The rows are draws from the model with noise, as Parquet in row groups of 131,072 with one more
column, `id`, that is kept. A rate is of all rows over the time from files to files, without the
start of Spark or Ray, once each has scored a part of the rows to get warm. Rows a CPU second are
over the processor time of this process and all that it started: what a core does, also where other
work takes its share of the cores. Needs `vae-runtime[ray,spark]`, Java and Linux.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from batch import compute

from vae_runtime import Runner
from vae_runtime.backends import OnnxRuntime
from vae_runtime.backends.profiles import profile_of_files
from vae_runtime.batch.computations import Scoring
from vae_runtime.batch.job import Target, job_of
from vae_runtime.batch.run import run
from vae_runtime.engines import ray, spark
from vae_runtime.engines.shards import count
from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.input_files import Inputs, plan

GROUP = 131_072
WARM = 4  # row groups
CORES = len(os.sched_getaffinity(0))
ROW_OPTIONS = spark.RowOptions(keep=("id",))


def main() -> None:
    """Prints a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--ways", default=",".join(WAYS))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shape = Runner.load(args.bundle).manifest.model.input_shape
        runner = Runner.load(args.bundle, backend=OnnxRuntime(profile_of_files(shape)))
        warm = write_rows(runner, folder / "warm.parquet", WARM * GROUP)
        rows = write_rows(runner, folder / "rows.parquet", args.rows)
        print("| way | M rows/s | of pure compute | M rows a CPU second |\n|---|---:|---:|---:|")
        pure = None
        for way in args.ways.split(","):
            with WAYS[way](args.bundle, runner) as score:
                score(warm, folder / f"{way}-warm")
                begun, used = time.perf_counter(), cpu_seconds()
                score(rows, folder / f"{way}-rows")
                spans = time.perf_counter() - begun, cpu_seconds() - used
            if way in ON_ENGINES:
                count(folder / f"{way}-rows", args.rows)
            rate, used = (args.rows / span / 1e6 for span in spans)
            pure = rate if way == "compute" else pure
            share = "" if pure is None else f"{rate / pure:.2f}"
            print(f"| {way} | {rate:.2f} | {share} | {used:.2f} |", flush=True)


def write_rows(runner: Runner, path: Path, rows: int) -> Inputs:
    """Rows as a file; returns how it is read."""
    names, rng = runner.manifest.model.feature_names, np.random.default_rng(0)
    some = runner.sample(GROUP, seed=0)
    some += (0.3 * some.std(0) * rng.normal(size=some.shape)).astype(np.float32)
    columns = {name: some[:, i].astype(np.float64) for i, name in enumerate(names or ())}
    schema = pa.table({**columns, "id": np.arange(GROUP)}).schema
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, GROUP):
            group = pa.table({**columns, "id": np.arange(start, start + GROUP)})
            writer.write_table(group.slice(0, rows - start))
    return plan([str(path)], Wanted(runner.manifest.model, ("id",)))


def cpu_seconds() -> float:
    """Of this process, those below it, and what these have waited for the end of."""
    ticks, parents = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # of one that has ended since
            fields = path.read_text().rpartition(")")[2].split()
            pid = int(path.parent.name)
            parents[pid], ticks[pid] = int(fields[1]), sum(map(int, fields[11:15]))

    def is_ours(pid: int) -> bool:
        return pid == os.getpid() or (pid in parents and is_ours(parents[pid]))

    return sum(ticks[pid] for pid in ticks if is_ours(pid)) / os.sysconf("SC_CLK_TCK")


Way = Callable[[Inputs, Path], None]


@contextmanager
def pure_compute(bundle: Path, runner: Runner) -> Iterator[Way]:
    """The graph alone, on rows that are in memory; no file is written."""
    yield lambda given, out: compute(runner, Path(given.shards[0].file))


@contextmanager
def single(bundle: Path, runner: Runner) -> Iterator[Way]:
    """`vae-runtime score`."""

    def score(given: Inputs, out: Path) -> None:
        target = Target(out.with_suffix(".parquet"), ".parquet")
        job = job_of(runner, Scoring(), given, target, more={})
        run(job, threads=CORES, watch=lambda counts: None)

    yield score


@contextmanager
def spark_files(bundle: Path, runner: Runner) -> Iterator[Way]:
    """`vae-runtime score --engine spark`."""
    scorer = spark.BatchScorer.of(bundle)
    with spark.connected(f"local[{CORES},4]") as session:
        yield lambda given, out: spark.score_files(session, scorer, given, out.as_uri())


@contextmanager
def spark_frame(bundle: Path, runner: Runner) -> Iterator[Way]:
    """A data frame that Spark reads and writes."""
    with spark.connected(f"local[{CORES},4]") as session:

        def score(given: Inputs, out: Path) -> None:
            frame = session.read.parquet(given.shards[0].file)
            spark.score(frame, bundle, row_options=ROW_OPTIONS).write.parquet(out.as_uri())

        yield score


@contextmanager
def ray_files(bundle: Path, runner: Runner) -> Iterator[Way]:
    """`vae-runtime score --engine ray`."""
    scorer = ray.BatchScorer.of(bundle)
    with ray.connected():
        yield lambda given, out: ray.score_files(scorer, given, out)


@contextmanager
def ray_dataset(bundle: Path, runner: Runner) -> Iterator[Way]:
    """A data set that Ray reads and writes."""
    with ray.connected():
        import ray.data as data

        def score(given: Inputs, out: Path) -> None:
            dataset = data.read_parquet(given.shards[0].file)
            ray.score(dataset, bundle, row_options=ROW_OPTIONS).write_parquet(str(out))

        yield score


ON_ENGINES = {
    "spark-files": spark_files,
    "spark-frame": spark_frame,
    "ray-files": ray_files,
    "ray-dataset": ray_dataset,
}
WAYS = {"compute": pure_compute, "single": single, **ON_ENGINES}

if __name__ == "__main__":
    main()
