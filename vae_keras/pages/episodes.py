"""Episodes: alarms that follow on each other, with the features to blame for the worst of them."""

import math
import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vae_keras._base.arrays import Array, Floats
from vae_runtime.bundle.manifest import RowSpec

from .axis import Axis
from .findings import Findings

JOIN = 3  # rows without an alarm that an episode may go on over
MOST = 40  # episodes that are explained, those with the highest scores
PLAIN = 1e-3, 1e7  # sizes of numbers that are written without an exponent
MOST_PLACES = 6
TOP = 3  # features of an episode
LEAST = 0.01  # of the nats of the feature that adds most, which a feature adds that is named
UNITS = (re.compile(r"\[([^\[\]]{1,12})\]"), re.compile(r"\(([^()]{1,12})\)\s*$"))


class Blame(NamedTuple):
    """Feature that raises a score: its name, the nats, the values received and expected."""

    feature: str
    nats: float
    received: str
    expected: str


@dataclass(frozen=True)
class Episode:
    """Alarms that follow on each other.

    `start` and `end` are as they came in: times, or numbers of rows of the file, a window being
    known by its last row; `rows` and
    `alarms` how many there are; `anomalies` how many are labelled so; `peak` is the number of the
    row with the highest score. `blame` is of that row, empty where an episode is not explained.
    """

    start: str
    end: str
    recording: str | None
    rows: int
    alarms: int
    anomalies: int
    peak: int
    score: float
    p_value: float
    blame: tuple[Blame, ...] = ()


@dataclass(frozen=True)
class Explained:
    """Rows that were explained: their numbers, nats and expected values, by feature.

    Args:
        rows: (explained,), numbers of the rows.
        names: of the features.
        nats: (explained, features).
        received, expected: (explained, features), of a window where they differ most.
    """

    rows: Array
    names: tuple[str, ...]
    nats: Floats
    received: Floats
    expected: Floats

    def loudest(self, count: int) -> list[int]:
        """Numbers of the features that add most to the scores of these rows together."""
        total = np.nan_to_num(np.clip(self.nats, 0, None), posinf=1e30).sum(axis=0)
        return np.argsort(-total, kind="stable")[:count].tolist()


def bounds_of(alarm: Array, broken: Array) -> tuple[Array, Array]:
    """First and last alarm of each episode, as numbers of rows.

    >>> alarm = np.array([1, 0, 1, 0, 0, 0, 0, 1], bool)
    >>> [each.tolist() for each in bounds_of(alarm, np.zeros(8, bool))]
    [[0, 7], [2, 7]]
    """
    rows, stretch = np.flatnonzero(alarm), np.cumsum(broken)
    if not len(rows):
        return rows, rows
    new = (np.diff(rows) > JOIN) | (np.diff(stretch[rows]) > 0)
    return rows[np.concatenate([[True], new])], rows[np.concatenate([new, [True]])]


def peaks_of(score: Floats, first: Array, last: Array) -> Array:
    """Number of the row with the highest score in each episode."""
    parts = zip(first.tolist(), last.tolist(), strict=True)
    return np.array([a + int(np.argmax(score[a : b + 1])) for a, b in parts], np.int64)


def explain(findings: Findings, rows: Array) -> Explained:
    """Explains rows by their features: columns of a table, channels of windows."""
    judge, x = findings.judge, findings.dataset.x[rows]
    nats, expected = judge.nats(x), judge.expect(x)
    names = feature_names(judge.spec)
    if x.ndim == 2:
        return Explained(rows, names, nats, x, expected)
    windows = x.reshape(len(x), -1, x.shape[-1]), expected.reshape(len(x), -1, x.shape[-1])
    if nats.ndim > 2:
        nats = nats.reshape(windows[0].shape).sum(axis=1)
    worst = np.abs(windows[0] - windows[1]).argmax(axis=1)[:, None]
    received, lacking = (np.take_along_axis(each, worst, axis=1)[:, 0] for each in windows)
    return Explained(rows, names, nats, received, lacking)


