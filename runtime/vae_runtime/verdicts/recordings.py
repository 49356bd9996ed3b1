"""False alarms of each recording, and how many rows count where rows of a recording are alike.

Rows of one recording rise and fall together: a mean of a thousand of them, all from three
recordings, says what three recordings say. With an intraclass correlation rho of scores, m rows of
a recording count as m / (1 + (m - 1) rho) independent ones (Kish's design effect).

Source: Kish 1965, "Survey sampling", section 5.4; rho is estimated by the analysis of variance.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .calibration import p_values, rows_needed

Floats = NDArray[np.floating]
Names = NDArray[np.str_]


@dataclass(frozen=True)
class RecordingAlarms:
    """Alarms on the normal rows of one recording."""

    normal_rows: int
    false_alarms: int

    @property
    def rate(self) -> float:
        """Share of its normal rows that alarm."""
        return self.false_alarms / self.normal_rows


def by_recording(alarm: NDArray[np.bool_], names: Names) -> dict[str, RecordingAlarms]:
    """Counts the alarms on normal rows, (rows,), of each recording, by their names (rows,).

    >>> by_recording(np.array([True, False, False]), np.array(["a", "a", "b"]))["a"]
    RecordingAlarms(normal_rows=2, false_alarms=1)
    """
    found, number = np.unique(names, return_inverse=True)
    rows, alarms = np.bincount(number), np.bincount(number, weights=alarm)
    each = zip(found.tolist(), rows.tolist(), alarms.tolist(), strict=True)
    return {name: RecordingAlarms(n, int(k)) for name, n, k in each}


def by_the_others(
    scores: Floats, names: Names, *, alpha: float, rounding: float
) -> dict[str, RecordingAlarms]:
    """Counts the alarms on each recording by a threshold that all other recordings set.

    So a recording among those that calibrate is judged as a new one would be. One whose others have
    too few rows for `alpha` is left out.

    Args:
        scores: (rows,) of normal rows, each by a model that did not see the row's recording.
        names: (rows,), of their recordings.
        alpha: the alarm level.
        rounding: nats within which scores are tied.
    """
    alarm, judged = np.zeros(len(scores), bool), np.zeros(len(scores), bool)
    for name in np.unique(names):
        own = names == name
        if np.count_nonzero(~own) >= rows_needed(alpha):
            judged |= own
            alarm[own] = p_values(scores[own], np.sort(scores[~own]), rounding) <= alpha
    return by_recording(alarm[judged], names[judged])


def together(*counts: Mapping[str, RecordingAlarms]) -> dict[str, RecordingAlarms]:
    """Adds up counts of several sets; a recording may have rows in more than one."""
    names = sorted({name for each in counts for name in each})
    none = RecordingAlarms(0, 0)
    return {
        name: RecordingAlarms(
            sum(each.get(name, none).normal_rows for each in counts),
            sum(each.get(name, none).false_alarms for each in counts),
        )
        for name in names
    }


def independent_share(scores: Floats, names: Names, *, alpha: float, rows: Names) -> float:
    """Share of rows that count as independent, from 0 to 1.

    Args:
        scores: (n,) of normal rows of several recordings, from which is estimated how alike rows of
            a recording are; of a single recording nothing is known, and all count.
        names: (n,), of their recordings.
        alpha: the alarm level: rows may be alike in how high they score, or in whether they alarm.
        rows: (m,), names of the recordings of the rows that are asked about.
    """
    if not len(rows) or len(np.unique(names)) < 2:
        return 1.0
    ranks = np.unique(scores, return_inverse=True)[1].astype(float)
    alarms = (scores > np.quantile(scores, 1 - alpha)).astype(float)
    rho = max(correlation(ranks, names), correlation(alarms, names))
    counts = np.unique(rows, return_counts=True)[1]
    size = float((counts**2).sum() / counts.sum())  # rows of the recording that a row is of
    return 1 / (1 + (size - 1) * rho)


def correlation(values: Floats, names: Names) -> float:
    """Intraclass correlation of values (rows,) within groups of these names, from 0 to 1."""
    number = np.unique(names, return_inverse=True)[1]
    sizes = np.bincount(number)
    groups, rows = len(sizes), len(values)
    if groups < 2 or rows <= groups:
        return 0.0
    means = np.bincount(number, weights=values) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum() / (groups - 1))
    within = float(((values - means[number]) ** 2).sum() / (rows - groups))
    usual = (rows - (sizes**2).sum() / rows) / (groups - 1)
    whole = between + (usual - 1) * within
    return 0.0 if whole <= 0 else float(min(max((between - within) / whole, 0.0), 1.0))


def describe(counts: Mapping[str, RecordingAlarms]) -> str:
    """Describes the spread of false alarms over recordings in a phrase; empty without any.

    >>> describe({"a": RecordingAlarms(200, 2), "b": RecordingAlarms(200, 25)})
    'by recording: 1.0 % to 12.5 %, median 6.8 %; worst b'
    """
    rates = {name: each.rate for name, each in counts.items() if each.normal_rows}
    if not rates:
        return ""
    low, middle, high = (100 * float(f(list(rates.values()))) for f in (min, np.median, max))
    if len(rates) == 1:
        return f"by recording: {high:.1f} % of the one there is, {next(iter(rates))}"
    worst = max(rates, key=lambda name: rates[name])
    spread = f"by recording: {low:.1f} % to {high:.1f} %, median {middle:.1f} %"
    return spread if low == high else f"{spread}; worst {worst}"
