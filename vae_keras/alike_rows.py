"""Rows that say less than others, as they are alike: windows that overlap, rows of a recording."""

import numpy as np

from vae_keras._base.arrays import Array, Arrays, Floats
from vae_runtime.verdicts import recordings
from vae_runtime.verdicts.recordings import RecordingAlarms

from .data import Dataset


def independent_share(x: Array, *, windows: bool) -> float:
    """Share of the test rows that are independent: of windows, as many as do not overlap.

    Counted by pairs of readings that follow on each other, as single ones may repeat by chance.

    Args:
        x: (rows, *input_shape).
        windows: whether rows are windows over a table: (rows, window, channels).
    """
    if not windows or not len(x) or x.ndim != 3 or x.shape[1] < 2:
        return 1.0
    pairs = np.concatenate([x[:, :-1], x[:, 1:]], axis=2).reshape(-1, 2 * x.shape[2])
    whole = np.ascontiguousarray(pairs).view(f"V{pairs.itemsize * pairs.shape[1]}")
    return len(np.unique(whole.ravel())) / len(pairs)


def recording_names(rows: Arrays) -> Array | None:
    """Name of each row's recording, with that of its machine, of rows as a run keeps them."""
    named, machines = rows.get("recording"), rows.get("machine")
    if named is None or machines is None or (named == machines).all():
        return named
    return np.char.add(np.char.add(machines, " "), named)


def alike_share(known: Floats, calibration: Arrays, test: Arrays, alpha: float) -> float:
    """Share of the test rows that count, as rows of a recording are alike; 1 without recordings.

    Args:
        known: scores of the calibration rows.
        calibration, test: as a run directory keeps them.
        alpha: the alarm level.
    """
    names, judged = recording_names(calibration), recording_names(test)
    if names is None or judged is None:
        return 1.0
    rows = judged[~test["y"]]
    return recordings.independent_share(known, names, alpha=alpha, rows=rows)


def alarms_by_the_others(
    known: Floats, calibration: Arrays, *, alpha: float, rounding: float
) -> dict[str, RecordingAlarms]:
    """False alarms of each recording that calibrates, by all others, of its own machine."""
    names, machines = recording_names(calibration), calibration.get("machine")
    if names is None:
        return {}
    each = [np.full(len(names), True)]
    if machines is not None:
        each = [machines == machine for machine in np.unique(machines)]
    return recordings.together(
        *(
            recordings.by_the_others(known[own], names[own], alpha=alpha, rounding=rounding)
            for own in each
        )
    )


def recordings_of(dataset: Dataset) -> Array | None:
    """Name of each row's recording, with that of its machine."""
    known = {"recording": dataset.recordings, "machine": dataset.machines}
    return recording_names({name: each for name, each in known.items() if each is not None})


def alike_share_of(score: Floats, dataset: Dataset, alpha: float) -> float:
    """Share of a data set's normal rows that count, as rows of a recording are alike."""
    names, normal = recordings_of(dataset), ~dataset.y
    if names is None:
        return 1.0
    own = names[normal]
    return recordings.independent_share(score[normal], own, alpha=alpha, rows=own)
