"""Image files of a folder: which files count, in which order, and whether they or tables are read.

Files count by their endings, in capitals or not. What systems and programs leave in folders does
not: hidden files and folders (`._photo.png` of macOS among them), `__MACOSX`, bins and thumbnails.
"""

import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.printable import printable
from vae_runtime.rows.blocks import Wanted

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
NORMAL = ("normal", "good")  # folders of normal images, beside which all others are anomalies
# Formats of cameras and others that are not read, so that a folder of them is told.
OTHERS = (
    *(".heic", ".heif", ".avif", ".jp2", ".tga", ".psd", ".svg", ".ico"),
    *(".dng", ".raw", ".cr2", ".cr3", ".nef", ".arw"),
)
LEFT_BEHIND = (  # folders, in small letters
    *("__macosx", "@eadir", "#recycle", "$recycle.bin"),
    *("system volume information", "lost+found"),
)


def is_image(file: Path) -> bool:
    """True for a file that is an image by its name.

    >>> is_image(Path("part.PNG")), is_image(Path("._part.png")), is_image(Path("Thumbs.db"))
    (True, False, False)
    """
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".")


@lru_cache(maxsize=8)  # else each shard would look through the folder
def images_of(source: str) -> tuple[Path, ...]:
    """All images of a folder and those in it, in the order of their paths; a file is its own.

    A link to nothing is one of them, and an error when it is opened, not an image less.
    """
    folder = Path(source)
    if not folder.is_dir():
        return (folder,)
    found = filter(is_image, _files(folder))
    return tuple(sorted(file for file in found if file.is_file() or file.is_symlink()))


def anomalies_of(folder: Path, images: Sequence[Path]) -> NDArray[np.bool_]:
    """Mask of images outside of the folders of normal ones; all False without such a folder.

    >>> names = ("good/1.png", "scratched/1.png")
    >>> anomalies_of(Path("photos"), [Path("photos", name) for name in names]).tolist()
    [False, True]
    """
    folders = [{part.lower() for part in f.relative_to(folder).parts[:-1]} for f in images]
    normal = np.array([not inside.isdisjoint(NORMAL) for inside in folders], bool)
    return ~normal & normal.any()


def unread_of(folder: Path) -> str:
    """Images of a folder that are in a format that is not read, for people; "" for none."""
    suffixes = Counter(file.suffix.lower() for file in _files(folder))
    each = [f"{suffixes[suffix]:,} of {suffix}" for suffix in OTHERS if suffixes[suffix]]
    return " and ".join(each)


def is_of_images(folder: Path, files: Sequence[Path], wanted: Wanted) -> bool:
    """True for a folder whose images are read, not its files of rows.

    They are read where there is nothing else, by models of images, and where there are more of
    them; never where rows have another shape than images.

    Args:
        folder: that is read.
        files: of rows, in it.
        wanted: what to read.
    """
    if wanted.shape is not None and len(wanted.shape) != 3:
        return False
    images_of.cache_clear()  # there may be others by now
    images = len(images_of(str(folder)))
    if not files or not images:
        return not files
    found = wanted.image is not None or images > len(files)
    _tell_both(folder, images, len(files), files[0].suffix, found)
    return found


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _is_left_behind(name)]
        yield from (Path(place, name) for name in files)


def _is_left_behind(folder: str) -> bool:
    return folder.startswith(".") or folder.lower() in LEFT_BEHIND


@lru_cache(maxsize=64)  # once for each folder, which may be looked at several times
def _tell_both(folder: Path, images: int, files: int, suffix: str, is_of_images: bool) -> None:
    """Warns of a folder in which one kind of rows is left alone."""
    what = (f"images ({images:,})", f"files of rows ({files:,}, such as {suffix})")
    read, left = what if is_of_images else what[::-1]
    glob = f"'{folder}/*{suffix}'" if is_of_images else f"'{folder}/*.png'"
    logging.getLogger("vae_runtime").warning(
        "%s: its %s are read, its %s are left alone. To read those, name them: %s",
        printable(folder),
        read,
        left,
        printable(glob),
    )
