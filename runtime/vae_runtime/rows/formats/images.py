"""Images of a folder and of those in it, as training reads them, each a row.

The rules are those of `vae-keras`: images by their endings in the order of their paths, 8 bits a
channel, made grey or coloured as the model is. One of another size is not made to fit: it is bad.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.libraries import need
from vae_runtime.rows.blocks import Block, Shard, Wanted
from vae_runtime.rows.tables import ColumnError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
MODES = {1: "L", 3: "RGB"}  # by the number of channels
NAME = "file"  # the column of paths in the folder, which is always there
SHARD_IMAGES = 4096


def plan(folder: Path, wanted: Wanted) -> list[Shard]:
    """Stretches of its images.

    Raises:
        ValueError: the model takes no images, or Pillow is not installed.
    """
    _pillow(folder)
    shape = wanted.shape or ()
    if len(shape) != 3 or shape[-1] not in MODES:
        raise ValueError(
            f"{folder}: expected rows of shape {shape}. Received: a folder of images, which have "
            "height, width and 1 or 3 channels."
        )
    if wanted.named:
        raise ColumnError(
            f"{folder}: expected a file whose parts have names, for {', '.join(wanted.named)}. "
            "Received: a folder of images."
        )
    images_of.cache_clear()  # there may be others by now
    count = len(images_of(str(folder)))
    starts = range(0, count, SHARD_IMAGES)
    ends = [min(start + SHARD_IMAGES, count) for start in starts]
    return [Shard(str(folder), "images", a, b, a, b - a) for a, b in zip(starts, ends, strict=True)]


def settle(folder: Path, wanted: Wanted) -> Wanted:
    """What is wanted, as it is: images are made to have no shape but that which is asked for."""
    return wanted


def read(shard: Shard, wanted: Wanted) -> Iterator[Block]:
    """Its images, some at a time."""
    folder, files = Path(shard.file), images_of(shard.file)
    if len(files) < shard.stop:
        raise ValueError(
            f"{folder}: expected at least {shard.stop:,} images. Received: {len(files):,}. Leave "
            "the folder alone while it is read."
        )
    for start in range(shard.start, shard.stop, wanted.block_rows):
        stop = min(start + wanted.block_rows, shard.stop)
        yield _block(folder, files[start:stop], start, wanted)


@lru_cache(maxsize=8)  # else each shard would look through the folder
def images_of(folder: str) -> tuple[Path, ...]:
    """All images of a folder, in the order of their paths."""
    found = (f for f in Path(folder).rglob("*") if f.suffix.lower() in SUFFIXES and not f.is_dir())
    return tuple(sorted(found))


def _block(folder: Path, files: tuple[Path, ...], first: int, wanted: Wanted) -> Block:
    x = np.zeros((len(files), *(wanted.shape or ())), np.uint8)
    bad: dict[int, str] = {}
    for i, file in enumerate(files):
        try:
            x[i] = _read(file, wanted.shape or ())
        except ValueError as error:
            bad[i] = str(error)
    names = np.array([file.relative_to(folder).as_posix() for file in files], str)
    where = {"row": np.arange(first, first + len(x)), NAME: names}
    return Block(str(folder), x, where, {}, None, bad)


def _read(file: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """One image as uint8 (height, width, channels); ValueError where it is none of that shape."""
    image_module = _pillow(file)
    try:
        # of a file that is named, Pillow maps pixels; one that shrinks would kill the process
        with file.open("rb") as content, image_module.open(content) as image:
            image.load()
    except (OSError, ValueError, SyntaxError, image_module.DecompressionBombError) as error:
        raise ValueError(f"{file} is not a readable image: {error}.") from error
    if image.mode.startswith(("I", "F")):
        raise ValueError(f"{file}: expected 8 bits a channel. Received: mode {image.mode}.")
    height, width, channels = shape
    if image.size != (width, height):
        raise ValueError(
            f"{file}: expected {height} x {width} pixels. Received: {image.height} x {image.width}."
        )
    if image.mode == "P":
        image = image.convert("RGBA")  # or Pillow warns where a palette has transparent colours
    return np.asarray(image.convert(MODES[channels])).reshape(shape)


def _pillow(file: Path) -> Any:
    return need("PIL.Image", f"{file}: reading images", "give the rows as .npy")
