"""Scorer of a live source's lines: JSON or CSV in, one JSON line a result.

An invalid line becomes a line that says so, and the stream goes on. State is kept in a
file where one is named, so that a process that was stopped goes on where it ended.
"""

import io
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from vae_runtime._base import arguments
from vae_runtime._base.interrupts import StopOnSignal
from vae_runtime.rows.text.dialect import Reading
from vae_runtime.rows.text.line_limit import bounded_lines, check_length, longest_line
from vae_runtime.rows.text.text_files import UTF8
from vae_runtime.runner import Runner

from .gap_monitor import Pace
from .line_times import LineTime
from .lines import LineReader, Sample
from .recoded import lines_of
from .state_file import StateFile
from .stream import StreamResult, StreamScorer

ONE_BYTE = ("latin-1", "cp1252")  # encodings in which each line is read by itself


@dataclass(frozen=True)
class FollowSettings:
    """Settings to follow lines.

    Args:
        top: how many features to name with each result, those with the largest share of the nll.
        time: the name of the column or key of times, or those of dates and of clocks with a comma
            between; not read where None.
        time_format: of strftime, in which times are written; common ones are recognised where None.
        reading: how lines of text are written; as training read text where None.
        state: the file that keeps the state; not kept where None.
        save_every: results from one writing of the state to the next, at most. It is also written
            at the end.
        save_seconds: the same in seconds, where there were results. With a full reference a state
            has about 200 kB, which wear a memory card.
    """

    top: int = 0
    time: str | None = None
    time_format: str | None = None
    reading: Reading | None = None
    state: Path | None = None
    save_every: int = 10_000
    save_seconds: float = 60.0

    def __post_init__(self) -> None:
        try:
            arguments.whole("top", self.top, least=0)
            arguments.whole("save_every", self.save_every, least=1)
            fits = arguments.number("save_seconds", self.save_seconds) > 0
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(
                "expected top from 0, save_every from 1 and save_seconds above 0. Received: "
                f"{self.top!r:.60}, {self.save_every!r:.60} and {self.save_seconds!r:.60}."
            )


class Followed(NamedTuple):
    """Counts of results, of the anomalies among them, and of bad lines.

    `gaps` is how many steps in time were gaps, `set_back` before how many samples the clock was set
    back, `repeated` how many times were the one before. `mostly_gaps` is whether most steps were
    gaps or went back.
    """

    results: int
    anomalies: int
    errors: int
    gaps: int
    set_back: int = 0
    repeated: int = 0
    mostly_gaps: bool = False


def follow(
    runner: Runner,
    stream: StreamScorer,
    lines: Iterable[bytes],
    write: Callable[[str], object],
    *,
    settings: FollowSettings = FollowSettings(),
) -> Followed:
    """Scores lines until they end, or SIGTERM, SIGHUP or Ctrl-C comes.

    The state is saved in any case.

    Args:
        runner: of the bundle.
        stream: made with the same runner.
        lines: as `lines` describes them, in utf-8. Of an open binary file no more than a line may
            have is read at once, and a last line of CSV without an end is a bad line; lines of
            another iterable are in memory already.
        write: takes a line of JSON without its end, and must not keep it back:
            `functools.partial(print, flush=True)`.
        settings: what to write, and what to keep.

    Raises:
        ValueError: the state file is of another bundle, of other settings, or damaged; or times
            and the stream's period do not go together.
        OSError: the state file cannot be read, or not be written at the start or at the end.
            Between these that is a line {"error": ...}: a full disk does not silence the alarm.
    """
    _check_times(stream, runner, settings.time)
    kept = _resumed(stream, settings)
    source = _Source(runner, stream, settings)
    done = Followed(0, 0, 0, 0)
    with StopOnSignal() as stop:
        try:
            for records in source.records(stop.items(source.bounded(lines))):
                for record in records:
                    write(json.dumps(record, allow_nan=False))
                    done = _count(done, record)
                if kept is not None:
                    _save_or_say(kept, stream, done.results, write)
        finally:
            if kept is not None:
                kept.save(stream)
    pace = source.pace
    return done._replace(
        gaps=pace.gaps,
        set_back=pace.set_back,
        repeated=pace.repeated,
        mostly_gaps=pace.mostly_gaps,
    )


