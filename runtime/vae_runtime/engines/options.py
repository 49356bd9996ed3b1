"""Options of a job on an engine: its bundle and its rows, as plain values that travel with it."""

from dataclasses import dataclass, field
from typing import Literal

from vae_runtime.backends import DEFAULT
from vae_runtime.batch.computations import Computation, Scoring


@dataclass(frozen=True)
class RunnerOptions:
    """Options for opening a bundle where rows are scored.

    Args:
        precision: of its files; see `Runner.load`.
        backend: name of one of `backends.names()`, on one thread: engines start a process for each
            core.
        score: "score" or "neg_elbo"; see `Runner.load`.
        machine: the machine that all rows are of, where the bundle has machines.
        key: the public key that the bundle must be signed with, looked at where the job begins;
            workers take no other manifest than the one that was seen there.
        missing_values: "refuse" or "expect"; see `Runner.load`.
        ship: whether the bundle travels with the job; else workers find it at the same path.
    """

    precision: str = "fp32"
    backend: str = DEFAULT
    score: str = "score"
    machine: str | None = None
    key: str | None = None
    ship: bool = False
    missing_values: str = "refuse"


@dataclass(frozen=True)
class RowOptions:
    """Options for scoring rows: results, columns to keep, machines, and bad rows.

    Args:
        computation: what to compute of them.
        keep: columns that stand beside the results; None for all that hold no features.
        machine_column: names each row's machine; None for the bundle's own name of it, where it has
            machines, and "" to judge by all machines together.
        column: that holds rows as lists, of a model without named features.
        on_bad_row: "fail", or "reject": a bad row keeps its place, without results, and
            the column `rejected` says why; it is null in all other rows.
    """

    computation: Computation = field(default_factory=Scoring)
    keep: tuple[str, ...] | None = None
    machine_column: str | None = None
    column: str = "x"
    on_bad_row: Literal["fail", "reject"] = "fail"

    def __post_init__(self) -> None:
        if self.on_bad_row not in ("fail", "reject"):
            raise ValueError(
                f"expected on_bad_row of fail or reject. Received: {self.on_bad_row!r:.60}."
            )
        if isinstance(self.keep, str):
            raise ValueError(f"expected keep as a tuple of names. Received: {self.keep!r:.60}.")

    @property
    def rejects(self) -> bool:
        """True where bad rows are rejected, False where the first one ends the job."""
        return self.on_bad_row == "reject"


RUNNER_OPTIONS, ROW_OPTIONS = RunnerOptions(), RowOptions()  # where nothing else is said
