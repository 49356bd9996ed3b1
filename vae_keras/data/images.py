"""Images from a folder and its sub-folders.

Where there are images in a folder named `normal` or `good`, however deep, those are normal and all
others anomalies; else all are normal.
"""

from pathlib import Path
from typing import Any

import numpy as np

from vae_keras._base.arrays import Array
from vae_keras.configs import DataConfig
from vae_runtime._base.libraries import need

from .datasets import Dataset
from .places import Places

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
NORMAL = ("normal", "good")
MODES = {1: "L", 3: "RGB"}  # by the number of channels
GREY = ("1", "L", "LA")


def load_folder(config: DataConfig) -> Dataset:
    """Reads the images of a folder, sorted by name: uint8 (rows, height, width, channels).

    Raises:
        ValueError: they are not of one size or kind and `config` does not say of which to make
            them, or one cannot be read; names the file.
    """
    folder = Path(config.source)
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file())
    images: list[Array] = []
    kept: list[Path] = []
    notes: list[str] = []
    for file in files:
        try:
            image = _read(file, config, like=images[0] if images else None)
        except _Unreadable as error:
            if config.bad_rows == "error":
                raise ValueError(f"{error} (--bad-rows drop leaves such files out.)") from error
            notes.append(f"left out: {error}")
            continue
        images.append(image)
        kept.append(file)
    if not images:
        raise ValueError(f"{folder}: expected images ({', '.join(SUFFIXES)}). Received: none.")
    y = _anomalies(folder, kept)
    if not y.any() and any(file.parent != folder for file in kept):
        notes.append("all images are taken as normal: no folder of them is named normal or good")
    names = np.array([str(file.relative_to(folder)) for file in kept])
    places = Places.of_rows(len(kept), file=names)
    return Dataset(
        folder.name, np.stack(images), y, (0.0, 255.0), notes=tuple(notes), places=places
    )


class _Unreadable(ValueError):
    """A file that is not an image, or is damaged."""


def _read(file: Path, config: DataConfig, *, like: Array | None) -> Array:
    """Reads one image as uint8 (height, width, channels), of the first image's shape."""
    pillow = need("PIL.Image", f"{file}: reading images", "give the rows as .npy")
    try:
        # of a file that is named, Pillow maps pixels; one that shrinks would kill the process
        with file.open("rb") as content, pillow.open(content) as image:
            image.load()
    except (OSError, ValueError, SyntaxError, pillow.DecompressionBombError) as error:
        raise _Unreadable(f"{file} is not a readable image: {error}.") from error
    pixels = _pixels(file, image, config, pillow.Resampling.BILINEAR)
    if like is not None and pixels.shape != like.shape:
        raise ValueError(
            f"{file}: expected {_size(like)}, as the images before it. Received: {_size(pixels)}. "
            "--image-size HEIGHT,WIDTH and --channels 1 or 3 make them all alike."
        )
    return pixels


def _pixels(file: Path, image: Any, config: DataConfig, filtering: Any) -> Array:
    if image.mode.startswith(("I", "F")):
        raise ValueError(
            f"{file}: expected 8 bits a channel. Received: mode {image.mode}. Convert the images, "
            "or give them as .npy."
        )
    channels = config.channels or (1 if image.mode in GREY else 3)
    height, width = config.image_size or (image.height, image.width)
    if image.mode == "P":
        image = image.convert("RGBA")  # or Pillow warns where a palette has transparent colours
    image = image.convert(MODES[channels])
    if image.size != (width, height):
        image = image.resize((width, height), filtering)
    return np.asarray(image).reshape(height, width, channels)


def _anomalies(folder: Path, files: list[Path]) -> Array:
    """Mask of the images outside the folder of normal ones; all False without such a folder."""
    folders = [{p.lower() for p in file.relative_to(folder).parts[:-1]} for file in files]
    normal = np.array([not inside.isdisjoint(NORMAL) for inside in folders])
    return ~normal & normal.any()


def _size(pixels: Array) -> str:
    height, width, channels = pixels.shape
    return f"{height} x {width} pixels of {channels} channels"
