"""Image files of a folder: which files count, and in which order.

Files count by their endings, in capitals or not. What systems and programs leave in folders does
not: hidden files and folders (`._photo.png` of macOS among them), `__MACOSX`, bins and thumbnails.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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
    """Tells by its name whether a file is one of images.

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


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _is_left_behind(name)]
        yield from (Path(place, name) for name in files)


def _is_left_behind(folder: str) -> bool:
    return folder.startswith(".") or folder.lower() in LEFT_BEHIND
