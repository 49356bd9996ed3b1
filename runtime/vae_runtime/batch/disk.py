"""What a disk does to files that are written for hours: it is full, or loses power."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Errors of writing a file name it; those of an open file do not by themselves."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def sync(path: Path) -> None:
    """Waits until a file's bytes are on the disk, so that a power cut finds them there."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