class _Source:
    """Turns lines into records to write."""

    def __init__(self, runner: Runner, stream: StreamScorer, settings: FollowSettings) -> None:
        model = runner.manifest.model
        self._runner, self._stream, self._top = runner, stream, settings.top
        self._reader = LineReader(
            model,
            settings.time,
            settings.time_format,
            allow_missing=runner.expects_missing,
            reading=settings.reading,
        )
        self._longest = longest_line(model.input_shape)
        self.pace = Pace(stream.longest_step, stream.settings.window)
        self._given: LineTime | None = None  # the time of the last sample
        self._known = stream.drift is not None and stream.drift.noticed
        self._is_file = False
        reading = settings.reading or Reading(recorded=model.dialect)
        self._encoding = reading.encoding
        self._recorded = "" if reading.recorded is None else reading.recorded.encoding

    def bounded(self, lines: Iterable[bytes]) -> Iterable[bytes]:
        """Lines of a source, none longer than the limit."""
        if not isinstance(lines, io.IOBase):
            return lines
        self._is_file = True
        if self._encoding not in (None, UTF8):
            lines, self._encoding = lines_of(lines, self._encoding), UTF8
        return bounded_lines(lines, self._longest)

    def records(self, lines: Iterable[bytes]) -> Iterator[list[dict[str, Any]]]:
        """Records to write about each line."""
        for number, line in enumerate(lines, 1):
            before = self._stream.time
            records: list[dict[str, Any]]
            try:
                sample = self._sample(line)
                if sample is None:
                    continue
                time = None if sample.time is None else sample.time.seconds
                records, results = [], self._stream.push(sample.x, time)
            except ValueError as error:  # a line that is not utf-8 is one, too
                self._skip()
                records = [{"line": number, "error": str(error).removeprefix("x: ")}]
                results = []
            records += self._gap_records(number, before)
            self._given = self._reader.time or self._given
            yield [*records, *self._result_records(results)]

    def _sample(self, line: bytes) -> Sample | None:
        """Sample of a line; None for a blank line or a header."""
        self._reader.time = None
        check_length(line, self._longest)
        if self._is_file:
            _check_end(line)
        return self._reader.read(self._decoded(line))

    def _decoded(self, line: bytes) -> str:
        """Text of a line: as asked, or in utf-8, or else as training read text."""
        try:
            return line.decode(self._encoding or UTF8)
        except UnicodeDecodeError as error:
            if self._encoding is None and self._recorded in ONE_BYTE:
                return line.decode(self._recorded)
            raise ValueError(
                f"expected text in {self._encoding or UTF8}. Received: {error}. Say what it is in: "
                "--encoding latin-1, cp1252, utf-16-le or utf-16-be."
            ) from error

    def _skip(self) -> None:
        """Counts an invalid line as a row over which no window is, at its time if that is known."""
        time = self._reader.time
        self._stream.skip(None if time is None else time.seconds)

    def _gap_records(self, number: int, before: float | None) -> list[dict[str, Any]]:
        """Records of the step in time to this line; `before` is the time of the last one."""
        now = self._stream.time
        if before is None or now is None or self._reader.time is None:
            return []
        wrong, pace = self.pace.step(now - before), self.pace
        if wrong is not None:
            gaps = pace.gaps + pace.set_back
            return [{"line": number, "error": wrong, "gaps": gaps}]
        if now < before and pace.set_back == 1:
            return [{"line": number, "note": self._set_back(), "set_back": 1}]
        return []

    def _set_back(self) -> str:
        """Sentence about a clock that was set back, with both times as they were given."""
        then, now = self._given, self._reader.time
        return (
            f"the clock was set back, from {then.given if then else 'a time before'} to "
            f"{now.given if now else 'this'}: the order of lines is kept, and no window spans "
            "such a step. Told once, and counted at the end."
        )

    def _result_records(self, results: list[StreamResult]) -> list[dict[str, Any]]:
        tops = _tops(self._runner, self._stream.scored, self._top) if results else []
        time = self._given  # results are of the sample that was just pushed
        records = [
            {**_record(*pair), "time": time and time.given}
            for pair in zip(results, tops, strict=True)
        ]
        if results and results[-1].drift and not self._known:
            self._known = True
            records.append(_drift_record(self._stream, results[-1], records[-1]["time"]))
        return records


