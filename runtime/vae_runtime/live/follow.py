"""Scores lines of a live source for as long as they come: JSON in or CSV, one JSON line a result.

A line that is no sample becomes a line that says so, and the stream goes on. State is kept in a
file where one is named, so that a process that was stopped goes on where it ended.
"""

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from vae_runtime import typed_json
from vae_runtime.data.files import write_aside
from vae_runtime.runner import Runner

from .interrupts import StopOnSignal
from .lines import LineReader
from .stream import StreamResult, StreamScorer


@dataclass(frozen=True)
class FollowSettings:
    """How lines are followed.

    Args:
        top: how many features to name with each result, those with the largest share of the nll.
        time: the name of the column or key of times; not read where None.
        state: the file that keeps the state; not kept where None.
        save_every: results from one writing of the state to the next. It is also written at the
            end. With a full reference a state has about 200 kB, which wear a memory card.
    """

    top: int = 0
    time: str | None = None
    state: Path | None = None
    save_every: int = 10_000

    def __post_init__(self) -> None:
        if self.top < 0 or self.save_every < 1:
            raise ValueError(
                "expected top from 0 and save_every from 1. Received: "
                f"{self.top} and {self.save_every}."
            )


class Followed(NamedTuple):
    """What was done: how many results, how many of them anomalies, and how many bad lines."""

    results: int
    anomalies: int
    errors: int


def follow(
    runner: Runner,
    stream: StreamScorer,
    lines: Iterable[bytes],
    write: Callable[[str], object],
    *,
    settings: FollowSettings = FollowSettings(),
) -> Followed:
    """Scores lines until they end, or SIGTERM or Ctrl-C comes; the state is saved in any case.

    Args:
        runner: of the bundle.
        stream: made with the same runner.
        lines: as `lines` describes them, in utf-8: an open binary file, say.
        write: takes a line of JSON without its end, and must not keep it back:
            `functools.partial(print, flush=True)`.
        settings: what to write, and what to keep.

    Raises:
        ValueError: the state file is of another bundle, of other settings, or damaged.
        OSError: the state file cannot be read, or not be written at the start or at the end.
            Between these that is a line {"error": ...}: a full disk does not silence the alarm.
    """
    if settings.state is not None and settings.state.exists():
        _resume(stream, settings.state)
    _save(stream, settings.state)  # what cannot be written is found before years of work
    done, saved = Followed(0, 0, 0), 0
    with StopOnSignal() as stop:
        try:
            for records in _records(runner, stream, stop.items(lines), settings):
                for record in records:
                    write(json.dumps(record, allow_nan=False))
                    done = _count(done, record)
                if done.results - saved >= settings.save_every:
                    _save_or_say(stream, settings.state, write)
                    saved = done.results
        finally:
            _save(stream, settings.state)
    return done


def _records(
    runner: Runner, stream: StreamScorer, lines: Iterable[bytes], settings: FollowSettings
) -> Iterator[list[dict[str, Any]]]:
    """What to write about each line."""
    reader = LineReader(runner.manifest.model, settings.time)
    known = stream.drift is not None and stream.drift.noticed
    for number, line in enumerate(lines, 1):
        try:
            sample = reader.read(line.decode())
            results = [] if sample is None else stream.push(sample.x, sample.time)
        except ValueError as error:  # a line that is not utf-8 is one, too
            stream.gap()
            yield [{"line": number, "error": str(error)}]
            continue
        tops = _tops(runner, stream.scored, settings.top) if results else []
        records = [_record(*pair) for pair in zip(results, tops, strict=True)]
        if results and results[-1].drift and not known:
            known = True
            records.append(_drift_record(stream, results[-1]))
        yield records


def _record(result: StreamResult, top: list[dict[str, Any]] | None) -> dict[str, Any]:
    """A result as JSON says it: null for a number that is none, `drift` told of once instead."""
    record = result._asdict()
    del record["drift"]
    record["score"] = _finite(result.score)
    return record if top is None else {**record, "top": top}


def _drift_record(stream: StreamScorer, result: StreamResult) -> dict[str, Any]:
    since = None if stream.drift is None else stream.drift.since
    return {"drift": {"row": result.last_row, "since": since, "time": result.time}}


def _tops(runner: Runner, x: NDArray[Any], top: int) -> list[list[dict[str, Any]]] | list[None]:
    """Of each example the features with the largest share of its nll, the largest first."""
    if not top:
        return [None] * len(x)
    found = runner.top_features(x, top)
    return [
        [{"feature": name, "nats": _finite(share)} for name, share in zip(names, nats, strict=True)]
        for names, nats in zip(found.names.tolist(), found.nats.tolist(), strict=True)
    ]


def _finite(number: float) -> float | None:
    """A number as JSON can say it."""
    return number if math.isfinite(number) else None


def _count(done: Followed, record: dict[str, Any]) -> Followed:
    results, anomalies, errors = done
    if "error" in record:
        return Followed(results, anomalies, errors + 1)
    if "score" in record:
        return Followed(results + 1, anomalies + record["is_anomaly"], errors)
    return done


def _resume(stream: StreamScorer, path: Path) -> None:
    """Goes on from a file; samples may have been lost since, which only times can tell."""
    try:
        stream.restore(typed_json.parse(path.read_bytes()))
    except ValueError as error:
        raise ValueError(f"{path}: {error} Or remove the file, to begin anew.") from error
    if stream.settings.period is None:
        stream.gap()


def _save_or_say(stream: StreamScorer, path: Path | None, write: Callable[[str], object]) -> None:
    try:
        _save(stream, path)
    except OSError as error:
        write(json.dumps({"error": f"the state was not saved: {error}"}))


def _save(stream: StreamScorer, path: Path | None) -> None:
    """Writes the state aside, to the disk itself, and renames it: a power cut leaves one whole."""
    if path is None:
        return
    content = json.dumps(stream.state(), allow_nan=False).encode()

    def write(file: Any) -> None:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())

    write_aside(path, write)
