"""Findings of an evaluation: scores and alarms of each row, and what follows from them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vae_keras._base.arrays import Array, Floats
from vae_keras.data import Dataset, evaluation_rows
from vae_keras.run import Metrics
from vae_runtime.verdicts.alarms import Verdicts
from vae_runtime.verdicts.calibration import rows_needed, threshold
from vae_runtime.verdicts.machines import Fleet

from .judge import Judge, noun_of

LEVELS = (0.01, 0.05, 0.1)  # alphas of which a page says what they would find


@dataclass(frozen=True)
class Level:
    """Alarms that a level would raise; None where there are no rows of a kind.

    `rows_needed` is how many calibration rows it takes, where there are too few for it.
    """

    alpha: float
    false_alarms: int | None
    false_alarm_rate: float | None
    detections: int | None
    detection_rate: float | None
    rows_needed: int | None = None


@dataclass(frozen=True)
class RecordingAlarms:
    """Alarms in one recording; the rate is that of false alarms, None without normal rows."""

    name: str
    rows: int
    anomalies: int
    alarms: int
    false_alarms: int
    detections: int
    false_alarm_rate: float | None


@dataclass(frozen=True)
class Scored:
    """Scores of rows as a chart shows them.

    Args:
        score: (rows,) nats.
        alarm, y: bool (rows,), alarms and labelled anomalies.
        usual: lowest and highest score of the calibration rows.
        threshold: score above which a row alarms; None where machines have their own.
        noun: word for one of the rows.
    """

    score: Floats
    alarm: Array
    y: Array
    usual: tuple[float, float]
    threshold: float | None
    noun: str


@dataclass(frozen=True)
class Findings:
    """Verdicts on labelled rows.

    Args:
        judge: of the rows.
        dataset: the rows.
        metrics: as `vae_keras.evaluate` has them.
        score: (rows,) nats.
        p_value: (rows,).
        alarm: bool (rows,).
    """

    judge: Judge
    dataset: Dataset
    metrics: Metrics
    score: Floats
    p_value: Floats
    alarm: Array

    @property
    def noun(self) -> str:
        """Word for one of the rows."""
        return noun_of(self.judge.spec)

    @property
    def threshold(self) -> float | None:
        """Score above which a row alarms, in nats; None where machines have their own."""
        calibration = self.judge.calibration
        if self.dataset.machines is not None:
            return None
        return threshold(np.array(calibration.scores), calibration.alpha)

    @property
    def scored(self) -> Scored:
        """Scores, alarms and labels, to be drawn."""
        known = self.judge.calibration.scores
        usual = known[0], known[-1]
        return Scored(self.score, self.alarm, self.dataset.y, usual, self.threshold, self.noun)

    @cached_property
    def recording(self) -> Array | None:
        """The name of each row's recording, or None."""
        return None if self.dataset.places is None else self.dataset.places.recording

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """False alarms and detections at each of `LEVELS`, and at the model's own level."""
        own = self.judge.calibration.alpha
        return tuple(self._level(alpha) for alpha in sorted({*LEVELS, own}))

    @cached_property
    def recordings(self) -> tuple[RecordingAlarms, ...]:
        """Alarms of each recording, in the order in which they come; empty without recordings."""
        if self.recording is None:
            return ()
        names, first, number = np.unique(self.recording, return_index=True, return_inverse=True)
        return tuple(
            _alarms_in(str(names[i]), self.alarm[number == i], self.dataset.y[number == i])
            for i in np.argsort(first)
        )

    def _level(self, alpha: float) -> Level:
        needed, y = rows_needed(alpha), self.dataset.y
        if self.metrics.calibration_rows < needed:
            return Level(alpha, None, None, None, None, needed)
        alarm = self.p_value <= alpha
        return Level(alpha, *_count(alarm[~y]), *_count(alarm[y]))


def find(judge: Judge, dataset: Dataset, metrics: Metrics) -> Findings:
    """Judges rows again, one by one, as `vae_keras.evaluate` judged all of them together."""
    dataset = evaluation_rows(dataset)
    score = np.asarray(judge.score(dataset.x))
    if dataset.machines is None:
        p_value = Verdicts(judge.calibration).p_values(score)
    else:
        p_value = Fleet(judge.calibration).of_rows(dataset.machines, score).p_values(score)
    alarm = p_value <= judge.calibration.alpha
    return Findings(judge, dataset, metrics, score, p_value, alarm)


def _count(alarm: Array) -> tuple[int | None, float | None]:
    return (int(alarm.sum()), float(alarm.mean())) if len(alarm) else (None, None)


def _alarms_in(name: str, alarm: Array, y: Array) -> RecordingAlarms:
    false, rate = _count(alarm[~y])
    detections = int(alarm[y].sum())
    return RecordingAlarms(
        name, len(y), int(y.sum()), int(alarm.sum()), false or 0, detections, rate
    )