def episodes_of(findings: Findings, axis: Axis) -> tuple[tuple[Episode, ...], Explained | None]:
    """Episodes in their order; the highest are explained. Without alarms, the highest scores are.

    Images are each an episode, and have no features to name.
    """
    first, last = bounds_of(findings.alarm, axis.broken)
    peaks = peaks_of(findings.score, first, last)
    if findings.judge.is_image:
        explained = None
    else:
        among = peaks if len(peaks) else np.arange(len(findings.score))
        order = np.argsort(-findings.score[among], kind="stable")[:MOST]
        explained = explain(findings, np.sort(among[order]))
    bounds = zip(first.tolist(), last.tolist(), peaks.tolist(), strict=True)
    return tuple(_episode(findings, explained, *each) for each in bounds), explained


def feature_names(spec: RowSpec) -> tuple[str, ...]:
    """Names of a model's columns or channels; x0, x1 and so on where they have none."""
    return spec.feature_names or tuple(f"x{i}" for i in range(spec.input_shape[-1]))


def unit_of(name: str) -> str:
    """Unit in square brackets in a column's name, or in round ones at its end; else empty.

    >>> unit_of("bearing [°C]"), unit_of("pressure (bar)"), unit_of("flow")
    ('°C', 'bar', '')
    """
    found = [unit[1].strip() for pattern in UNITS if (unit := pattern.search(name))]
    return found[0] if found else ""


def side_by_side(one: float, other: float) -> tuple[str, str]:
    """Two numbers with digits enough to show by how much they differ.

    >>> side_by_side(101325.31, 101326.42)
    ('101325.3', '101326.4')
    """
    size, difference = max(abs(one), abs(other)), abs(one - other)
    if not PLAIN[0] <= size < PLAIN[1]:
        return f"{one:.4g}", f"{other:.4g}"
    places = 3 - math.floor(math.log10(size))
    if difference > 0:
        places = max(places, 1 - math.floor(math.log10(difference)))
    places = min(max(places, 0), MOST_PLACES)
    return f"{one:.{places}f}", f"{other:.{places}f}"


def _episode(
    findings: Findings, explained: Explained | None, first: int, last: int, peak: int
) -> Episode:
    inside, places = slice(first, last + 1), findings.dataset.places
    blame: tuple[Blame, ...] = ()
    if explained is not None:
        at = np.flatnonzero(explained.rows == peak)
        blame = _blame(findings.judge.spec, explained, int(at[0])) if len(at) else ()
    recording = findings.recording
    said = np.arange(len(findings.score))
    if places is not None:
        said = places.last if places.time is None else places.time
    return Episode(
        str(said[first]),
        str(said[last]),
        None if recording is None else str(recording[first]),
        last + 1 - first,
        int(findings.alarm[inside].sum()),
        int(findings.dataset.y[inside].sum()),
        peak,
        float(findings.score[peak]),
        float(findings.p_value[peak]),
        blame,
    )


def _blame(spec: RowSpec, explained: Explained, row: int) -> tuple[Blame, ...]:
    """The features that add most to a row, with values; of a one-hot group the names of its 1s."""
    nats, numbers = explained.nats[row], len(explained.names) - sum(spec.one_hot)
    starts = numbers + np.cumsum([0, *spec.one_hot])
    found = []
    for i in np.argsort(-nats, kind="stable")[:TOP].tolist():
        if not nats[i] > LEAST * max(float(nats.max()), 0.0):
            break
        name = explained.names[i]
        values = float(explained.received[row, i]), float(explained.expected[row, i])
        if i < numbers:
            said = [f"{text} {unit_of(name)}".strip() for text in side_by_side(*values)]
        else:
            group = np.searchsorted(starts, i, side="right") - 1
            span = slice(int(starts[group]), int(starts[group + 1]))
            expected = int(explained.expected[row, span].argmax()) + span.start
            said = [name, explained.names[expected]]
        found.append(Blame(name, float(nats[i]), *said))
    return tuple(found)
