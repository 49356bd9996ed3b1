"""Scorer of a live sensor: samples go in one by one, results come out as windows complete.

The windows and verdicts are those of a table of the same samples that is scored in one go.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_runtime._base.arguments import count, number
from vae_runtime.rows.arrays import RowCheck
from vae_runtime.runner import Runner

from .drift import Drift, DriftSettings, DriftTest
from .sample_times import gaps_before, sample_times
from .settings import StreamSettings, check_settings, gap_of, windowing
from .state import (
    StreamState,
    as_json,
    check_fits,
    cut_of,
    fingerprint,
    parse,
    pending_of,
)
from .windower import WindowerState, cut


class StreamResult(NamedTuple):
    """Result of a window, or of a row where a model takes single rows.

    Rows are counted from 0, the first sample that a stream took. `time` is that of the last row,
    None where no times are given. `score`, `p_value` and `is_anomaly` are as in `Scores`. `drift`
    is whether scores are no longer distributed as they were: from the result at which this was
    noticed until `reset`.

    >>> [result] = StreamScorer(runner).push(x[7], time=0.5)
    >>> result.last_row, result.time, result.is_anomaly
    (0, 0.5, True)
    """

    first_row: int
    last_row: int
    time: float | None
    score: float
    p_value: float
    is_anomaly: bool
    drift: bool


class StreamScorer:
    """Scores a live sensor. Not to be shared between threads; memory is bounded for ever.

    Args:
        runner: of the bundle.
        window: samples in a window; the model's own, and no other.
        stride: samples between the starts of two windows; the model's own where None.
        period: usual seconds between two samples; with it each sample needs a time.
        longest_step: seconds between two samples above which some were lost: no window spans such a
            gap. By default 3.5 periods, or where no period is given what the bundle says of the
            rows that it was trained on. Where nothing is known, `gap` must tell of gaps.
        alpha: alarm where p_value <= alpha; the bundle's own level where not given.
        threshold: alarm where score > threshold (nats) instead.
        drift: how drift is looked for; not at all where None. Its promise about false alarms needs
            a `spacing` at which scores are uncorrelated (`uncorrelated_spacing`).

    Raises:
        ValueError: the model cannot take such windows, or a setting is out of range.

    >>> stream = StreamScorer(runner, period=0.1)
    >>> for sample, seconds in zip(x[5:], [0.0, 0.1, 0.2]):
    ...     for result in stream.push(sample, seconds):
    ...         print(result.last_row, result.is_anomaly)
    0 False
    1 True
    2 True
    """

    def __init__(
        self,
        runner: Runner,
        *,
        window: int | None = None,
        stride: int | None = None,
        period: float | None = None,
        longest_step: float | None = None,
        alpha: float | None = None,
        threshold: float | None = None,
        drift: DriftSettings | None = None,
    ) -> None:
        if not isinstance(runner, Runner):
            raise ValueError(f"expected a Runner. Received: {runner!r:.60}.")
        if drift is not None and not isinstance(drift, DriftSettings):
            raise ValueError(f"expected drift as DriftSettings(...). Received: {drift!r:.60}.")
        model, calibration = runner.manifest.model, runner.calibration
        window, stride = windowing(model, _rows("window", window), _rows("stride", stride))
        levels = (_number("alpha", alpha), _number("threshold", threshold))
        period = _number("a period in seconds", period)
        self.settings = StreamSettings(window, stride, period, *levels, drift)
        self.longest_step = gap_of(model, period, _number("a gap in seconds", longest_step))
        check_settings(self.settings, calibration)
        self._runner = runner
        self._test = (
            None if drift is None else DriftTest(calibration, drift, spacing=self.settings.spacing)
        )
        shape = model.input_shape if model.stride is None else model.input_shape[1:]
        self._check = RowCheck(
            replace(model, input_shape=shape), allow_missing=runner.expects_missing
        )
        self._cut = WindowerState(0, 0, np.empty((0, *shape), model.input_dtype))
        self._scored = np.empty((0, *model.input_shape), model.input_dtype)
        self._time: float | None = None
        self._untested_until = 0
        self.pushed = 0  # samples that this object has taken, whatever state it went on from

    @property
    def scored(self) -> NDArray[Any]:
        """Windows or rows that the results of the last push are of: (results, *input_shape).

        >>> stream = StreamScorer(runner)
        >>> len(stream.push(x)), stream.scored.shape
        (8, (8, 6))
        """
        return self._scored

    @property
    def drift(self) -> Drift | None:
        """Evidence of drift so far; None where it is not looked for.

        >>> StreamScorer(runner, drift=DriftSettings()).drift.noticed
        False
        """
        return None if self._test is None else self._test.drift

    @property
    def time(self) -> float | None:
        """Time of the last sample, in seconds; None without times, and after a gap.

        >>> stream = StreamScorer(runner)
        >>> results = stream.push(x[:2], time=[0.0, 0.1])
        >>> stream.time
        0.1
        """
        return self._time

    def push(self, x: ArrayLike, time: ArrayLike | None = None) -> list[StreamResult]:
        """Takes the next sample or samples; gives the results of the windows they complete.

        Args:
            x: one sample (channels,), or some (rows, channels), in the data's own units.
            time: seconds of the sample, or (rows,). Equal times are of samples that follow on each
                other; where time goes back a clock was set, and no window spans that.

        Raises:
            ValueError: a sample or a time does not fit. Then nothing of this push was taken, and
                the stream is as it was before.

        >>> stream = StreamScorer(runner)
        >>> [result.is_anomaly for result in stream.push(x[5:])]
        [False, True, True]
        """
        samples = self._samples(x)
        settings = self.settings
        times = sample_times(time, len(samples), needed=settings.period is not None)
        gap = gaps_before(times, len(samples), last=self._time, longest=self.longest_step)
        windows, after = cut(
            self._cut, samples, gap, window=settings.window, stride=settings.stride
        )
        scored = windows.x.reshape(-1, *self._runner.manifest.model.input_shape)
        verdicts = self._verdicts(scored)
        last_row = windows.first_row + settings.window - 1
        at = [None] * len(scored) if times is None else times[last_row - self._cut.rows].tolist()
        self._cut, self._scored, self.pushed = after, scored, self.pushed + len(samples)
        self._time = self._time if times is None else float(times[-1])
        found = zip(windows.first_row.tolist(), last_row.tolist(), at, *verdicts, strict=True)
        return [
            StreamResult(first, last, seconds, score, p, alarm, self._test_drift(first, score))
            for first, last, seconds, score, p, alarm in found
        ]

    def gap(self) -> None:
        """Marks a gap, where samples were lost: no window spans it, and time may begin anew.

        >>> stream = StreamScorer(runner, period=0.1)
        >>> results = stream.push(x[0], time=60.0)
        >>> stream.gap()
        >>> results = stream.push(x[1], time=0.0)
        """
        self._cut, self._time = self._cut.anew(), None

    def skip(self, time: float | None = None) -> None:
        """Counts a sample that cannot be used, as a row: no window is over it.

        Args:
            time: seconds of the sample; None where it is not known.

        >>> stream = StreamScorer(runner)
        >>> stream.skip()
        >>> [result.first_row for result in stream.push(x[0])]
        [1]
        """
        if time is not None:
            at = sample_times(time, 1, needed=True)
            found = gaps_before(at, 1, last=self._time, longest=self.longest_step)
            self._cut = self._cut.anew() if found[0] else self._cut
            self._time = float(time)
        self._cut = self._cut.skip(self.settings.stride)

    def reset(self) -> None:
        """Forgets window, time and all evidence of drift, as after a repair. Rows count on.

        >>> stream = StreamScorer(runner)
        >>> results = stream.push(x)
        >>> stream.reset()
        >>> [result.first_row for result in stream.push(x[0])]
        [8]
        """
        self.gap()
        self._untested_until = 0
        if self._test is not None:
            self._test.reset()

    def state(self) -> dict[str, Any]:
        """State from which `restore` goes on as if there had been no stop, as JSON can say it.

        >>> import json
        >>> text = json.dumps(StreamScorer(runner).state())
        >>> StreamScorer(runner).restore(json.loads(text))
        """
        return as_json(
            StreamState(
                fingerprint(self._runner.manifest, self._runner.calibration),
                self.settings,
                self._cut.rows,
                self._cut.start,
                pending_of(self._cut),
                self._time,
                self._untested_until,
                None if self._test is None else self._test.state(),
            )
        )

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from the state of another stream, and then gives the results that it would give.

        Raises:
            ValueError: it is of another bundle, of other settings, or not a state. Then this
                stream is as it was before.

        >>> before, after = StreamScorer(runner), StreamScorer(runner)
        >>> results = before.push(x)
        >>> after.restore(before.state())
        >>> [result.first_row for result in after.push(x[0])]
        [8]
        """
        found = parse(state)
        bundle = fingerprint(self._runner.manifest, self._runner.calibration)
        check_fits(found, bundle, self.settings)
        resumed = cut_of(found, self._cut.pending[:0])
        if len(resumed.pending):
            self._check(resumed.pending)
        if self._test is not None and found.drift is not None:
            self._test.restore(found.drift)
        self._cut, self._time = resumed, found.time
        self._untested_until, self._scored = found.untested_until, self._scored[:0]

    def _samples(self, x: ArrayLike) -> NDArray[Any]:
        samples = self._check.as_array(x)
        shape = self._cut.pending.shape[1:]
        return self._check(samples[None], None) if samples.shape == shape else self._check(samples)

    def _verdicts(self, scored: NDArray[Any]) -> list[list[Any]]:
        """Scores, p-values and alarms of windows or rows, which may be none."""
        if not len(scored):
            return [[], [], []]
        settings = self.settings
        scores = self._runner.score(scored, alpha=settings.alpha, threshold=settings.threshold)
        return [column.tolist() for column in scores]

    def _test_drift(self, first_row: int, score: float) -> bool:
        """Tests for drift, without windows that overlap a tested one; True where it was noticed."""
        if self._test is None:
            return False
        if first_row < self._untested_until:
            return self._test.noticed
        self._untested_until = first_row + self.settings.spacing
        return self._test.update(score, first_row)


def _number(name: str, value: object) -> float | None:
    """Number as JSON can say it, whatever its type; None for None."""
    return None if value is None else number(name, value)


def _rows(name: str, value: object) -> int | None:
    """Number of rows as a whole number; None for None. `live.settings` checks the rest."""
    return None if value is None else count(f"a {name}", value)
