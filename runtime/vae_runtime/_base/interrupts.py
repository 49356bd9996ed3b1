"""Interrupts: SIGTERM, SIGHUP and Ctrl-C end work in order, with nothing half written left behind.

`stopped_by_signals` raises `Stopped` at once, for work that is undone; `StopOnSignal` ends a loop
over a live source between two items.
"""

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TypeVar

T = TypeVar("T")

INTERRUPT = 2  # the number of SIGINT everywhere
HANGUP = getattr(signal, "SIGHUP", None)  # the terminal has gone; Windows has no such signal


class Stopped(KeyboardInterrupt):
    """Interrupt by another signal than that of Ctrl-C.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP raise `Stopped` within; only the main thread gets signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _stop) for number in _signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class StopOnSignal:
    """Context in which SIGTERM, SIGHUP and Ctrl-C end `items` and do nothing else.

    Only the main thread gets signals; in any other this changes nothing.

    >>> with StopOnSignal() as stop:
    ...     for line in stop.items(["flow 3.1", "flow 3.2"]):
    ...         print(line)  # is not cut short
    flow 3.1
    flow 3.2
    """

    def __init__(self) -> None:
        self._waiting, self._stopped = False, False
        self._before: list[tuple[signal.Signals, object]] = []

    def __enter__(self) -> "StopOnSignal":
        if threading.current_thread() is threading.main_thread():
            numbers = (signal.SIGINT, *_signals())
            self._before = [(number, signal.signal(number, self._stop)) for number in numbers]
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
        """Yields the items of a source, until it ends or a signal comes."""
        iterator = iter(source)
        while True:
            try:
                self._waiting = True
                if self._stopped:
                    return
                item = next(iterator)
                self._waiting = False
            except (StopIteration, _StopWaiting):
                return
            finally:
                self._waiting = False
            yield item

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopped = True
        if self._waiting:
            self._waiting = False  # a second signal must not break what is done at the end
            raise _StopWaiting


def exit_message(error: BaseException) -> tuple[str, int]:
    """Words for an interrupt, and its exit code, as a shell gives it."""
    if isinstance(error, Stopped):
        return f"stopped by {error}; nothing was written", 128 + error.number
    return "interrupted; nothing was written", 128 + INTERRUPT


class _StopWaiting(Exception):
    """Signal that came while the source was waited for."""


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not break what is done at the end
    raise Stopped(number)


def _signals() -> list[signal.Signals]:
    """Signals beside Ctrl-C; without SIGHUP where it is ignored, as under `nohup`."""
    found = [signal.SIGTERM]
    if HANGUP is not None and signal.getsignal(HANGUP) is not signal.SIG_IGN:
        found.append(HANGUP)
    return found
