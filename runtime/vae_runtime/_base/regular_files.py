"""Regular files, opened without waiting, and the errors for files that cannot be."""

import os
import stat
from pathlib import Path
from typing import IO

from vae_runtime.errors import BundleError


def open_regular(path: Path) -> IO[bytes]:
    """Opens a regular file; refuses a pipe or a device, which might keep us waiting."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _irregular(path)
        file: IO[bytes] = open(path, "rb", opener=_without_waiting)
    except OSError as error:
        raise unreadable(path, error) from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # replaced since then
        file.close()
        raise _irregular(path)
    return file


def read_range(file: IO[bytes], start: int, size: int) -> bytes:
    """Bytes from a range of a file, or as many of them as it has."""
    try:
        file.seek(start)
        return file.read(size)
    except (OSError, MemoryError) as error:
        raise unreadable(Path(file.name), error) from error


def unreadable(path: Path, error: OSError | MemoryError) -> BundleError:
    """Error for a file that the system, or the memory, refused to read."""
    reason = error.strerror if isinstance(error, OSError) else "it is larger than memory"
    return BundleError(f"{path} cannot be read: {reason}.")


def missing(path: Path, name: str) -> BundleError:
    """Error for a file that does not exist."""
    return BundleError(
        f"{path}: expected the file {name}, which is missing. Copy or export the bundle again."
    )


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # not of Windows, nor are pipes


def _irregular(path: Path) -> BundleError:
    return BundleError(f"{path} cannot be read: it is not a regular file.")
