"""Drift test: tells when scores are no longer distributed as those of the calibration rows.

Each score is ranked among those of the calibration rows and all that came before it, ties broken
at random. While nothing changes, these ranks are independent and uniform on (0, 1), exactly and
whatever the scores' distribution. A change makes them small (scores rise), large (they sink),
middling (they stand still) or extreme (they scatter). For each such alternative there is a bet

    f(p) = 1 + a * (2p - 1) + b * (6 (p - 1/2)^2 - 1/2),

never negative and 1 on average while p is uniform, and the Shiryaev-Roberts sum of its winnings
over all rows at which the change might have begun, R <- (1 + R) * f(p). Their mean M has the
property that M - (rows so far) is a martingale, so the mean number of rows until M reaches c is c
or more: an alarm at M >= c is false once in c rows, or less often. Years of normal rows do not hide
a change.

Source: Vovk et al. 2021, "Retrain or not retrain: conformal test martingales for change-point
detection"; Shiryaev 1963; Pollak 1985 for mixtures. The slack once ranks stop being exact: Shaer et
al. 2026, "Testing for distribution shifts with conditional conformal test martingales".
"""

import math
import sys
from array import array
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.arguments import count, number, whole
from vae_runtime.bundle.manifest import Calibration
from vae_runtime.verdicts.calibration import SCORE_RTOL

# (a, b) of each bet: scores that rise or sink by little or by much; stand still; scatter.
BETS = (
    *((-0.2, 0.0), (0.2, 0.0), (-0.5, 0.0), (0.5, 0.0)),
    *((-1.0, 0.2), (1.0, 0.2), (-1.6, 0.9), (1.6, 0.9)),
    *((0.0, -0.4), (0.0, -0.9), (0.0, 0.6), (0.0, 1.8)),
)

# By how many standard errors of a full reference the mean of a bet may be above 1 by chance.
DEVIATIONS = 4.0

LARGEST = sys.float_info.max  # stands for infinity, which JSON cannot say, and for NaN

_A, _B = np.array(BETS).T
_MASK = 2**64 - 1


@dataclass(frozen=True)
class DriftSettings:
    """Settings of the drift test.

    Args:
        rows_between_false_alarms: how many rows of unchanged data pass between two false alarms,
            on average and at least. Ten times as many make an alarm come an eighth later or so.
        spacing: rows from the start of one tested example to that of the next; as many as an
            example has where None, so that none overlap. More where rows resemble those before.
        capacity: scores that new ones are ranked among, at most; 8 bytes each.
        seed: of the random order of tied scores.

    >>> stream = StreamScorer(runner, drift=DriftSettings(rows_between_false_alarms=1e6))
    >>> stream.settings.drift.capacity
    10000
    """

    rows_between_false_alarms: float = 1e8
    spacing: int | None = None
    capacity: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        rows = number("rows_between_false_alarms", self.rows_between_false_alarms)
        if not 1 <= rows < math.inf:
            raise ValueError(f"expected rows_between_false_alarms from 1. Received: {rows}.")
        plain = {  # as JSON can say them, whatever kind of number they came as
            "rows_between_false_alarms": rows,
            "capacity": count("a capacity", self.capacity, least=1),
            "seed": whole("a seed", self.seed, least=0, most=_MASK),
        }
        if self.spacing is not None:
            plain["spacing"] = count("a spacing in rows", self.spacing, least=1)
        for name, value in plain.items():
            object.__setattr__(self, name, value)


class Drift(NamedTuple):
    """Evidence of drift so far.

    `noticed` is whether there was an alarm; `evidence` is 1 or more from then on, and its share of
    that before. `since` is the row at which the change most likely began; None before any row.

    >>> stream = StreamScorer(runner, drift=DriftSettings())
    >>> results = stream.push(x)
    >>> stream.drift.noticed
    False
    """

    noticed: bool
    evidence: float
    since: int | None


@dataclass(frozen=True)
class DriftState:
    """Memory of a `DriftTest`, without its calibration scores and settings."""

    tested: int
    added: tuple[float, ...]
    evidence: tuple[float, ...]
    gain: tuple[float, ...]
    since: tuple[int, ...]
    noticed: bool


_BLANK = DriftState(0, (), (0.0,) * len(BETS), (0.0,) * len(BETS), (0,) * len(BETS), False)


