"""Choice of the calibration that judges a row: that of its machine, or of all."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle.manifest import Calibration, Model
from vae_runtime.rows.names.missing_names import some
from vae_runtime.rows.names.name_texts import name_text

MACHINE_ADVICE = (
    "name the machine that all rows are of (--machine NAME), or the column that names it "
    "(--machine-column COLUMN; '' judges by all machines together, right on average over them)"
)


def resolve_machines(
    model: Model,
    calibration: Calibration,
    *,
    own: str | None,
    asked: str | None,
    names: Collection[str] | None = None,
) -> str | None:
    """The column that names each row's machine; None where all rows are judged alike.

    Args:
        model: of the bundle, with its own name of that column.
        calibration: of the bundle.
        own: the one machine that all rows are said to be of. The column is looked at where rows
            have it, see `check_own`, as they need not say so.
        asked: the column that was asked for; "" judges by all machines together.
        names: of the columns that there are, where they are known.

    Raises:
        ValueError: there is a column and no calibration by machine; or there is one, and nobody
            says whose the rows are: judged by all machines together, they would alarm more often
            than promised on some machines.
    """
    if own is not None:
        return model.machine_column if names is None or model.machine_column in names else None
    column = model.machine_column if asked is None else asked
    if calibration.by_machine is None:
        if column:
            raise ValueError(
                f"expected a bundle with machines, for the machine column {column!r} "
                "(--machine-column). Received: one without. `vae-runtime calibrate BUNDLE ROWS "
                "--machine-column COLUMN -o NEW` makes one."
            )
        return None
    if column is None:
        raise ValueError(
            "expected to be told whose rows these are, as the bundle has machines. "
            f"{MACHINE_ADVICE}."
        )
    return column or None


def check_own(machines: NDArray[np.str_], own: str, column: str | None, where: str = "") -> None:
    """Raises ValueError where rows that are said to be of one machine name another.

    Args:
        machines: (rows,), as their column says.
        own: the one machine.
        column: which says so, by name.
        where: begins the error.
    """
    others = np.unique(machines[machines != name_text(own)])
    if len(others):
        raise ValueError(
            f"{where}expected rows of {own} alone, as --machine says. Received: rows of "
            f"{some(others.tolist())}, as their {column!r} says. Leave --machine out, to judge "
            "each by its own, or leave out the rows of others."
        )
