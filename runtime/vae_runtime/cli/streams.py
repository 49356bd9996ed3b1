"""Stand-ins for closed standard streams, which raise an error where they are used."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

CLOSED = (
    "expected standard output, to write to. Received: a closed one. Leave it open, or name a file "
    "with -o."
)


class NoOutput(io.TextIOBase):
    """Stand-in for a closed standard output."""

    def write(self, text: str) -> int:
        """Raises ValueError."""
        raise ValueError(CLOSED)

    @property
    def buffer(self) -> IO[bytes]:
        """Raises ValueError."""
        raise ValueError(CLOSED)


class NoInput(io.TextIOBase):
    """Stand-in for a closed standard input."""

    @property
    def buffer(self) -> IO[bytes]:
        """Raises ValueError."""
        raise ValueError(
            "expected standard input, to read from. Received: a closed one. Leave it open, or "
            "name a file."
        )


@contextmanager
def standard_streams() -> Iterator[None]:
    """Stands in for those that are closed, which Python leaves as None.

    Messages to a closed standard error go nowhere: `print` would send them to standard output.
    """
    given = sys.stdin, sys.stdout, sys.stderr
    if sys.stdin is None:
        sys.stdin = NoInput()
    if sys.stdout is None:
        sys.stdout = NoOutput()
    if sys.stderr is None:
        sys.stderr = io.StringIO()
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = given