class DriftTest:
    """Looks for drift in a sequence of scores; memory is bounded by `capacity`.

    The reference grows from the n calibration scores to `capacity`, then stays. While it grows, the
    promise holds exactly for exchangeable scores; but scores after a change are learnt with the
    others, so that a small change is noticed only if there were enough rows before it. Once it is
    full, ranks are as uniform as `capacity` scores can tell; each bet is divided by the most that
    its mean may be above 1 (`DEVIATIONS` standard errors). That keeps the promise, and costs that a
    mean rank off by less than 1.2 / sqrt(capacity) is never noticed: 4 % of the scores' standard
    deviation at 10,000. After an alarm nothing more is learnt or tested.

    Args:
        calibration: the bundle's scores of normal rows; all are kept, `capacity` or more.
        settings: how drift is looked for.
        spacing: rows from one tested score to the next.
    """

    _tested: int
    _noticed: bool
    _added: "array[float]"
    _reference: "array[float]"
    _evidence: NDArray[np.float64]
    _gain: NDArray[np.float64]
    _since: NDArray[np.int64]

    def __init__(
        self, calibration: Calibration, settings: DriftSettings, *, spacing: int = 1
    ) -> None:
        self._calibration, self._settings = calibration, settings
        self._limit = max(settings.rows_between_false_alarms / spacing, 1.0)
        self._slack = _slack(max(settings.capacity, len(calibration.scores)))
        self._room = max(settings.capacity - len(calibration.scores), 0)
        self._restore(_BLANK)

    def reset(self) -> None:
        """Forgets all scores but those of calibration, and all evidence."""
        self._restore(_BLANK)

    @property
    def noticed(self) -> bool:
        """True from the alarm on."""
        return self._noticed

    @property
    def drift(self) -> Drift:
        """Evidence of drift so far."""
        best = int(self._evidence.argmax())
        since = int(self._since[best]) if self._tested else None
        return Drift(self._noticed, float(self._evidence.mean()) / self._limit, since)

    def update(self, score: float, row: int) -> bool:
        """Takes the next score; True where drift has been noticed, now or before.

        Args:
            score: nats. A NaN counts as the highest score there is.
            row: the number of its row, for `drift.since`.
        """
        if self._noticed:
            return True
        score = LARGEST if math.isnan(score) else min(max(score, -LARGEST), LARGEST)
        winnings = self._winnings(self._rank(score))
        self._evidence = (1.0 + self._evidence) * winnings
        self._since[self._gain <= 0] = row
        self._gain = np.maximum(self._gain, 0.0) + np.log(winnings)
        self._noticed = bool(self._evidence.mean() >= self._limit)
        self._tested += 1
        if len(self._added) < self._room:
            insort(self._reference, score)
            self._added.append(score)
        return self._noticed

    def state(self) -> DriftState:
        """State from which `restore` goes on as if there had been no stop."""
        evidence, gain = self._evidence.tolist(), self._gain.tolist()
        since, added = tuple(self._since.tolist()), tuple(self._added)
        return DriftState(self._tested, added, tuple(evidence), tuple(gain), since, self._noticed)

    def restore(self, state: DriftState) -> None:
        """Goes on from a state of a test with the same calibration and settings.

        Raises:
            ValueError: it cannot be one.
        """
        tested = min(state.tested, self._room)
        if {len(state.evidence), len(state.gain), len(state.since)} != {len(BETS)}:
            raise ValueError(f"state: expected evidence of {len(BETS)} bets.")
        if len(state.added) != tested:
            raise ValueError(
                f"state: expected the scores of {tested} rows. Received: {len(state.added)}."
            )
        if min(state.evidence) < 0 or min(state.since) < 0:
            raise ValueError("state: expected evidence and rows from 0. Received: less.")
        self._restore(state)

    def _restore(self, state: DriftState) -> None:
        self._tested, self._noticed = state.tested, state.noticed
        self._added = array("d", state.added)
        self._reference = array("d", sorted([*self._calibration.scores, *state.added]))
        self._evidence = np.array(state.evidence)
        self._gain = np.array(state.gain)
        self._since = np.array(state.since, np.int64)

    def _rank(self, score: float) -> float:
        """Share of scores that are higher, those tied with this one in random order."""
        tie = self._calibration.rounding + SCORE_RTOL * abs(score)
        low = bisect_left(self._reference, score - tie)
        high = bisect_right(self._reference, score + tie)
        n, chance = len(self._reference), _uniform(self._settings.seed, self._tested)
        return (n - high + chance * (high - low + 1)) / (n + 1)

    def _winnings(self, p: float) -> NDArray[np.float64]:
        """Winnings of each bet at this rank, (bets,)."""
        winnings: NDArray[np.float64] = 1 + _A * (2 * p - 1) + _B * (6 * (p - 0.5) ** 2 - 0.5)
        return winnings if len(self._added) < self._room else winnings / (1 + self._slack)


def _slack(n: int) -> NDArray[np.float64]:
    """Slack of each bet: how far above 1 its mean may be with ranks among n fixed scores.

    The terms of a and b have variance 1/3 and 1/5 under uniform p and are uncorrelated.
    """
    slack: NDArray[np.float64] = DEVIATIONS * np.sqrt((_A**2 / 3 + _B**2 / 5) / n)
    return slack


def _uniform(seed: int, count: int) -> float:
    """Pseudo-random number in [0, 1): SplitMix64 (Steele, Lea & Flood 2014) of a counter.

    Unlike a generator, it has no state to save beside the counter.
    """
    z = (seed * 0xD1342543DE82EF95 + (count + 1) * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return float((z ^ (z >> 31)) >> 11) * 2.0**-53
