"""What the runner costs beside what it is made of: overhead, chunks, profiles, start, memory.

    python benchmarks/runtime.py [--soak 1000000] [--rows 10000000]

Two models are trained for an epoch and exported: `images`, the default convolutional pair on images
of 28 x 28 in uint8, and `table`, nine columns with two dense layers of 64. All figures of a line
are of one run, in turns, the median call of the best of several rounds, since other work only makes
it slower. What a process weighs or how it starts is measured in processes of its own.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from processes import BULK, FIRST, IDLE, MAPPED, PEAK, SLICES, SOAK, in_process

from vae_keras._base.tf_log_filter import filter_tf_log

with filter_tf_log():
    from vae_export import export
    from vae_keras import DataConfig, ModelConfig, TrainConfig, open_run, train
    from vae_runtime import OnnxRuntime, Profile, Runner
    from vae_runtime.backends.profiles import PROFILES
    from vae_runtime.bundle import open_bundle

ROUNDS, SECONDS = 5, 0.4  # of each way, in turns
COLUMNS = 9
BULK_ROWS = {"images": 4096, "table": 65_536}
CALLERS = 4


def main() -> None:
    """Prints every table; the long ones where they are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--soak", type=int, default=100_000, help="calls of one row (1000000)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of a mapped file (10000000)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = dict(models(Path(folder)))
        for name, (run, bundle) in made.items():
            table(f"Overhead, {name}", "rows a call", overhead(run, bundle))
            bulk = BULK_ROWS[name]
            table(f"Chunks, {name}: {bulk:,} rows", "rows a chunk", chunks(bundle, bulk))
            table(f"Profiles, {name}", "profile", profiles(bundle, bulk))
            table(f"Cold start, {name}", "process", cold_start(bundle))
        _, bundle = made["table"]
        table("Memory of a mapped file", "process", mapped_file(bundle, args.rows, Path(folder)))
        table("Soak", "calls of one row", soak(bundle, args.soak))


def models(folder: Path) -> Iterable[tuple[str, tuple[Path, Path]]]:
    """(name, (run, bundle)); what a model has learnt does not matter for what it costs."""
    rng = np.random.default_rng(0)
    data = {
        "images": (rng.integers(0, 256, (1000, 28, 28, 1), np.uint8), ModelConfig()),
        "table": (rng.normal(size=(2000, COLUMNS)), ModelConfig(hidden=(64, 64))),
    }
    for name, (x, model) in data.items():
        path, out = folder / f"{name}.npz", folder / name
        np.savez(path, x=x)
        config = DataConfig(str(path))
        run, _ = train(config, model, TrainConfig(epochs=1), out=out, log=lambda _: None)
        export(run, folder / f"{name}-bundle", log=lambda _: None)
        yield name, (out, folder / f"{name}-bundle")


def overhead(run: Path, bundle: Path) -> Iterable[tuple[str, dict[str, str]]]:
    """One call of the runner, of onnxruntime alone on the same options, and of Keras."""
    vae, runner = open_run(run).vae, Runner.load(bundle)
    x = np.load(run / "test.npz")["x"]
    bare = OnnxRuntime().open(open_bundle(bundle), "scorer", "fp32").session
    for size in (1, 16, 256):
        rows = np.resize(x, (size, *x.shape[1:]))
        runner.score(rows)
        took = in_turns(
            {
                "ours": partial(runner.score, rows),
                "bare": partial(bare.run, ["score"], {"x": rows}),
                "keras": partial(vae.predict, rows, verbose=0, batch_size=size),
            }
        )
        yield (
            f"{size:,}",
            {
                "onnxruntime us": f"{took['bare']:.1f}",
                "runner us": f"{took['ours']:.1f}",
                "over it us": f"{took['ours'] - took['bare']:.1f}",
                "of its throughput": f"{took['bare'] / took['ours']:.3f}",
                "Keras predict us": f"{took['keras']:,.0f}",
                "Keras / runner": f"{took['keras'] / took['ours']:.1f}",
            },
        )


def chunks(bundle: Path, bulk: int) -> Iterable[tuple[str, dict[str, str]]]:
    """Bulk scoring by how many rows a session is given at a time, on one thread."""
    x = np.resize(open_bundle(bundle).read_probe()["x"], (bulk, *shape(bundle)))
    sizes = [2**k for k in range(6, 17) if 2**k <= bulk]
    peaks = {size: in_process(BULK, bundle, Profile(chunk=size), bulk) for size in sizes}
    runners = {s: Runner.load(bundle, backend=OnnxRuntime(Profile(chunk=s))) for s in sizes}
    took = in_turns({s: partial(r.score, x) for s, r in runners.items()}, rounds=3, seconds=0.1)
    for size in sizes:
        yield (
            f"{size:,}",
            {
                "rows/s": f"{len(x) / took[size] * 1e6:,.0f}",
                "of the best": f"{min(took.values()) / took[size]:.2f}",
                "peak MiB": f"{peaks[size]:.0f}",
            },
        )


