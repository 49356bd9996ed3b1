"""What scoring a file costs beyond the arithmetic: against pure compute, reading alone, and PyOD.

    python benchmarks/batch.py speed BUNDLE [--rows 1e7] [--pyod]
    python benchmarks/batch.py memory BUNDLE [--rows 1e6,1e7,1e8]

BUNDLE is of a table. Rows are made from its probe rows, with noise, as Parquet in row groups of
131,072. All figures of `speed` come from one run in which the ways take turns, three times; the
best of each counts. PyOD needs an environment of its own, with PyTorch.
"""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from vae_runtime import Runner, cli
from vae_runtime.backends import OnnxRuntime
from vae_runtime.backends.profiles import profile_of_files
from vae_runtime.backends.threads import cores
from vae_runtime.batch.pool import Pool
from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.input_files import plan

GROUP = 131_072
ROUNDS = 3
MEASURED = """
import resource
from vae_runtime.cli import main
main()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def main() -> None:
    """Prints the table that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", choices=["speed", "memory"])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--rows", help="how many; of memory, several with commas between")
    parser.add_argument("--pyod", action="store_true", help="PyOD's VAE too, where it is installed")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.table == "memory":
            sizes = [int(float(n)) for n in (args.rows or "1e6,1e7,1e8").split(",")]
            lines = memory(args.bundle, sizes, Path(folder))
        else:
            lines = speed(args.bundle, int(float(args.rows or 1e7)), Path(folder), pyod=args.pyod)
        for line in lines:
            print(line, flush=True)


def speed(bundle: Path, rows: int, folder: Path, *, pyod: bool) -> Iterator[str]:
    """Rows a second of each way, what share of pure compute that is, and what a row takes."""
    path, part = folder / "rows.parquet", folder / "part.parquet"
    write(bundle, rows, path)
    write(bundle, min(rows, GROUP), part)
    runner = open_runner(bundle)
    ways: dict[str, Way] = {
        "pure compute": Way(rows, lambda: compute(runner, path)),
        "reading alone": Way(rows, lambda: read(runner, path)),
        **{
            f"Parquet to {ending}": Way(
                rows, partial(command, bundle, path, folder / f"out{ending}")
            )
            for ending in (".parquet", ".arrow", ".npz", ".csv")
        },
        **(pyod_ways(runner, part) if pyod else {}),
    }
    best = best_of_rounds(ways)
    yield f"{rows:,} rows of {runner.manifest.model.input_shape[0]} features, {cores()} cores\n"
    yield "| | M rows/s | of pure compute | CPU us a row |\n|---|---:|---:|---:|"
    for name, (rate, used) in best.items():
        share = rate / best["pure compute"][0]
        yield f"| {name} | {rate / 1e6:.2f} | {share:.2f} | {used * 1e6:.2f} |"


def best_of_rounds(ways: dict[str, "Way"]) -> dict[str, tuple[float, float]]:
    """Of each way, the most rows a second and the fewest CPU seconds a row, all in turn."""
    best = dict.fromkeys(ways, (0.0, float("inf")))
    for _ in range(ROUNDS):
        for name, way in ways.items():
            begun, used = time.perf_counter(), time.process_time()
            way.run()
            rate = way.rows / (time.perf_counter() - begun)
            each = (time.process_time() - used) / way.rows
            best[name] = max(best[name][0], rate), min(best[name][1], each)
    return best


def memory(bundle: Path, sizes: list[int], folder: Path) -> Iterator[str]:
    """Peak memory and time of the command, in a process of its own, by rows."""
    yield "| rows | peak memory, MB | seconds | M rows/s |\n|---:|---:|---:|---:|"
    for rows in sizes:
        path = folder / "rows.parquet"
        write(bundle, rows, path)
        arguments = ["score", str(bundle), str(path), "-o", str(folder / "out.parquet"), "--json"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", MEASURED, *arguments]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=True, env=environment
        )
        said, peak = done.stdout.splitlines()
        took = json.loads(said)["seconds"]
        yield f"| {rows:,} | {peak} | {took:.1f} | {rows / took / 1e6:.2f} |"


def write(bundle: Path, rows: int, path: Path) -> None:
    """Rows like the probe's, with noise, and a number for each."""
    runner = Runner.load(bundle)
    probe, names = runner.probe_rows(), runner.manifest.model.feature_names
    rng, scale = np.random.default_rng(0), probe.std(0)
    writer = None
    for start in range(0, rows, GROUP):
        n = min(GROUP, rows - start)
        x = probe[rng.integers(0, len(probe), n)]
        x = x + rng.standard_normal(x.shape, np.float32) * np.float32(0.1) * scale
        columns = dict(zip(names or (), x.T, strict=True))
        table = pa.table({**columns, "id": np.arange(start, start + n)})
        writer = writer or pq.ParquetWriter(path, table.schema, use_dictionary=False)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def compute(runner: Runner, path: Path) -> None:
    """Runs the graph on rows that are in memory already, in as many threads as there are cores."""
    x, session = features(runner, path), runner._graphs.session("scorer")
    chunk = runner._graphs._backend.chunk
    pieces = [{"x": x[start : start + chunk]} for start in range(0, len(x), chunk)]

    def run(_: int) -> None:
        for piece in pieces:
            session.run(("score",), piece)

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(run, range(pq.ParquetFile(path).metadata.num_rows // len(x))))


def open_runner(bundle: Path) -> Runner:
    """As the command opens it."""
    shape = Runner.load(bundle).manifest.model.input_shape
    return Runner.load(bundle, backend=OnnxRuntime(profile_of_files(shape)))


def read(runner: Runner, path: Path) -> None:
    """Reads rows as the command does, and does nothing with them."""
    given = plan([str(path)], Wanted(runner.manifest.model))
    for _ in Pool(given.shards, given.read, len, cores()).results():
        pass


def command(bundle: Path, path: Path, output: Path) -> None:
    """The command, without the half second that Python and onnxruntime take to start."""
    with contextlib.redirect_stderr(io.StringIO()):
        if cli.main(["score", str(bundle), str(path), "-o", str(output)]):
            raise RuntimeError("the command has failed")


def pyod_ways(runner: Runner, path: Path) -> dict[str, "Way"]:
    """PyOD's VAE with a network as ours, as it comes and with the batches that it is fastest in."""
    from pyod.models.vae import VAE

    x = features(runner, path)
    latent = runner.manifest.model.latent_dim
    hidden = {"encoder_neuron_list": [128, 64], "decoder_neuron_list": [64, 128]}
    ways = {}
    for batch_size, rows in ((32, 32_768), (4096, len(x))):
        detector = VAE(
            epoch_num=1, latent_dim=latent, batch_size=batch_size, verbose=0, **hidden
        ).fit(x[:8192])
        score = partial(detector.decision_function, x[:rows])
        ways[f"PyOD's VAE, batches of {batch_size:,}"] = Way(rows, score)
    return ways


def features(runner: Runner, path: Path) -> NDArray[np.float32]:
    """The features of the first row group: float32 (rows, features)."""
    names = list(runner.manifest.model.feature_names or ())
    group = pq.ParquetFile(path).read_row_group(0, columns=names)
    return np.ascontiguousarray(np.stack([group[name].to_numpy() for name in names], 1), np.float32)


class Way(NamedTuple):
    """Something that is done with so many rows."""

    rows: int
    run: Callable[[], object]


if __name__ == "__main__":
    main()
