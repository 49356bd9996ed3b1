"""A directory that takes the place of another in one step.

A kill finds one of the two at the path at any moment. Systems and file systems without such a step
rename twice: between the two, a kill leaves the earlier one beside the path, under a name of its
own.

Source: rename(2), RENAME_EXCHANGE, of Linux; renamex_np(2), RENAME_SWAP, of macOS.
"""

import ctypes
import errno
import os
from pathlib import Path
from typing import Any

AT_FDCWD = -100  # paths are from the current folder
RENAME_EXCHANGE = 2
RENAME_SWAP = 2

# What systems say that know no such step: also those whose containers forbid what they do not know.
UNKNOWN = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM)


def put_in_place(new: Path, path: Path) -> Path | None:
    """Renames a directory to `path`.

    Returns:
        Where what was at `path` is now; None where there was nothing.

    Raises:
        OSError: it cannot be renamed; all is as it was.
    """
    if not os.path.lexists(path):
        new.rename(path)
        return None
    try:
        exchange(new, path)
    except OSError as error:
        if error.errno not in UNKNOWN:
            raise
        return _rename_twice(new, path)
    return new


def exchange(one: Path, other: Path) -> None:
    """Swaps what is at two paths, in one step.

    Raises:
        OSError: they cannot be exchanged; ENOSYS where the system has no such step.
    """
    number = _exchange(os.fsencode(one), os.fsencode(other))
    if number:
        raise OSError(number, os.strerror(number), str(other))


def _exchange(one: bytes, other: bytes) -> int:
    """Calls the system's exchange; 0, or the number of an error."""
    library: Any = None if os.name == "nt" else ctypes.CDLL(None, use_errno=True)
    if hasattr(library, "renameat2"):
        here, flags = ctypes.c_int(AT_FDCWD), ctypes.c_uint(RENAME_EXCHANGE)
        done = library.renameat2(here, one, here, other, flags)
    elif hasattr(library, "renamex_np"):
        done = library.renamex_np(one, other, ctypes.c_uint(RENAME_SWAP))
    else:  # Windows, or a smaller C library
        return errno.ENOSYS
    return ctypes.get_errno() if done else 0


def _rename_twice(new: Path, path: Path) -> Path:
    old = new.with_suffix(".old")
    path.rename(old)
    try:
        new.rename(path)
    except OSError:
        old.rename(path)
        raise
    return old