def _check_end(line: bytes) -> None:
    """Raises ValueError for a source that ends within a line of CSV, whose last number may be cut.

    A value of JSON in brackets is whole, or it is refused as JSON.
    """
    said = line.strip()
    if said and not line.endswith((b"\n", b"\r")) and not said.endswith((b"]", b"}")):
        raise ValueError(
            "expected a line end. Received: the end of the source; the last number may be cut "
            "short, and the line is not scored."
        )


def _check_times(stream: StreamScorer, runner: Runner, time: str | None) -> None:
    """Raises ValueError for settings with which gaps in time, or all samples, would be missed."""
    model, period = runner.manifest.model, stream.settings.period
    if not time and period is not None:
        raise ValueError(
            f"expected the column or key of times (--time) with a period. Received: the period "
            f"{period:g} s alone. Name it, or leave the period out."
        )
    if time and stream.longest_step is None and model.stride is not None:
        raise ValueError(
            f"expected the usual seconds between two samples (--period) with times in {time!r}, as "
            "no window may span a hole in them, and the bundle does not say it. Received: none. "
            "Give it, or the longest step that is no hole (--gap); or say that there are no times "
            "(--time '')."
        )


def _record(result: StreamResult, top: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Result as JSON has it: null for a NaN or infinity; without `drift`, which is told of once."""
    record = result._asdict()
    del record["drift"]
    record["score"] = _finite(result.score)
    return record if top is None else {**record, "top": top}


def _drift_record(stream: StreamScorer, result: StreamResult, time: Any) -> dict[str, Any]:
    since = None if stream.drift is None else stream.drift.since
    return {"drift": {"row": result.last_row, "since": since, "time": time}}


def _tops(runner: Runner, x: NDArray[Any], top: int) -> list[list[dict[str, Any]]] | list[None]:
    """Top features of each example, see `Runner.top_features`."""
    if not top:
        return [None] * len(x)
    found = runner.top_features(x, top)
    return [
        [{"feature": name, "nats": _finite(share)} for name, share in zip(names, nats, strict=True)]
        for names, nats in zip(found.names.tolist(), found.nats.tolist(), strict=True)
    ]


def _finite(number: float) -> float | None:
    """Number as JSON can say it; None for a NaN or infinity."""
    return number if math.isfinite(number) else None


def _count(done: Followed, record: dict[str, Any]) -> Followed:
    if "error" in record and "gaps" not in record:  # a step that is a gap leads to a good sample
        return done._replace(errors=done.errors + 1)
    if "score" in record:
        anomalies = done.anomalies + record["is_anomaly"]
        return done._replace(results=done.results + 1, anomalies=anomalies)
    return done


def _resumed(stream: StreamScorer, settings: FollowSettings) -> StateFile | None:
    """Opens the file of the state, from which the stream goes on; None where none is kept."""
    if settings.state is None:
        return None
    kept = StateFile(settings.state, results=settings.save_every, seconds=settings.save_seconds)
    kept.resume(stream)
    kept.save(stream)  # what cannot be written is found before years of work
    return kept


def _save_or_say(
    kept: StateFile, stream: StreamScorer, results: int, write: Callable[[str], object]
) -> None:
    try:
        kept.save_if_due(stream, results)
    except OSError as error:
        write(json.dumps({"error": f"the state was not saved: {error}"}))
