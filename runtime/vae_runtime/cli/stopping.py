"""Signals to stop, which end long work as Ctrl-C does: with nothing half written left behind."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPT = 2  # the number of SIGINT everywhere
HANGUP = getattr(signal, "SIGHUP", None)  # the terminal has gone; Windows has no such signal


class Stopped(KeyboardInterrupt):
    """Another signal than that of Ctrl-C has come.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """While this lasts, SIGTERM and SIGHUP raise `Stopped`; only the main thread gets signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _stop) for number in _signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def told(error: BaseException) -> tuple[str, int]:
    """What to say of an interrupt, and the exit code, as a shell gives it."""
    if isinstance(error, Stopped):
        return f"stopped by {error}; nothing was written", 128 + error.number
    return "interrupted; nothing was written", 128 + INTERRUPT


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not break what is done at the end
    raise Stopped(number)


def _signals() -> list[signal.Signals]:
    """Not SIGHUP where it is ignored, as `nohup` has it."""
    found = [signal.SIGTERM]
    if HANGUP is not None and signal.getsignal(HANGUP) is not signal.SIG_IGN:
        found.append(HANGUP)
    return found
