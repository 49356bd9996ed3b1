"""Ends a loop over a live source at a signal to stop, but never in the middle of its work."""

import signal
import threading
from collections.abc import Iterable, Iterator
from types import FrameType, TracebackType
from typing import TypeVar

T = TypeVar("T")

HANGUP = getattr(signal, "SIGHUP", None)  # the terminal has gone; Windows has no such signal


class _Stopped(Exception):
    """A signal came while the source was waited for."""


class StopOnSignal:
    """While this context lasts, SIGTERM, SIGHUP and Ctrl-C end `items` and do nothing else.

    Only the main thread gets signals; in any other this changes nothing.

    >>> with StopOnSignal() as stop:
    ...     for line in stop.items(sys.stdin.buffer):
    ...         work(line)  # is not cut short
    """

    def __init__(self) -> None:
        self._waiting, self._stopped = False, False
        self._before: list[tuple[signal.Signals, object]] = []

    def __enter__(self) -> "StopOnSignal":
        if threading.current_thread() is threading.main_thread():
            self._before = [(number, signal.signal(number, self._stop)) for number in _signals()]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before:
            signal.signal(number, handler)  # type: ignore[arg-type]

    def items(self, source: Iterable[T]) -> Iterator[T]:
        """The items of a source, until it ends or a signal comes."""
        iterator = iter(source)
        while True:
            try:
                self._waiting = True
                if self._stopped:
                    return
                item = next(iterator)
                self._waiting = False
            except (StopIteration, _Stopped):
                return
            finally:
                self._waiting = False
            yield item

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopped = True
        if self._waiting:
            self._waiting = False  # a second signal must not break what is done at the end
            raise _Stopped


def _signals() -> list[signal.Signals]:
    """Those that end a loop; not SIGHUP where it is ignored, as `nohup` has it."""
    found = [signal.SIGINT, signal.SIGTERM]
    if HANGUP is not None and signal.getsignal(HANGUP) is not signal.SIG_IGN:
        found.append(HANGUP)
    return found
