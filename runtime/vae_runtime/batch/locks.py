"""Paths that a run writes are its own as long as it lasts: no other run writes one of them.

A path is replaced at the end, so that a lock on what is there would be one on a file that is gone.
What is locked is a file beside it, `.NAME.lock`, which goes with the run. A kill leaves it behind,
and it keeps nobody out then.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # not a POSIX system: there, nothing keeps two runs apart
    fcntl = None  # type: ignore[assignment]

from vae_runtime._base.paths import file_target

from .journal import JournalRefused


@contextmanager
def locked(paths: Sequence[Path]) -> Iterator[None]:
    """Keeps other processes from writing files at these paths, as long as it lasts.

    Args:
        paths: of files, there or not; of a link, what it leads to.

    Raises:
        JournalRefused: another run has one of them.
        ValueError: something else than a file is there.
    """
    with ExitStack() as stack:
        if fcntl is not None:
            for target in sorted({file_target(path) for path in paths}):
                lock = stack.enter_context(_open_locked(target))
                stack.callback(Path(lock.name).unlink, missing_ok=True)  # before it is unlocked
        yield


def _open_locked(target: Path) -> IO[bytes]:
    """The lock of a path, open.

    Whoever had it before removes it, maybe between our opening and our locking it: then it is the
    lock of a file that is no more, and the next one would lock another.
    """
    path = target.with_name(f".{target.name}.lock")
    target.parent.mkdir(parents=True, exist_ok=True)
    while True:
        try:
            file = open(path, "ab", opener=_without_waiting)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(target)) from error
        _lock(file, target)
        if os.fstat(file.fileno()).st_size:
            file.close()
            raise JournalRefused(
                f"{path}: expected no file, or an empty one, as this run's lock. Received: one "
                "with content. Move it away."
            )
        if _is_at(file, path):
            return file
        file.close()


def _lock(file: IO[bytes], target: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise JournalRefused(
            f"{target}: expected no other run that writes the same output. Received: one that is "
            "under way. Wait for it, or choose another output."
        ) from error


def _is_at(file: IO[bytes], path: Path) -> bool:
    """True where an open file is still the one at its path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _without_waiting(path: str, flags: int) -> int:
    """Opens a file, but no link, without waiting at a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
