"""Paths that are given as arguments: checked, resolved for writing, opened for reading.

Whatever reads a file that may be a pipe asks `open_regular`, which never waits. Whatever writes one
asks `file_target`: a file that is put in place by a rename would else take the place of a pipe, of
a device, or of the link that leads to it.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from vae_runtime.errors import BundleError

LINKS = 40  # one after another, as many as Linux follows
SYSTEM = ("dev", "proc")  # folders of what is no file, though some of it leads to one
SHARED_MEMORY = Path("/dev/shm")  # but for this one, where people do keep files

WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH  # by anyone; root may write all others too

NO_FILES = {
    stat.S_IFDIR: "a folder of that name",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a link that leads back to itself",
}


def path_of(path: str | os.PathLike[str], what: str = "a path") -> Path:
    """Path from what was given; ValueError for an empty text.

    A variable of a script that is not set arrives as an empty text, and pathlib makes of that the
    current folder. (`Path("")` is `Path(".")` before it comes here: nothing can tell these apart.)

    Args:
        path: as it was given.
        what: it is of, for the error.

    Raises:
        ValueError: it is empty, or blank.

    >>> path_of("artifacts/pump").name
    'pump'
    """
    if not os.fspath(path).strip():
        raise ValueError(
            f"expected {what}. Received: {os.fspath(path)!r}, an empty text. Is a variable not "
            "set? (The current folder is .)"
        )
    return Path(path)


def file_target(path: str | os.PathLike[str], what: str = "to write") -> Path:
    """Path to write a file to: that of `path`, or of the target of a link.

    Args:
        path: as it was given.
        what: the file is, for the error.

    Raises:
        ValueError: something else than a file is there, or one that is protected from being
            written, or the path is empty.

    >>> file_target("/tmp/scores.csv").name
    'scores.csv'
    """
    place = path_of(path)
    target = Path(os.path.realpath(place))
    found = "one of the system's" if _is_of_the_system(place) else _special(target)
    if found is not None:
        raise ValueError(
            f"{path}: expected a file {what}. Received: {found}. Choose another path. (Where a "
            "command can write to standard output, that is -, or no -o.)"
        )
    return target


def is_same(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """True for two paths of one file, however they are spelt: by links of either kind too.

    >>> is_same("a/../scores.csv", "scores.csv")
    True
    """
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    return identity(one) is not None and identity(one) == identity(other)


def identity(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """Device and number of the file at a path, equal for all its names; None without a file."""
    try:
        found = os.stat(path)  # noqa: PTH116 - takes texts as well
    except OSError:
        return None
    return found.st_dev, found.st_ino


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


def _special(target: Path) -> str | None:
    """Kind of a thing at a path that is no file to write; None for one that is, or nothing."""
    try:
        mode = target.lstat().st_mode
    except OSError:  # nothing there; or no way to it, which writing tells
        return None
    if stat.S_ISREG(mode) and not (mode & WRITABLE and os.access(target, os.W_OK)):
        return "one that is protected from being written"  # a rename would not ask
    return NO_FILES.get(stat.S_IFMT(mode))


def _is_of_the_system(path: Path) -> bool:
    """True where a path, or a link on the way from it, is the system's, such as /dev/stdout."""
    for each in _links(path):
        place = Path(os.path.abspath(each))  # noqa: PTH100 - without following links, but for ..
        inside = place.parts[1:2] and place.parts[1] in SYSTEM
        if inside and not place.is_relative_to(SHARED_MEMORY):
            return True
    return False


def _links(path: Path) -> Iterator[Path]:
    """A path, what it is a link to, and so on."""
    for _ in range(LINKS):
        yield path
        if not path.is_symlink():
            return
        path = path.parent / path.readlink()


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # not of Windows, nor are pipes


def _irregular(path: Path) -> BundleError:
    return BundleError(f"{path} cannot be read: it is not a regular file.")
