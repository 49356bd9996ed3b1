"""A whole run: shards in, one file of results out; killed at any moment, it can go on."""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from typing import Any

from vae_runtime.backends.threads import check_threads
from vae_runtime.batch.results import Result
from vae_runtime.rows.bad_rows import Reject

from .job import Job, Settle
from .journal import (
    Done,
    Journal,
    JournalRefused,
    read_done,
    read_results,
    read_run,
)
from .locks import locked
from .output import Output
from .pool import Pool
from .progress import Counts

FILES = "files"  # what the journal calls the names of those


class NothingDone(ValueError):
    """Error for files of which all rows were rejected."""


def run(job: Job, *, threads: int, resume: bool = False, watch: Callable[[Counts], None]) -> Counts:
    """Runs a job; its output is there when this returns.

    Args:
        job: what to do.
        threads: that read and work side by side; 0 is as many as there are cores.
        resume: whether to go on where the journal ends, if there is one.
        watch: is told the counts after each block.

    Raises:
        ValueError: a shard or the journal is not what it must be, and what is done stays noted; or
            that is no number of threads.
        OSError: a file cannot be read or written; the same.
    """
    check_threads(threads)
    with locked([job.journal, *job.written]):
        noted = read_run(job.journal)
        done = _done(job, noted) if resume and noted is not None else []
        identity = {**job.identity, FILES: list(job.files)}
        journal = Journal(job.journal, identity, done[-1].end if done else 0)
        try:
            counts = _run(job, journal, done, threads, watch)
        except NothingDone:
            journal.remove()
            raise
        except BaseException:
            journal.close_or_remove()
            raise
        journal.remove()
    return counts


def _run(
    job: Job, journal: Journal, done: list[Done], threads: int, watch: Callable[[Counts], None]
) -> Counts:
    output, counts = job.open_output(), Counts()
    rejects: Sequence[Reject] = ()
    try:
        with closing(_results_of(job, journal, done, threads)) as results:
            for result in results:
                counts, rejects = counts.plus(result), rejects or result.rejects
                if job.settle is None:
                    output.add(result)
                watch(counts)
        if job.settle is not None:
            counts = _settle(job.settle, journal, output)
        if not counts.done:
            output.commit_rejects()
        _check_some(counts, rejects)
        output.commit()
    except BaseException:
        output.abandon()
        raise
    return counts


def _results_of(
    job: Job, journal: Journal, done: list[Done], threads: int
) -> Generator[Result, None, None]:
    """Yields results of all blocks in order: first from the journal, then new ones, noted there."""
    if done:
        yield from read_results(job.journal, done[-1].end)
    left = job.shards[len(done) :]
    with closing(Pool(left, job.read, job.compute, threads).results()) as results:
        for number, result in results:
            if result is None:
                journal.close_shard(job.fingerprint(left[number]))
            else:
                journal.add(result)
                yield result


def _settle(settle: Settle, journal: Journal, output: Output) -> Counts:
    """Writes all results, amended by what all of them together say."""
    counts, end = Counts(), journal.flush()
    amend = settle(read_results(journal.path, end))
    for result in map(amend, read_results(journal.path, end)):
        counts = counts.plus(result)
        output.add(result)
    return counts


def _done(job: Job, noted: Mapping[str, Any]) -> list[Done]:
    """The shards that need not be done again; JournalRefused where it is of another run."""
    noted = dict(noted)
    _check_files(job, noted.pop(FILES, []))
    asked = json.loads(json.dumps(job.identity))
    for name in dict.fromkeys((*noted, *asked)):
        if noted.get(name) != asked.get(name):
            raise JournalRefused(
                f"{job.journal}: expected the run that it is of, with {name} "
                f"{_shown(noted.get(name))}. Received: {_shown(asked.get(name))}. Resume with what "
                "the run began with, or leave --resume out, to begin anew."
            )
    done = read_done(job.journal)
    shards = [job.fingerprint(shard) for shard in job.shards[: len(done)]]
    for each, shard in zip(done, [*shards, *[None] * (len(done) - len(shards))], strict=True):
        if each.shard != shard:
            raise JournalRefused(
                f"{job.journal}: expected {each.shard[0]} as it was when the run began. Received: "
                "a file that has changed, or is not given now. Leave --resume out, to begin anew."
            )
    return done


def _check_files(job: Job, noted: Sequence[str]) -> None:
    gone = sorted(set(noted) - set(job.files))
    if gone:
        others = f" and {len(gone) - 1:,} others" if len(gone) > 1 else ""
        raise JournalRefused(
            f"{job.journal}: expected all files that the run began with. Received: no {gone[0]}"
            f"{others} now. Bring them back, or leave --resume out, to begin anew without them."
        )


def _shown(value: Any) -> str:
    return f"{json.dumps(value):.60}"


def _check_some(counts: Counts, rejects: Sequence[Reject]) -> None:
    if not counts.done:
        file, row, reason = rejects[0]
        raise NothingDone(
            f"expected a row that can be judged. Received: {counts.rejected:,}, all of them "
            f"rejected; the first is row {row} of {file}: {reason}"
        )
