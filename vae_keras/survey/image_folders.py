"""Folders of images: what they are below, and the size to make images of."""

from collections import Counter
from pathlib import Path

from vae_runtime.rows.input_files import GLOB_MARKS

ADVISED_SIDE = 128  # pixels of the longer side of a size that is advised, at most


def folder_of(source: str) -> Path:
    """Folder that all images of a source are in: of a glob, that before the first mark.

    >>> folder_of("photos/*/good/*.png").as_posix()
    'photos'
    """
    path = Path(source)
    if path.exists() or not _is_glob(path):
        return path if path.is_dir() else path.parent
    return next(parent for parent in path.parents if not _is_glob(parent))


def advised_size(sizes: "Counter[tuple[int, int]]") -> tuple[int, int]:
    """Size to make images of: the most frequent one, made smaller where it is large.

    >>> advised_size(Counter({(640, 480): 20, (600, 800): 3}))
    (128, 96)
    """
    width, height = max(sorted(sizes), key=lambda size: sizes[size])
    shrink = max(1.0, max(width, height) / ADVISED_SIDE)
    return max(1, round(width / shrink)), max(1, round(height / shrink))


def _is_glob(path: Path) -> bool:
    return any(mark in str(path) for mark in GLOB_MARKS)
