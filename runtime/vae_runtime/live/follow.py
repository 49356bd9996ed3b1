"""Scorer of a live source's lines: JSON or CSV in, one JSON line a result.

An invalid line becomes a line that says so, and the stream goes on. State is kept in a
file where one is named, so that a process that was stopped goes on where it ended.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from vae_runtime._base import arguments
from vae_runtime._base.interrupts import StopOnSignal
from vae_runtime.rows.text.dialect import Reading
from vae_runtime.runner import Runner

from .line_source import LineSource
from .lines import LineReader
from .state_file import StateFile
from .stream import StreamScorer


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
    reader = LineReader(
        runner.manifest.model,
        settings.time,
        settings.time_format,
        allow_missing=runner.expects_missing,
        reading=settings.reading,
    )
    encoding = None if settings.reading is None else settings.reading.encoding
    source = LineSource(runner, stream, reader, encoding=encoding, top=settings.top)
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
