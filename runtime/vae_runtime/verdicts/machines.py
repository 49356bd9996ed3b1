"""Units of a fleet: machines of one kind and one model, each with a level of its own.

One threshold for all of them alarms often on the machines that score high, rarely on the others,
and keeps its promise on average only. Here each row is judged among the normal rows of its own
unit, so that each unit has a false-alarm rate of at most alpha (Mondrian conformal prediction).

Source: Vovk, Gammerman & Shafer 2005, "Algorithmic learning in a random world", section 4.5.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_runtime.bundle.consistency import LONGEST_UNIT
from vae_runtime.bundle.manifest import Calibration
from vae_runtime.bundle.texts import MOST_ENTRIES, check_texts
from vae_runtime.rows.arrays import as_array
from vae_runtime.rows.machine_names import names_of

from .alarms import Alarm, Verdicts
from .calibration import COUNTLESS_ROWS, check_alpha, rows_needed

SHOWN = 5  # units that an error names


def check_name(name: str) -> str:
    """The name of a unit, that errors and tables can print; ValueError where it is none."""
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_UNIT or name != name.strip():
        raise ValueError(
            f"expected the name of a unit as text of 1 to {LONGEST_UNIT} characters, without "
            f"spaces around. Received: {name!r:.60}."
        )
    check_texts(name, "units")
    return name


def by_unit(scores: NDArray[Any], names: NDArray[np.str_]) -> dict[str, NDArray[Any]]:
    """The scores of each unit: from (rows,), and the name of each row's unit.

    Raises:
        ValueError: there are more units than a bundle can hold, or a name is none.
    """
    units = np.unique(names)
    if len(units) > MOST_ENTRIES:
        raise ValueError(
            f"expected {MOST_ENTRIES:,} units at most. Received: {len(units):,}. Make a bundle for "
            "each part of the fleet."
        )
    return {check_name(str(unit)): scores[names == unit] for unit in units}


def ascending(scores: NDArray[Any], names: NDArray[np.str_]) -> dict[str, tuple[float, ...]]:
    """The same as `Calibration.units` has them."""
    return {unit: tuple(np.sort(part).tolist()) for unit, part in by_unit(scores, names).items()}


def check_enough(alpha: float, names: NDArray[np.str_], known: Sequence[str] = ()) -> None:
    """Raises ValueError where some unit has too few calibration rows for `alpha`; says which.

    Args:
        alpha: the alarm level.
        names: (rows,), the unit of each.
        known: units that must have some as well.
    """
    found = by_unit(np.zeros(len(names)), names)
    counts = dict.fromkeys(known, 0) | {unit: len(part) for unit, part in found.items()}
    short = [f"{n} of {unit}" for unit, n in counts.items() if 1 / (n + 1) > alpha]
    if short:
        check_alpha(alpha, COUNTLESS_ROWS)
        more = f" and {len(short) - SHOWN:,} units more" if len(short) > SHOWN else ""
        raise ValueError(
            f"alpha={alpha:g} needs at least {rows_needed(alpha)} calibration rows of each unit. "
            f"Received: {', '.join(short[:SHOWN])}{more}. Pass a larger alpha, or leave these "
            "units out."
        )


def of_unit(calibration: Calibration, unit: str) -> Calibration:
    """The calibration of one unit, by its own scores alone.

    Raises:
        ValueError: it has none; says which have.
    """
    units = calibration.units or {}
    if not isinstance(unit, str) or unit not in units:
        some = ", ".join(list(units)[:SHOWN])
        more = f" and {len(units) - SHOWN:,} more" if len(units) > SHOWN else ""
        known = f"one with {some}{more}" if units else "one without units"
        raise ValueError(
            f"expected a bundle that is calibrated for the unit {unit!r:.60}. Received: {known}. "
            "`vae-runtime calibrate BUNDLE ROWS --unit NAME -o NEW` adds one, from normal rows of "
            "it."
        )
    return replace(calibration, scores=units[unit], units=None)


class UnitVerdicts(Verdicts):
    """The same for one unit, whose name its errors say."""

    def __init__(self, calibration: Calibration, unit: str) -> None:
        super().__init__(of_unit(calibration, unit))
        self._unit = unit

    def alarm(
        self, alpha: float | None = None, threshold: float | None = None, fdr: float | None = None
    ) -> Alarm:
        """See `Verdicts.alarm`."""
        try:
            return super().alarm(alpha, threshold, fdr)
        except ValueError as error:
            raise ValueError(f"unit {self._unit!r}: {error}") from error


class Fleet:
    """The verdicts of each unit, made when they are first asked for. Threads may share it.

    Args:
        calibration: with units.
        only: the one unit whose rows there will be, if there is but one.
    """

    def __init__(self, calibration: Calibration, only: str | None = None) -> None:
        self._calibration, self._only = calibration, only
        self._made: dict[str, UnitVerdicts] = {}

    def of(self, unit: str) -> UnitVerdicts:
        """Those of one unit; ValueError where it has no calibration."""
        if unit not in self._made:
            self._made[unit] = UnitVerdicts(self._calibration, unit)
        return self._made[unit]

    def of_rows(self, names: ArrayLike, x: ArrayLike) -> "RowVerdicts":
        """Those on rows x (rows, ...) of the units of these names: (rows,)."""
        if self._only is not None:
            raise ValueError(
                f"expected no units in a runner that was loaded for {self._only!r}. Received: "
                "some. Load the bundle without a unit, to score rows of several."
            )
        shape = np.shape(as_array(x))
        if not shape or not shape[0]:
            raise ValueError(f"x: expected at least one row. Received: shape {shape}.")
        units, number, counts = np.unique(
            names_of(names, shape[0]), return_inverse=True, return_counts=True
        )
        rows = np.split(np.argsort(number, kind="stable"), np.cumsum(counts)[:-1])
        return RowVerdicts([self.of(str(unit)) for unit in units], rows)


class RowVerdicts:
    """What the scores of one call mean, each by its own unit's calibration.

    Args:
        units: the verdicts of each unit that has rows.
        rows: for each of them, the numbers of its rows.
    """

    def __init__(self, units: list[UnitVerdicts], rows: list[NDArray[np.int64]]) -> None:
        self._units, self._rows = units, rows

    def alarm(
        self, alpha: float | None = None, threshold: float | None = None, fdr: float | None = None
    ) -> Alarm:
        """One rule for all rows, which each of the units can keep; see `Verdicts.alarm`."""
        *_, alarm = (unit.alarm(alpha, threshold, fdr) for unit in self._units)
        return alarm

    def p_values(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """P-values (rows,) of scores (rows,)."""
        p = np.empty(len(scores))
        for unit, rows in zip(self._units, self._rows, strict=True):
            p[rows] = unit.p_values(scores[rows])
        return p