def profiles(bundle: Path, bulk: int) -> Iterable[tuple[str, dict[str, str]]]:
    """Latency, bulk throughput, what an idle session burns, and memory."""
    x = np.resize(open_bundle(bundle).read_probe()["x"], (bulk, *shape(bundle)))
    threads, spinning = Profile(threads=0), Profile(threads=0, spinning=True)
    known = {**PROFILES, "threads=0": threads, "threads=0, spinning": spinning}
    runners = {n: Runner.load(bundle, backend=OnnxRuntime(p)) for n, p in known.items()}
    columns = {}
    for size in (1, 256, bulk):
        rounds, seconds = (3, 0.1) if size > 256 else (ROUNDS, SECONDS)
        ways = {n: partial(r.score, x[:size]) for n, r in runners.items()}
        columns[size] = in_turns(ways, rounds=rounds, seconds=seconds)
    for name, profile in known.items():
        yield (
            name,
            {
                "us at 1": f"{columns[1][name]:.1f}",
                "us at 256": f"{columns[256][name]:.0f}",
                "rows/s": f"{len(x) / columns[bulk][name] * 1e6:,.0f}",
                f"rows/s of {CALLERS} callers": f"{callers(runners[name], x[:256]):,.0f}",
                "cores at a call every 5 ms": f"{in_process(IDLE, bundle, profile):.2f}",
                "peak MiB after 256": f"{in_process(PEAK, bundle, profile):.0f}",
            },
        )


def cold_start(bundle: Path) -> Iterable[tuple[str, dict[str, str]]]:
    """Milliseconds from the start of a process to its end, the best of ten."""
    programs = {
        "python alone": "pass",
        "import numpy": "import numpy",
        "import vae_runtime": "import vae_runtime",
        "import vae_runtime, onnxruntime": "import vae_runtime, onnxruntime",
        "first score": FIRST,
    }
    best = dict.fromkeys(programs, float("inf"))
    for _ in range(10):
        for name, program in programs.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", program, bundle], check=True)
            best[name] = min(best[name], time.perf_counter() - start)
    for name, seconds in best.items():
        yield name, {"ms": f"{seconds * 1e3:.0f}"}


def mapped_file(bundle: Path, n: int, folder: Path) -> Iterable[tuple[str, dict[str, str]]]:
    """Peak memory of scoring a file that is mapped, beside a process that scores one row."""
    path = folder / "rows.npy"
    rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n, COLUMNS))
    rng = np.random.default_rng(0)
    for start in range(0, n, 100_000):
        part = rows[start : start + 100_000]
        part[:] = rng.normal(size=part.shape)
    rows.flush()
    empty = in_process("print(memory('VmHWM'))", bundle)
    figures = {
        "Python, numpy, vae_runtime": empty,
        "one row": in_process(MAPPED, bundle, path, 1),
        f"{n:,} rows in one call": in_process(MAPPED, bundle, path, n),
        f"{n:,} rows, 65,536 a call": in_process(SLICES, bundle, path),
    }
    for name, figure in figures.items():
        yield name, {"peak MiB": f"{figure:.0f}", "more": f"{figure - empty:.0f}"}
    yield "the answers to one call", {"peak MiB": "", "more": f"{13 * n / 2**20:.0f}"}


def callers(runner: Runner, rows: np.ndarray, seconds: float = 2.0) -> float:
    """Rows a second of several threads that share a runner, each with its own batches."""

    def work(_: int) -> int:
        done, end = 0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            runner.score(rows)
            done += len(rows)
        return done

    with ThreadPoolExecutor(CALLERS) as pool:
        return sum(pool.map(work, range(CALLERS))) / seconds


def soak(bundle: Path, calls: int) -> Iterable[tuple[str, dict[str, str]]]:
    """How memory grows from the thousandth call of one row to the last."""
    yield f"{calls:,}", {"MiB more than after 1,000": f"{in_process(SOAK, bundle, calls):+.2f}"}


def in_turns(
    ways: Mapping[Any, Callable[[], object]], *, rounds: int = ROUNDS, seconds: float = SECONDS
) -> dict[Any, float]:
    """Microseconds of each way: the lowest median call of the rounds."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            calls, end = [], time.perf_counter() + seconds
            while time.perf_counter() < end or len(calls) < 3:
                start = time.perf_counter()
                way()
                calls.append(time.perf_counter() - start)
            best[name] = min(best[name], float(np.median(calls)) * 1e6)
    return best


def shape(bundle: Path) -> tuple[int, ...]:
    """Of one row."""
    return open_bundle(bundle).manifest.model.input_shape


def table(title: str, first: str, lines: Iterable[tuple[str, dict[str, str]]]) -> None:
    """Prints lines as Markdown, each as soon as it is known."""
    print(f"\n### {title}\n")
    for i, (name, columns) in enumerate(lines):
        if i == 0:
            print(f"| {first} | {' | '.join(columns)} |\n|{'---|' * (1 + len(columns))}")
        print(f"| {name} | {' | '.join(columns.values())} |", flush=True)


if __name__ == "__main__":
    main()
