"""MNIST and similar data sets: images from idx files, or through Keras's download.

Source: the format is described on the MNIST database's page (LeCun, Cortes & Burges).
"""

import gzip
import math
from pathlib import Path

import keras
import numpy as np

from vae_keras._base.arrays import Array
from vae_runtime._base.paths import path_of

DATASETS = {"mnist": keras.datasets.mnist, "fashion_mnist": keras.datasets.fashion_mnist}

_UNSIGNED_BYTES = 8  # the third byte of the file: what the values are


def load_images(name: str, folder: str | None) -> tuple[Array, Array]:
    """Training and test images of a data set: uint8 (rows, 28, 28, 1) each.

    Args:
        name: "mnist" or "fashion_mnist".
        folder: where the idx files are, plain or gzipped; Keras downloads them where None.

    Raises:
        ValueError: the files are missing or damaged, or cannot be downloaded.
    """
    if folder is not None:
        place = path_of(folder, "the folder of the idx files")
        parts = [_read_one(place, part) for part in ("train-images", "t10k-images")]
    else:
        parts = _download(name)
    train, test = (images[..., None] for images in parts)
    return train, test


def read_idx(path: Path) -> Array:
    """Reads an idx file of unsigned bytes, gzipped or not; ValueError where it is not one."""
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
    except (EOFError, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is not a gzip file: {error}.") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _UNSIGNED_BYTES:
        raise ValueError(f"{path}: expected an idx file of bytes. Received: {content[:4]!r}...")
    start = 4 + 4 * content[3]
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4))
    if len(content) != start + math.prod(shape):
        raise ValueError(
            f"{path}: expected {math.prod(shape)} values for shape {shape}. "
            f"Received: {len(content) - start}. It was cut short; fetch it again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _read_one(folder: Path, part: str) -> Array:
    found = sorted(folder.glob(f"{part}*"))
    if not found:
        raise ValueError(f"{folder}: expected a file {part}-idx3-ubyte(.gz). Received: none there.")
    return read_idx(found[0])


def _download(name: str) -> list[Array]:
    try:
        (train, _), (test, _) = DATASETS[name].load_data()
    except Exception as error:  # Keras raises a bare Exception where a download fails
        raise ValueError(
            f"{name} could not be downloaded: {error}. Fetch its idx files and say where they are: "
            "--data-dir DIR."
        ) from error
    return [train, test]
