"""A fleet: machines of one kind and one model, each with a level of its own.

One threshold for all of them alarms often on the machines that score high, rarely on the others,
and keeps its promise on average only. Here each row is judged among the normal rows of its own
machine, so that each has a false-alarm rate of at most alpha (Mondrian conformal prediction).

Source: Vovk, Gammerman & Shafer 2005, "Algorithmic learning in a random world", section 4.5.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_runtime.bundle.consistency import LONGEST_MACHINE
from vae_runtime.bundle.manifest import Calibration
from vae_runtime.bundle.texts import MOST_ENTRIES, check_texts
from vae_runtime.rows.arrays import as_array
from vae_runtime.rows.machine_names import names_of
from vae_runtime.rows.names.missing_names import some
from vae_runtime.rows.names.name_texts import name_text

from .alarms import Alarm, Verdicts
from .calibration import COUNTLESS_ROWS, check_alpha, rows_needed

SHOWN = 5  # machines that an error names


def check_name(name: str) -> str:
    """Checks the name of a machine; ValueError for one that cannot be printed."""
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_MACHINE or name != name.strip():
        raise ValueError(
            f"expected the name of a machine as text of 1 to {LONGEST_MACHINE} characters, without "
            f"spaces around. Received: {name!r:.60}."
        )
    check_texts(name, "machines")
    return name


def by_machine(scores: NDArray[Any], names: NDArray[np.str_]) -> dict[str, NDArray[Any]]:
    """The scores of each machine: from (rows,), and the name of each row's machine.

    Raises:
        ValueError: there are more machines than a bundle can hold, or a name cannot be printed.
    """
    machines = np.unique(names)
    if len(machines) > MOST_ENTRIES:
        raise ValueError(
            f"expected {MOST_ENTRIES:,} machines at most. Received: {len(machines):,}. Make a "
            "bundle for each part of the fleet."
        )
    return {check_name(str(machine)): scores[names == machine] for machine in machines}


def ascending(scores: NDArray[Any], names: NDArray[np.str_]) -> dict[str, tuple[float, ...]]:
    """Sorts the scores of each machine in ascending order, as in `Calibration.by_machine`."""
    return {
        machine: tuple(np.sort(part).tolist())
        for machine, part in by_machine(scores, names).items()
    }


def check_enough(alpha: float, names: NDArray[np.str_], known: Sequence[str] = ()) -> None:
    """Raises ValueError where some machine has too few calibration rows for `alpha`; says which.

    Args:
        alpha: the alarm level.
        names: (rows,), the machine of each.
        known: machines that must have some as well.
    """
    found = by_machine(np.zeros(len(names)), names)
    counts = dict.fromkeys(known, 0) | {machine: len(part) for machine, part in found.items()}
    short = [f"{n} of {machine}" for machine, n in counts.items() if 1 / (n + 1) > alpha]
    if short:
        check_alpha(alpha, COUNTLESS_ROWS)
        raise ValueError(
            f"alpha={alpha:g} needs at least {rows_needed(alpha)} calibration rows of each "
            f"machine. Received: {some(short, SHOWN)}. Pass a larger alpha, or leave "
            "these machines out."
        )


def of_machine(calibration: Calibration, machine: str) -> Calibration:
    """The calibration of one machine, by its own scores alone.

    Raises:
        ValueError: it has none; says which have.
    """
    machines = calibration.by_machine or {}
    if isinstance(machine, str) and machine not in machines:
        # as 7.0 in a bundle of before names were alike in all formats
        machine = next((m for m in machines if name_text(m) == name_text(machine)), machine)
    if not isinstance(machine, str) or machine not in machines:
        known = f"one with {some([*machines], SHOWN)}" if machines else "one without machines"
        raise ValueError(
            f"expected a bundle that is calibrated for the machine {machine!r:.60}. Received: "
            f"{known}. `vae-runtime calibrate BUNDLE ROWS --machine NAME -o NEW` adds one, from "
            "normal rows of it."
        )
    return replace(calibration, scores=machines[machine], by_machine=None)


class MachineVerdicts(Verdicts):
    """Verdicts by the calibration of one machine; its errors name the machine."""

    def __init__(self, calibration: Calibration, machine: str) -> None:
        super().__init__(of_machine(calibration, machine))
        self._machine = machine

    def alarm(
        self, alpha: float | None = None, threshold: float | None = None, fdr: float | None = None
    ) -> Alarm:
        """See `Verdicts.alarm`."""
        try:
            return super().alarm(alpha, threshold, fdr)
        except ValueError as error:
            raise ValueError(f"machine {self._machine!r}: {error}") from error


class Fleet:
    """The verdicts of each machine, made when they are first asked for. Threads may share it.

    Args:
        calibration: with machines.
        only: the one machine whose rows there will be, if there is but one.
    """

    def __init__(self, calibration: Calibration, only: str | None = None) -> None:
        self._calibration, self._only = calibration, only
        self._made: dict[str, MachineVerdicts] = {}

    def of(self, machine: str) -> MachineVerdicts:
        """Verdicts of one machine; ValueError where it has no calibration."""
        if machine not in self._made:
            self._made[machine] = MachineVerdicts(self._calibration, machine)
        return self._made[machine]

    def of_rows(self, names: ArrayLike, x: ArrayLike) -> "RowVerdicts":
        """Verdicts on rows x (rows, ...), given the name of each row's machine (rows,)."""
        if self._only is not None:
            raise ValueError(
                f"expected no machines in a runner that was loaded for {self._only!r}. Received: "
                "some. Load the bundle without a machine, to score rows of several."
            )
        shape = np.shape(as_array(x))
        if not shape or not shape[0]:
            raise ValueError(f"x: expected at least one row. Received: shape {shape}.")
        machines, number, counts = np.unique(
            names_of(names, shape[0]), return_inverse=True, return_counts=True
        )
        rows = np.split(np.argsort(number, kind="stable"), np.cumsum(counts)[:-1])
        return RowVerdicts([self.of(str(machine)) for machine in machines], rows)


class RowVerdicts:
    """Verdicts on the scores of one call, each by the calibration of its row's machine.

    Args:
        machines: the verdicts of each machine that has rows.
        rows: for each of them, the numbers of its rows.
    """

    def __init__(self, machines: list[MachineVerdicts], rows: list[NDArray[np.int64]]) -> None:
        self._machines, self._rows = machines, rows

    def alarm(
        self, alpha: float | None = None, threshold: float | None = None, fdr: float | None = None
    ) -> Alarm:
        """Rule for all rows that the calibration of each machine can keep; see `Verdicts.alarm`."""
        *_, alarm = (machine.alarm(alpha, threshold, fdr) for machine in self._machines)
        return alarm

    def p_values(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """P-values (rows,) of scores (rows,)."""
        p = np.empty(len(scores))
        for machine, rows in zip(self._machines, self._rows, strict=True):
            p[rows] = machine.p_values(scores[rows])
        return p
