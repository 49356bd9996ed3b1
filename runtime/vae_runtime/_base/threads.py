"""Threads that the system may refuse to start."""

from collections.abc import Iterator
from contextlib import contextmanager

REFUSED = "can't start new thread"  # Python's own words, of a RuntimeError


@contextmanager
def startable(count: int) -> Iterator[None]:
    """Says in plain words that so many threads cannot be started.

    Raises:
        MemoryError: the system has no room for them, or does not allow as many.
    """
    try:
        yield
    except RuntimeError as error:
        if REFUSED not in str(error):
            raise
        raise MemoryError(
            f"expected a system that starts {count} threads. Received: one that starts fewer, as "
            "memory or the number of processes is limited (ulimit -a). Take fewer threads."
        ) from error
