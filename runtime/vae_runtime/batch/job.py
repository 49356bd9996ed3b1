"""Jobs: rows to read, a computation, and where the results go."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

from vae_runtime import __version__
from vae_runtime._base.paths import file_target
from vae_runtime.batch.results import Result
from vae_runtime.bundle.manifest import digest
from vae_runtime.rows.blocks import Block, Columns, Shard
from vae_runtime.runner import Runner

from .computations import Computation
from .output import Output
from .results import compute_with
from .writing import check_columns, check_kept_values, open_writer

Settle: TypeAlias = Callable[[Iterator[Result]], Callable[[Result], Result]]


@dataclass(frozen=True)
class Job:
    """Request for a run: shards, how to read and compute them, and where results go.

    Args:
        shards: to read, in this order.
        read: gives the blocks of a shard.
        compute: makes a result of a block.
        fingerprint: what a shard is, as JSON: another where its file has changed.
        identity: what all results depend on beside the shards, as JSON, by names for people.
        open_output: where results go.
        journal: the path of what is noted on the way.
        written: the other paths that the run writes, which no other run may write meanwhile.
        settle: for verdicts that take all rows into account: reads all results, and gives what
            amends each of them; they are written at the end then.
        files: that the shards are of, by name. A run that goes on must have all of those that it
            began with; the shards of others that have come are read in their order.
    """

    shards: Sequence[Shard]
    read: Callable[[Shard], Iterator[Block]]
    compute: Callable[[Block], Result]
    fingerprint: Callable[[Shard], list[Any]]
    identity: Mapping[str, Any]
    open_output: Callable[[], Output]
    journal: Path
    written: Sequence[Path] = ()
    settle: Settle | None = None
    files: Sequence[str] = ()


class Source(Protocol):
    """Source of a job's shards: `Inputs` of files, or a `Prior`."""

    @property
    def shards(self) -> Sequence[Shard]:
        """Shards in order."""

    @property
    def rows(self) -> int:
        """Number of rows in all shards."""

    @property
    def files(self) -> Mapping[str, Any]:
        """Files that are read, by name."""

    def read(self, shard: Shard, /) -> Iterator[Block]:
        """The blocks of a shard."""

    def kept(self) -> Iterator[Columns]:
        """The columns of each file that are kept, without rows."""

    def fingerprint(self, shard: Shard, /) -> list[Any]:
        """Identifies a shard and the state of its source, as a JSON list."""


class Target(NamedTuple):
    """Output of a job: its path, its format, and the form of results.

    Args:
        path: of the file.
        ending: of its format.
        rejects: the file that lists bad rows; None where the first bad row is an error.
        bare: whether results stand alone, without row numbers and columns that are kept.
        name_files: whether each result names the file that it is of.
    """

    path: Path
    ending: str
    rejects: Path | None = None
    bare: bool = False
    name_files: bool = False

    @property
    def journal(self) -> Path:
        """Path of the journal, beside the output; of a link, beside the file it leads to."""
        path = file_target(self.path)
        return path.with_name(f"{path.name}.journal")


def job_of(
    runner: Runner,
    computation: Computation,
    given: Source,
    target: Target,
    *,
    more: Mapping[str, Any],
    settle: Settle | None = None,
) -> Job:
    """A job for `run`.

    Args:
        runner: of the bundle.
        computation: what to compute.
        given: what to read.
        target: where results go.
        more: that results depend on, by names for people.
        settle: see `Job`.

    Raises:
        ValueError: a column is kept that the output cannot hold, as its type alone says.
    """
    for columns in () if target.bare else given.kept():
        check_columns(columns, target.path, target.ending)
    path = file_target(target.path)
    rejects = None if target.rejects is None else file_target(target.rejects)
    identity = {
        "vae-runtime": __version__,
        "bundle": digest(runner.manifest),
        "precision": runner.precision,
        "machine": runner.machine,
        "computation": type(computation).__name__,
        **{f"--{name}": value for name, value in vars(computation).items()},
        "output": target.ending,
        "results alone": target.bare,
        "several inputs": target.name_files,
        **more,
    }
    return Job(
        shards=given.shards,
        read=given.read,
        compute=compute_with(
            runner,
            computation,
            reject=target.rejects is not None,
            bare=target.bare,
            name_files=target.name_files,
            check_kept=partial(check_kept_values, path=target.path, ending=target.ending),
        ),
        fingerprint=given.fingerprint,
        identity=identity,
        open_output=partial(Output, path, rejects, partial(open_writer, ending=target.ending)),
        journal=target.journal,
        written=[path] if rejects is None else [path, rejects],
        settle=settle,
        files=list(given.files),
    )
