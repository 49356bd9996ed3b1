"""Directories that are written whole or not at all, each in place of an earlier one of its kind.

Nothing is removed but what an earlier one names as its own: whoever finds room for a file of theirs
in there, or for a folder, does not lose it.
"""

import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from .atomic_files import new_aside
from .exchange import put_in_place
from .paths import path_of

SHOWN = 5  # names of files that would be lost


class Kind(NamedTuple):
    """A kind of directory that is written whole, and replaced by another of its kind.

    Args:
        name: for people.
        mark: a file that each of them holds.
        files: of the mark's path, those that such a directory holds, each by its path inside with
            / between; ValueError where that is another file of the mark's name.
    """

    name: str
    mark: str
    files: Callable[[Path], Collection[str]]


@contextmanager
def directory_aside(path: str | Path, kind: Kind) -> Iterator[Path]:
    """A fresh directory that becomes `path` when the block ends; nothing remains where it fails.

    Args:
        path: where the directory shall be. One that is there already is replaced, but only where
            it is empty, or of the same kind and without anything else in it. Of a link, it is what
            the link leads to, there or not.
        kind: of directory.

    Raises:
        ValueError: something else is at `path`, or in it.
    """
    check_replaceable(path, kind)
    target = Path(os.path.realpath(path))
    aside = new_aside(target)
    aside.mkdir(parents=True)
    try:
        yield aside
        check_replaceable(path, kind)  # what has come meanwhile would be lost
        own = _files(target, kind)
        old = put_in_place(aside, target)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    if old is not None:
        _remove(old, own)


def check_replaceable(path: str | Path, kind: Kind) -> None:
    """Raises ValueError where `directory_aside` would, before any work is done for nothing."""
    target = Path(os.path.realpath(path_of(path)))
    if target == Path.cwd():  # as a Path of an empty text is, too
        raise ValueError(
            f"{path}: expected a new path, or an earlier {kind.name} to replace. Received: the "
            "current folder. Name a folder in it, or go to the one above."
        )
    if os.path.lexists(target) and not _is_empty_directory(target):
        strange = sorted(_strange(target, _own(path, target, kind)))
        if strange:
            raise ValueError(
                f"{path}: expected a {kind.name} alone, to replace it. Received: also "
                f"{', '.join(strange[:SHOWN])}, which would be lost. Move it, or choose another "
                "path."
            )
    for parent in target.parents:
        if parent.exists() and not parent.is_dir():
            raise ValueError(f"{path}: expected folders above it. Received: {parent}, a file.")


def _own(path: str | Path, target: Path, kind: Kind) -> Collection[str]:
    """The files of an earlier directory; ValueError where there is something else."""
    try:
        return _files(target, kind)
    except ValueError as error:
        raise ValueError(
            f"{path}: expected a new path, or an earlier {kind.name} to replace. Received: "
            "something else that is there already. Choose another path."
        ) from error


def _files(target: Path, kind: Kind) -> Collection[str]:
    """Names of the files that a directory says it holds; none for an empty or missing one.

    Raises:
        ValueError: it is of no such kind.
    """
    if not os.path.lexists(target) or _is_empty_directory(target):
        return ()
    mark = target / kind.mark
    if not _is_regular(mark):
        raise ValueError(f"{target}: expected a file {kind.mark}.")
    return {kind.mark, *kind.files(mark)}


def _strange(folder: Path, own: Collection[str], inside: str = "") -> Iterator[str]:
    """Contents of a folder that are not its own files: files, links, and folders as a whole."""
    parents = _parents(own)
    with os.scandir(folder / inside) as entries:
        for entry in entries:
            name = f"{inside}{entry.name}"
            if name in parents and entry.is_dir(follow_symlinks=False):
                yield from _strange(folder, own, f"{name}/")
            elif name not in own or not entry.is_file(follow_symlinks=False):
                yield name


def _remove(folder: Path, own: Collection[str]) -> None:
    """Removes an earlier directory's own files, and the folder where nothing else is in it.

    The new one is in its place by now: what cannot be removed stays, and is no error.
    """
    for name in own:
        with suppress(OSError):
            (folder / name).unlink()
    for inner in sorted([*_parents(own), ""], key=len, reverse=True):
        with suppress(OSError):
            (folder / inner).rmdir()


def _parents(own: Collection[str]) -> set[str]:
    """Folders that these files are in, without the outermost."""
    return {str(parent) for name in own for parent in PurePosixPath(name).parents} - {"."}


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:  # nothing there
        return False


def _is_empty_directory(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())
