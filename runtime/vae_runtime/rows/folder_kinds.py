"""Folders: of files of rows, or of images; where both are in one, what is read is told."""

import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from vae_runtime._base.printable import printable

from .blocks import Wanted
from .formats.image_files import images_of


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
