"""Groups of rows that a bundle is calibrated on: those of each machine, of one, or all."""

import heapq
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_runtime.bundle.manifest import Calibration, Manifest, Recalibration
from vae_runtime.bundle.texts import check_texts
from vae_runtime.rows.machine_names import names_of

from .calibration import check_alpha
from .machines import by_machine, check_enough, check_name


class CalibrationGroups(NamedTuple):
    """Machines that the rows of a calibration are of.

    `rows` is how many there are. `machine` is the one that all are of; `names` are the machines of
    each, which tables have in `column`; all None where rows are calibrated together.
    """

    rows: int
    machine: str | None = None
    column: str | None = None
    names: NDArray[np.str_] | None = None

    @classmethod
    def of(cls, machines: str | Mapping[str, ArrayLike] | None, rows: int) -> "CalibrationGroups":
        """Reads the argument of `recalibrate`; ValueError for anything else."""
        if machines is None:
            return cls(rows)
        if isinstance(machines, str):
            return cls(rows, machine=check_name(machines))
        if not isinstance(machines, Mapping) or len(machines) != 1:
            raise ValueError(
                "expected machines as the name of one, or as {column: a name for each row}. "
                f"Received: {machines!r:.60}."
            )
        ((column, values),) = machines.items()
        check_texts(column, "the column of machines")
        return cls(rows, column=column, names=names_of(values, rows))

    def parts(self, scores: NDArray[np.float32]) -> dict[str | None, NDArray[np.float32]]:
        """Scores (rows,) that set each threshold, by its machine; None for that of all."""
        if self.names is None:
            return {self.machine: scores}
        return dict(by_machine(scores, self.names).items())

    def calibration(self, before: Calibration, scores: NDArray[np.float32]) -> Calibration:
        """New calibration, without what the old one says of its own rows."""
        found = {
            machine: tuple(np.sort(part).tolist()) for machine, part in self.parts(scores).items()
        }
        if None in found:
            return Calibration(before.alpha, before.rounding, found[None])
        own = {machine: part for machine, part in found.items() if machine is not None}
        kept = {} if self.machine is None else (before.by_machine or {})
        machines = dict(sorted({**kept, **own}.items()))
        together = tuple(heapq.merge(*machines.values()))
        folds = before.folds if {*kept} - {*own} else 1  # of other machines, whose scores stay
        return Calibration(before.alpha, before.rounding, together, folds, machines)

    def check(self, before: Calibration, own_alpha: float) -> None:
        """Raises ValueError where rows are too few for alpha, or alpha may not change.

        Args:
            before: the old calibration, with the new alpha.
            own_alpha: its own.
        """
        if self.machine is not None and before.alpha != own_alpha:
            raise ValueError(
                f"expected the bundle's own alpha, {own_alpha:g}, for one machine: it is that of "
                f"all. Received: {before.alpha:g}. Calibrate all machines by it."
            )
        if self.names is None:
            check_alpha(before.alpha, self.rows)
        else:
            check_enough(before.alpha, self.names)

    def column_of(self, old: Manifest) -> str | None:
        """The column of machines in the new manifest."""
        return old.model.machine_column if self.machine is not None else self.column

    def earlier(self, old: Manifest) -> tuple[Recalibration, ...]:
        """Earlier recalibrations that still hold: those of other machines, whose scores stay."""
        if self.machine is None or old.calibration["fp32"].by_machine is None:
            return ()
        return tuple(made for made in old.recalibrated if made.machine != self.machine)
