"""Images of a folder and of those in it, or a single one, as training reads them, each a row.

Which files count: `image_files`; what is done to them: `pixels`. An image that cannot become a row
is a bad row.
"""

import logging
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from vae_runtime._base.printable import printable
from vae_runtime.bundle.manifest import ImageSpec
from vae_runtime.rows.blocks import Block, Shard, Wanted
from vae_runtime.rows.text.tables import ColumnError

from .image_files import SUFFIXES as SUFFIXES
from .image_files import anomalies_of, images_of
from .npz import MARKS
from .pixels import MODES, UNSAID, check_pillow, is_distorted, read_pixels, said

NAME = "file"  # the column of paths in the folder, which is always there
SHARD_IMAGES = 4096


def plan(source: Path, wanted: Wanted) -> list[Shard]:
    """Stretches of the images of a folder, or one image.

    Raises:
        ValueError: the model takes no images, or Pillow is not installed.
    """
    check_pillow(source)
    what = "a folder of images, which" if source.is_dir() else "an image; images"
    shape = wanted.shape or ()
    if len(shape) != 3 or shape[-1] not in MODES or wanted.features is not None:
        raise ValueError(
            f"{source}: expected rows of shape {shape}. Received: {what} have "
            "height, width and 1 or 3 channels."
        )
    if wanted.named:
        raise ColumnError(
            f"{source}: expected a file whose parts have names, for {', '.join(wanted.named)}. "
            f"Received: {what} have none."
        )
    images_of.cache_clear()  # there may be others by now
    count = len(images_of(str(source)))
    starts = range(0, count, SHARD_IMAGES)
    ends = [min(start + SHARD_IMAGES, count) for start in starts]
    return [Shard(str(source), "images", a, b, a, b - a) for a, b in zip(starts, ends, strict=True)]


def settle(source: Path, wanted: Wanted) -> Wanted:
    """Returns what is wanted unchanged: images are never given a shape that nobody asked for."""
    return wanted


def read(shard: Shard, wanted: Wanted) -> Iterator[Block]:
    """Reads images, some at a time."""
    source, files = Path(shard.file), images_of(shard.file)
    if len(files) < shard.stop:
        raise ValueError(
            f"{source}: expected at least {shard.stop:,} images. Received: {len(files):,}. Leave "
            "the folder alone while it is read."
        )
    for start in range(shard.start, shard.stop, wanted.block_rows):
        stop = min(start + wanted.block_rows, shard.stop)
        yield _block(source, files[start:stop], start, wanted)


def _block(source: Path, files: tuple[Path, ...], first: int, wanted: Wanted) -> Block:
    spec, shape = wanted.image or UNSAID, wanted.shape or ()
    x = np.zeros((len(files), *shape), np.uint8 if spec.bits == 8 else np.float32)
    bad: dict[int, str] = {}
    for i, file in enumerate(files):
        try:
            x[i], size = read_pixels(file, shape, spec)
        except ValueError as error:
            bad[i] = str(error)
            continue
        _tell_distorted(source, file, size, spec)
    where = {"row": np.arange(first, first + len(x))}
    if files != (source,):
        where[NAME] = np.array([file.relative_to(source).as_posix() for file in files], str)
    extra = {}
    if wanted.marked and source.is_dir():
        extra = {MARKS: anomalies_of(source, images_of(str(source)))[first : first + len(x)]}
    return Block(str(source), x, where, {}, extra=extra, bad=bad)


def _tell_distorted(source: Path, file: Path, size: tuple[int, int], spec: ImageSpec) -> None:
    """Warns where resizing distorts an image as none was in training; once for all of a folder."""
    if spec.resampling is None or spec.aspect is None or not is_distorted(size, spec.aspect):
        return
    folder = source if source.is_dir() else source.parent
    if not _told(folder):
        _told(folder).append(file)
        least, most = (f"{ratio:.3g}" for ratio in spec.aspect)
        logging.getLogger("vae_runtime").warning(
            "%s: %s pixels (width x height) are %.3g times as wide as high; images in training "
            "were %s. It is resized as they were, and distorted as none of them was. Cut such "
            "images to that shape first. (Of this folder, others are not told.)",
            printable(file),
            said(*size),
            size[0] / size[1],
            least if least == most else f"{least} to {most}",
        )


@lru_cache(maxsize=64)
def _told(folder: Path) -> list[Path]:
    """Images of a folder that were told of."""
    return []
