"""File that keeps a stream's state: read at the start, then written again and again."""

import json
import os
import time
from pathlib import Path
from typing import Any

from vae_runtime._base import typed_json
from vae_runtime._base.atomic_files import write_aside
from vae_runtime._base.paths import file_target, open_regular

from .stream import StreamScorer


class StateFile:
    """File in which a stream's state is kept.

    Args:
        path: of the file, which need not be there yet.
        results: from one writing to the next, at most.
        seconds: from one writing to the next, at most, as long as there are results.

    Raises:
        ValueError: there is something else than a regular file. It is not opened: a pipe would
            keep us waiting.
    """

    def __init__(self, path: Path, *, results: int, seconds: float) -> None:
        self._path, self._results, self._seconds = path, results, seconds
        self._saved, self._at = 0, time.monotonic()
        file_target(path, "for the state, or nothing there yet")

    def resume(self, stream: StreamScorer) -> None:
        """Goes on from the file if it is there; only times can tell if samples were lost."""
        if not self._path.exists():
            return
        try:
            with open_regular(self._path) as file:
                stream.restore(_parse(file.read()))
        except ValueError as error:
            raise ValueError(f"{self._path}: {error} Or remove the file, to begin anew.") from error
        if stream.longest_step is None or stream.time is None:
            stream.gap()

    def save(self, stream: StreamScorer) -> None:
        """Writes the state aside, to the disk itself, and renames it: a power cut leaves one."""
        content = json.dumps(stream.state(), allow_nan=False).encode()

        def write(file: Any) -> None:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

        write_aside(self._path, write)

    def save_if_due(self, stream: StreamScorer, results: int) -> None:
        """Writes the state after enough results or time; `results` is the number so far."""
        new, now = results - self._saved, time.monotonic()
        if new >= self._results or (new and now - self._at >= self._seconds):
            self._saved, self._at = results, now  # what fails is not tried again at every line
            self.save(stream)


def _parse(content: bytes) -> Any:
    """Parses the state in these bytes; ValueError for bytes that `save` would not write."""
    state = typed_json.parse(content)
    try:
        written = json.dumps(state).encode()
    except RecursionError:
        written = b""
    if written != content:
        raise ValueError(
            "state: expected the bytes that were written. Received: others, of the same meaning: "
            "the file was altered or damaged."
        )
    return state
