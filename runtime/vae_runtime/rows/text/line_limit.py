"""Limit on the length of a source's lines: none takes more memory than a sample may need."""

import math
from collections.abc import Iterator
from io import IOBase

SHORTEST = 2**20  # bytes that a line may always have: samples come with names and other columns
NUMBER = 64  # bytes of a number, with what stands around it
UNKNOWN = 2**26  # bytes of a line, where nobody knows how long rows are

SKIPPED = 2**16  # bytes that are read at once of what is thrown away


def longest_line(shape: tuple[int, ...] | None) -> int:
    """Number of bytes that a line may have, its end included, by the shape of its row."""
    return UNKNOWN if shape is None else max(SHORTEST, NUMBER * math.prod(shape))


def bounded_lines(file: IOBase, longest: int) -> Iterator[bytes]:
    """Lines of a binary file; of a longer line, its first `longest` + 1 bytes.

    The rest is read, and thrown away, only when the next line is asked for: a line that never ends
    is known of as soon as it is too long.
    """
    while line := file.readline(longest + 1):
        yield line
        while len(line) > longest and not line.endswith(b"\n"):
            more = file.readline(SKIPPED)
            if not more or more.endswith(b"\n"):
                break


def check_length(line: bytes, longest: int) -> None:
    """Raises ValueError for a line that is too long."""
    if len(line) > longest:
        raise ValueError(f"expected a line of at most {longest:,} bytes. Received: a longer one.")
