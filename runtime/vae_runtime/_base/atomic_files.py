"""Files that appear whole or not at all: written aside, then renamed; and what disks do to them.

`directories` does the same for whole directories.
"""

import os
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from .paths import file_target


def write_aside(path: str | Path, write: Callable[[IO[bytes]], object]) -> None:
    """Calls `write` with a temporary file beside `path`, then renames it to `path`.

    Of a link, it is what the link leads to.

    Raises:
        ValueError: something else than a file is at `path`.
        OSError: it cannot be written.
    """
    target = file_target(path)
    aside = new_aside(target)
    try:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with aside.open("xb") as file:
                write(file)
            put_file_in_place(aside, target)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        if error.filename is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error  # the name that was given


def put_file_in_place(aside: Path, target: Path) -> None:
    """Renames a file that is whole; it may be read and written by whom its predecessor might."""
    with suppress(FileNotFoundError):
        aside.chmod(stat.S_IMODE(target.stat().st_mode))
    aside.replace(target)


def aside_of(path: Path) -> Path:
    """Path beside `path` that a file or folder is written to until it is whole."""
    return path.with_name(f".{path.name}.part")


def begin_aside(path: Path) -> Path:
    """Makes an empty file at `aside_of(path)`, in place of what a killed writer left there.

    It is a new one even where a link lies there: writing would change what that leads to.
    """
    aside = aside_of(path)
    aside.unlink(missing_ok=True)
    aside.touch(exist_ok=False)
    return aside


def new_aside(path: Path) -> Path:
    """Path as from `aside_of`, under a name that no other writer has, however many there are."""
    return aside_of(path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}"))


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
