"""Many jobs over several processes, whose figures go to a file as they come.

A job that is in the file already is not done again, so that a run that was stopped goes on.
"""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")

Row = dict[str, Any]


def spread(
    function: Callable[..., list[Row]],
    jobs: Iterable[Sequence[Any]],
    out: Path,
    *,
    keys: Sequence[str],
    processes: int | None = None,
) -> list[Row]:
    """All rows of the file in the end, those of earlier runs too.

    Args:
        function: what a process does of a job: its arguments to rows of figures.
        jobs: the arguments, of plain types.
        out: JSON lines.
        keys: what the arguments are called, in order; each row gets them.
        processes: as many as there are cores by default, of one thread each; each job has its own.
    """
    done = {tuple(row[key] for key in keys) for row in read(out)}
    left = [tuple(job) for job in jobs if tuple(job) not in done]
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # of each process that is started below
    pool = ProcessPoolExecutor(
        processes or os.cpu_count(), multiprocessing.get_context("spawn"), max_tasks_per_child=1
    )
    with pool, out.open("a") as file:
        futures = {pool.submit(function, *job): job for job in left}
        for i, future in enumerate(as_completed(futures), 1):
            job = dict(zip(keys, futures[future], strict=True))
            rows = [{**job, **row} for row in future.result()]
            file.writelines(f"{json.dumps(row)}\n" for row in rows)
            file.flush()
            shown = ", ".join(f"{row['method']} {row['auroc']:.3f}" for row in rows)
            print(f"{i}/{len(left)} {' '.join(map(str, job.values()))}: {shown}", flush=True)
    return read(out)


def read(path: Path) -> list[Row]:
    """The rows of a file of JSON lines; none where there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
