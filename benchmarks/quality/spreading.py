"""Many jobs over several processes, whose figures go to a file as they come.

A job that is in the file already is not done again, so that a run that was stopped, or killed, goes
on. A line of the file is one job, whole; a line that was cut short by a kill is taken off.
"""

import json
import multiprocessing
import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")

# Jobs that a process does before another takes its place: starting TensorFlow takes seconds, as
# training a small table does, and what a process keeps of each model must not fill the memory.
JOBS_A_PROCESS = 20

Row = dict[str, Any]
Job = tuple[Any, ...]


def spread(
    function: Callable[..., list[Row]],
    jobs: Iterable[Sequence[Any]],
    out: Path,
    *,
    keys: Sequence[str],
    processes: int | None = None,
) -> list[Row]:
    """All rows of the file in the end, those of earlier runs too.

    Jobs are done in a drawn order, so that those that are done tell how long the others take.

    Args:
        function: what a process does of a job: its arguments to rows of figures.
        jobs: the arguments, of plain types.
        out: JSON lines.
        keys: what the arguments are called, in order; each row gets them.
        processes: as many as there are cores by default, of one thread each.

    Raises:
        SystemExit: jobs failed, after all others are done; names them. A next run tries them again.
    """
    _drop_cut_line(out)
    done = {tuple(row[key] for key in keys) for row in read(out)}
    left = [job for job in dict.fromkeys(map(tuple, jobs)) if job not in done]
    random.Random(0).shuffle(left)
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # of each process that is started below
    pool = ProcessPoolExecutor(
        processes or os.cpu_count(),
        multiprocessing.get_context("spawn"),
        initializer=_end_with_parent,
        max_tasks_per_child=JOBS_A_PROCESS,
    )
    with pool:
        futures = {pool.submit(_timed, function, *job): job for job in left}
        failed = _write_down(futures, out, keys)
    if failed:
        raise SystemExit(f"{len(failed)} of {len(left)} jobs failed: {'; '.join(failed)}")
    return read(out)


def read(path: Path) -> list[Row]:
    """The rows of a file of JSON lines; none where there is no file."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    jobs = [json.loads(line) for line in lines if line.endswith("\n")]
    return [row for job in jobs for row in _rows_of(job)]


def _end_with_parent() -> None:
    """Lets this process end when the one that gives it jobs does, were it killed."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _timed(function: Callable[..., list[Row]], *job: Any) -> tuple[list[Row], float]:
    """Rows of a job, and the seconds of a processor that it took here."""
    started = time.process_time()
    return function(*job), time.process_time() - started


def _rows_of(job: Row) -> list[Row]:
    """Rows of a line: each with what the job is called by; earlier files have a row a line."""
    if "rows" not in job or not isinstance(job["rows"], list):
        return [job]
    own = {key: value for key, value in job.items() if key != "rows"}
    return [{**own, **row} for row in job["rows"]]


def _write_down(futures: dict[Future[Any], Job], out: Path, keys: Sequence[str]) -> list[str]:
    """Adds a line for each job as it ends; returns those that failed, with why."""
    started, failed = time.monotonic(), []
    with out.open("a") as file:
        for i, future in enumerate(as_completed(futures), 1):
            job = dict(zip(keys, futures[future], strict=True))
            title = " ".join(map(str, job.values()))
            if problem := future.exception():
                failed.append(f"{title}: {type(problem).__name__}: {problem}")
                shown = "failed"
            else:
                rows, cpu = future.result()
                file.write(f"{json.dumps({**job, 'cpu_seconds': round(cpu, 2), 'rows': rows})}\n")
                file.flush()
                shown = ", ".join(f"{row['method']} {row['auroc']:.3f}" for row in rows)
                shown = f"{shown} ({cpu:.0f} s of a processor)"
            left = (time.monotonic() - started) / i * (len(futures) - i)
            print(f"{i}/{len(futures)} ({_time(left)} left) {title}: {shown}", flush=True)
    return failed


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _drop_cut_line(path: Path) -> None:
    """Takes off what follows the last end of a line: the process that wrote it was killed."""
    if path.exists() and not (text := path.read_bytes()).endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(text.rfind(b"\n") + 1)
