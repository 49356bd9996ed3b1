"""Image files of a folder: which files count, and in which order.

Files count by their endings, in capitals or not. What systems and programs leave in folders does
not: hidden files and folders (`._photo.png` of macOS among them), `__MACOSX`, bins and thumbnails.
"""

import os
from functools import lru_cache
from pathlib import Path

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
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
    found = list[Path]()
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _is_left_behind(name)]
        images = (Path(place, name) for name in files if is_image(Path(name)))
        found.extend(file for file in images if file.is_file() or file.is_symlink())
    return tuple(sorted(found))


def _is_left_behind(folder: str) -> bool:
    return folder.startswith(".") or folder.lower() in LEFT_BEHIND
