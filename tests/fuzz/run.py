"""Mutated bundles and states by the thousand: `make fuzz`, or `python tests/fuzz/run.py --help`.

Each case is a good bundle changed by a kind of mutation and a seed, opened in a worker process that
may crash or hang. What must come of it: `BundleError`, or the scores of the good bundle. Kinds that
seal a bundle anew may yield another model, which is counted: only a signature tells that.

All else fails, and is written with its kind and seed to a file that `--replay` takes.
"""

import argparse
import json
import os
import queue
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
from judging import (
    CRASHED,
    ESCAPED,
    HUNG,
    VERDICTS,
    WRONG,
    good_answers,
    good_state,
    judge,
    judge_state,
    limit_memory,
    seeded,
)
from mutations import MUTATIONS as DAMAGE
from mutations import of_files
from plausible import edited, exchanged, lost_weights, probed, state, wired

from vae_runtime import Runner
from vae_runtime.bundle import open_bundle

GOLDEN = Path(__file__).parents[1] / "golden" / "sensors-1"
PATIENCE = 20.0  # seconds for a case; the good bundle takes a fiftieth of one
FAILURES = (ESCAPED, WRONG, CRASHED, HUNG)

STATE = "state of a stream"  # whose cases are no bundles
MUTATIONS = {
    **DAMAGE,
    "lost weights, excused": of_files(lost_weights, lost=True),
    "manifest, plausible": of_files(edited, model=True, every=True),
    "graphs exchanged": of_files(exchanged, model=True, every=True),
    "probe of other arrays": of_files(probed, model=True, every=True),
    "ONNX fields": of_files(wired, model=True),
}
KINDS = [*MUTATIONS, STATE]

# onnxruntime reads what is properly hashed, in its own process memory: what it makes of a graph
# that somebody damaged and hashed again is counted and not our failure.
NOT_OURS = {
    ("graph bytes, resealed", CRASHED),
    ("graph nodes, resealed", CRASHED),
    ("graph bytes, resealed", HUNG),
    ("graph nodes, resealed", HUNG),
}


class Worker:
    """A process that judges cases one at a time."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--work"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def judge(self, kind: str, seed: int) -> tuple[str, str]:
        """The verdict on a case; the worker is of no more use after a crash or a hang."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([kind, seed]) + "\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            self.stop()
            return HUNG, f"no verdict within {PATIENCE:g} s"
        line = self.process.stdout.readline()
        if not line:
            return CRASHED, f"exit status {self.process.wait()}"
        verdict, why = json.loads(line)
        return verdict, why

    def stop(self) -> None:
        """Ends the process, wherever it is."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def work() -> int:
    """Judges the cases that standard input names, a line each."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # onnxruntime may print what it likes
    bundle = GOLDEN.with_suffix(".vaeb")
    files = open_bundle(bundle).contents()
    x = np.array(json.loads(GOLDEN.with_suffix(".json").read_text())["x"], np.float32)
    good, runner = good_answers(bundle, x), Runner.load(bundle)
    remembered = good_state(runner, x)
    limit_memory()
    for line in sys.stdin:
        kind, seed = json.loads(line)
        with tempfile.TemporaryDirectory() as folder:
            path, rng = Path(folder) / "case", seeded(kind, seed)
            if kind == STATE:
                path.write_bytes(state(rng, remembered))
                verdict = judge_state(path, runner, remembered)
            else:
                write, *judged = MUTATIONS[kind]
                write(rng, files, path)
                model, every, lost = judged
                verdict = judge(path, good, model=model, every=every, lost=lost)
        answers.write(json.dumps(verdict) + "\n")
        answers.flush()
    return 0


def keep(kind: str, seed: int, path: Path) -> None:
    """Writes the case itself, to look at."""
    bundle, rng = GOLDEN.with_suffix(".vaeb"), seeded(kind, seed)
    if kind == STATE:
        x = np.array(json.loads(GOLDEN.with_suffix(".json").read_text())["x"], np.float32)
        path.write_bytes(state(rng, good_state(Runner.load(bundle), x)))
    else:
        MUTATIONS[kind].write(rng, open_bundle(bundle).contents(), path)


def run(cases: "queue.SimpleQueue[tuple[str, int]]", jobs: int, deadline: float) -> list[tuple]:
    """(kind, seed, verdict, why, seconds) of each case, as many as there is time for."""
    results: list[tuple] = []

    def serve() -> None:
        worker = Worker()
        while time.monotonic() < deadline:
            try:
                kind, seed = cases.get_nowait()
            except queue.Empty:
                break
            start = time.monotonic()
            verdict, why = worker.judge(kind, seed)
            results.append((kind, seed, verdict, why, round(time.monotonic() - start, 2)))
            if verdict in (CRASHED, HUNG):
                worker.stop()
                worker = Worker()
        worker.stop()

    threads = [threading.Thread(target=serve) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def table(results: list[tuple]) -> str:
    """Kinds by verdicts."""
    counts = Counter((kind, verdict) for kind, _, verdict, *_ in results)
    lines = [f"{'kind':<24}{'cases':>8}" + "".join(f"{v:>17}" for v in VERDICTS)]
    for kind in KINDS:
        row = [counts[kind, verdict] for verdict in VERDICTS]
        lines.append(f"{kind:<24}{sum(row):>8}" + "".join(f"{n:>17}" for n in row))
    total = [sum(counts[kind, verdict] for kind in KINDS) for verdict in VERDICTS]
    lines.append(f"{'all':<24}{sum(total):>8}" + "".join(f"{n:>17}" for n in total))
    return "\n".join(lines)


def main() -> int:
    """Runs cases, prints the table; 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=19_000, help="of all kinds together")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="at most")
    parser.add_argument("--seed", type=int, default=0, help="of the first case of each kind")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--kind", choices=KINDS, help="this kind alone")
    parser.add_argument("--failures", type=Path, default=Path("fuzz-failures.jsonl"))
    parser.add_argument("--replay", type=Path, help="judge the cases of such a file")
    parser.add_argument("--keep", type=Path, help="write the case of --kind and --seed there")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        return work()
    if args.keep is not None:
        keep(args.kind, args.seed, args.keep)
        return 0
    results = run(_cases(args), args.jobs, time.monotonic() + args.seconds)
    failed = [r for r in results if r[2] in FAILURES and (r[0], r[2]) not in NOT_OURS]
    print(table(results))
    kind, seed, verdict, _, longest = max(results, key=lambda result: result[-1])
    print(f"the longest: {longest} s, {kind}, seed {seed}, {verdict}")
    if failed:
        args.failures.write_text("".join(json.dumps(r) + "\n" for r in failed))
        print(f"{len(failed)} failed: see {args.failures}")
        return 1
    args.failures.unlink(missing_ok=True)
    return 0


def _cases(args: argparse.Namespace) -> "queue.SimpleQueue[tuple[str, int]]":
    cases: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
    if args.replay is not None:
        for line in args.replay.read_text().splitlines():
            kind, seed, *_ = json.loads(line)
            cases.put((kind, seed))
        return cases
    kinds = [args.kind] if args.kind else KINDS
    for seed in range(args.seed, args.seed + -(-args.cases // len(kinds))):
        for kind in kinds:
            cases.put((kind, seed))
    return cases


if __name__ == "__main__":
    sys.exit(main())
