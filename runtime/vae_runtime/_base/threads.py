"""Error for threads that the system refuses to start."""

from collections.abc import Iterator
from contextlib import contextmanager

REFUSED = "can't start new thread"  # Python's own words, of a RuntimeError


@contextmanager
def startable(count: int) -> Iterator[None]:
    """Context that turns the system's refusal to start threads into plain words.

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
