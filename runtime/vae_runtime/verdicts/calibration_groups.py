"""Whose rows a bundle is calibrated on: those of several units, of one, or nobody's."""

import heapq
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_runtime.bundle.manifest import Calibration, Manifest, Recalibration
from vae_runtime.bundle.texts import check_texts
from vae_runtime.rows.machine_names import names_of

from .calibration import check_alpha
from .machines import by_unit, check_enough, check_name


class Whose(NamedTuple):
    """Whose rows they are.

    `rows` is how many. `unit` is one unit, which all are of; `names` the unit of each, which tables
    have in `column`; all None where nobody asks.
    """

    rows: int
    unit: str | None = None
    column: str | None = None
    names: NDArray[np.str_] | None = None

    @classmethod
    def of(cls, units: str | Mapping[str, ArrayLike] | None, rows: int) -> "Whose":
        """Reads the argument of `recalibrate`; ValueError for anything else."""
        if units is None:
            return cls(rows)
        if isinstance(units, str):
            return cls(rows, unit=check_name(units))
        if not isinstance(units, Mapping) or len(units) != 1:
            raise ValueError(
                "expected units as the name of one, or as {column: a name for each row}. Received: "
                f"{units!r:.60}."
            )
        ((column, values),) = units.items()
        check_texts(column, "the column of units")
        return cls(rows, column=column, names=names_of(values, rows))

    def parts(self, scores: NDArray[np.float32]) -> dict[str | None, NDArray[np.float32]]:
        """The scores (rows,) that set each threshold, by whose it is."""
        if self.names is None:
            return {self.unit: scores}
        return dict(by_unit(scores, self.names).items())

    def calibration(self, before: Calibration, scores: NDArray[np.float32]) -> Calibration:
        """New calibration, without what the old one says of its own rows."""
        found = {unit: tuple(np.sort(part).tolist()) for unit, part in self.parts(scores).items()}
        if None in found:
            return Calibration(before.alpha, before.rounding, found[None])
        own = {unit: part for unit, part in found.items() if unit is not None}
        kept = {} if self.unit is None else (before.units or {})
        units = dict(sorted({**kept, **own}.items()))
        together = tuple(heapq.merge(*units.values()))
        folds = before.folds if {*kept} - {*own} else 1  # of other units, whose scores stay
        return Calibration(before.alpha, before.rounding, together, folds, units)

    def check(self, before: Calibration, own_alpha: float) -> None:
        """Raises ValueError for rows too few for the alpha of `before`, or an alpha not to change.

        Args:
            before: the old calibration, with the new alpha.
            own_alpha: its own.
        """
        if self.unit is not None and before.alpha != own_alpha:
            raise ValueError(
                f"expected the bundle's own alpha, {own_alpha:g}, for one unit: it is that of all. "
                f"Received: {before.alpha:g}. Calibrate all units by it."
            )
        if self.names is None:
            check_alpha(before.alpha, self.rows)
        else:
            check_enough(before.alpha, self.names)

    def column_of(self, old: Manifest) -> str | None:
        """The column of units in the new manifest."""
        return old.model.unit if self.unit is not None else self.column

    def earlier(self, old: Manifest) -> tuple[Recalibration, ...]:
        """What was said of the rows that stay, those of other units."""
        if self.unit is None or old.calibration["fp32"].units is None:
            return ()
        return tuple(made for made in old.recalibrated if made.unit != self.unit)
