"""Lines of a live source as records to write: results, invalid lines, steps in time."""

import io
from collections.abc import Iterable, Iterator
from typing import Any

from vae_runtime.rows.text.line_limit import bounded_lines, check_length, longest_line
from vae_runtime.rows.text.text_files import UTF8
from vae_runtime.runner import Runner

from .gap_monitor import Pace
from .line_times import LineTime
from .lines import LineReader, Sample
from .recoded import lines_of
from .result_records import drift_record, result_record, top_records
from .stream import StreamResult, StreamScorer

ONE_BYTE = ("latin-1", "cp1252")  # encodings in which each line is read by itself


class LineSource:
    """Turns lines into records to write.

    Args:
        runner: of the bundle.
        stream: made with the same runner.
        reader: of the lines.
        encoding: of the lines; utf-8, or else that of training's text, where None.
        top: how many features to name with each result.
    """

    def __init__(
        self,
        runner: Runner,
        stream: StreamScorer,
        reader: LineReader,
        *,
        encoding: str | None = None,
        top: int = 0,
    ) -> None:
        model = runner.manifest.model
        self._runner, self._stream, self._reader, self._top = runner, stream, reader, top
        self._longest = longest_line(model.input_shape)
        self.pace = Pace(stream.longest_step, stream.settings.window)
        self._given: LineTime | None = None  # the time of the last sample
        self._known = stream.drift is not None and stream.drift.noticed
        self._is_file = False
        self._encoding = encoding
        self._recorded = "" if model.dialect is None else model.dialect.encoding

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
        tops = top_records(self._runner, self._stream.scored, self._top) if results else []
        time = self._given  # results are of the sample that was just pushed
        records = [
            {**result_record(*pair), "time": time and time.given}
            for pair in zip(results, tops, strict=True)
        ]
        if results and results[-1].drift and not self._known:
            self._known = True
            records.append(drift_record(self._stream, results[-1], records[-1]["time"]))
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
