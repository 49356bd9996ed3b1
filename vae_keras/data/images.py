"""Images from a folder and its sub-folders, each a row.

Where there are images in a folder named `normal` or `good`, however deep, those are normal and all
others anomalies; else all are normal. Which files count and what is done to them is decided in
`vae_runtime.rows.formats`, for training and device alike; here, which rows a new model takes.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np

from vae_keras._base.arrays import Array, Shape
from vae_keras.configs import DataConfig
from vae_keras.survey.image_folders import advised_size, folder_of
from vae_runtime.bundle.manifest import ImageSpec
from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.formats.image_files import SUFFIXES, anomalies_of, images_of, unread_of
from vae_runtime.rows.formats.pixels import (
    WHITE,
    ImageError,
    ImageKind,
    check_pillow,
    is_distorted,
    kind_of,
    read_pixels,
    said,
)
from vae_runtime.rows.input_files import files_of

from .datasets import Dataset
from .places import Places

SHOWN = 5  # sizes that a message counts
LARGEST_BYTES = 2**33  # of all images together, in memory
KINDS = {1: "grey", 3: "in colour"}  # by the number of channels

T = TypeVar("T")
Kinds = dict[Path, ImageKind]


def load_images(config: DataConfig) -> Dataset:
    """Reads the images of a folder or glob, sorted by name: (rows, height, width, channels).

    Rows are uint8, of images of 16 bits float32.

    Raises:
        ValueError: they are not of one size or kind and `config` does not say of which to make
            them, or one cannot be read; names the file.
    """
    folder, notes = folder_of(config.source), list[str]()
    check_pillow(folder)
    images_of.cache_clear()  # there may be others by now
    found = files_of([config.source], Wanted())  # folders, or images that a glob matches
    images = [image for each in found for image in images_of(str(each))]
    kinds = _each(folder, images, kind_of, config, notes)
    shape, spec = _row_of(folder, kinds, config)
    rows = np.empty((len(kinds), *shape), np.uint8 if spec.bits == 8 else np.float32)
    _check_memory(folder, rows, kinds)
    places = {file: row for row, file in enumerate(kinds)}

    def read(file: Path) -> None:
        rows[places[file]] = read_pixels(file, shape, spec).x

    files = [*_each(folder, kinds, read, config, notes)]
    if len(files) < len(kinds):
        rows = rows[[places[file] for file in files]]
    y = anomalies_of(folder, files)
    notes += _notes(folder, {file: kinds[file] for file in files}, y, shape)
    names = np.array([file.relative_to(folder).as_posix() for file in files])
    return Dataset(
        folder.name,
        rows,
        y,
        (0.0, WHITE[spec.bits]),
        notes=tuple(notes),
        image=spec,
        places=Places.of_rows(len(rows), file=names),
    )


def _each(
    folder: Path,
    files: Iterable[Path],
    read: Callable[[Path], T],
    config: DataConfig,
    notes: list[str],
) -> dict[Path, T]:
    """What is read of each image; those that are none are an error, or left out and noted."""
    found: dict[Path, T] = {}
    for file in files:
        try:
            found[file] = read(file)
        except ImageError as error:
            if config.on_bad_row == "fail":
                raise ValueError(f"{error} (--on-bad-row reject leaves such files out.)") from error
            notes.append(f"left out: {error}")
    if not found:
        unread = unread_of(folder)
        raise ValueError(
            f"{folder}: expected images ({', '.join(SUFFIXES)}). Received: "
            f"{f'{unread}. Convert them to .png' if unread else 'none'}."
        )
    return found


def _row_of(folder: Path, kinds: Kinds, config: DataConfig) -> tuple[Shape, ImageSpec]:
    """Shape of the rows, and how images become such; ValueError where they differ and none says."""
    bits = _bits_of(folder, kinds, config)
    sizes = Counter((kind.width, kind.height) for kind in kinds.values())
    channels = Counter(kind.channels for kind in kinds.values())
    received, advice = list[str](), list[str]()
    if config.image_size is None and len(sizes) > 1:
        received.append(f"{_counted_sizes(sizes)} (width x height)")
        width, height = advised_size(sizes)
        advice.append(f"--image-size {width}x{height} to have all of them resized")
    if config.channels is None and len(channels) > 1:
        received.append(_counted(channels, lambda number: KINDS[number]))
        advice.append("--channels 1 to make all of them grey, 3 to keep colours")
    if advice:
        raise ValueError(
            f"{folder}: expected images of one size and kind. Received: {'; '.join(received)}. "
            f"Type {', and '.join(advice)}."
        )
    width, height = next(iter(sizes))
    height, width = config.image_size or (height, width)
    aspects = [kind.width / kind.height for kind in kinds.values()]
    resampling = None if config.image_size is None else "bilinear"
    spec = ImageSpec(bits, resampling, "upright", (min(aspects), max(aspects)))
    return (height, width, config.channels or next(iter(channels))), spec


def _bits_of(folder: Path, kinds: Kinds, config: DataConfig) -> int:
    bits = Counter(kind.bits for kind in kinds.values())
    if len(bits) > 1:
        first = {kind.bits: file for file, kind in reversed(kinds.items())}
        raise ValueError(
            f"{folder}: expected images of 8 or of 16 bits a channel. Received: {bits[8]:,} of 8, "
            f"such as {first[8]}, and {bits[16]:,} of 16, such as {first[16]}. Put them into "
            "folders of their own: values of the ones are not those of the others."
        )
    if bits[16] and config.channels == 3:
        raise ValueError(
            f"{folder}: expected --channels 1, or none, of images of 16 bits, which are grey. "
            "Received: 3."
        )
    return next(iter(bits))


def _check_memory(folder: Path, rows: Array, kinds: Kinds) -> None:
    if rows.nbytes > LARGEST_BYTES:
        sizes = Counter((kind.width, kind.height) for kind in kinds.values())
        width, height = advised_size(sizes)
        raise ValueError(
            f"{folder}: expected images that take {LARGEST_BYTES / 2**30:g} GiB of memory at most. "
            f"Received: {len(rows):,} of {said(rows.shape[2], rows.shape[1])} (width x height), "
            f"{rows.nbytes / 2**30:.1f} GiB. Type --image-size {width}x{height}, or as small as "
            "still shows what matters."
        )


def _notes(folder: Path, kinds: Kinds, y: Array, shape: Shape) -> list[str]:
    """Notes on what was done to images, and on which were taken as normal."""
    notes, size = list[str](), (shape[1], shape[0])
    if unread := unread_of(folder):
        notes.append(f"not read, as they are of other formats: {unread}; convert them to .png")
    others = [kind for kind in kinds.values() if kind[:2] != size]
    if others:
        sizes = Counter((kind.width, kind.height) for kind in others)
        counts = _counted_sizes(sizes)
        notes.append(f"resized to {said(*size)} (width x height): {counts}")
    ratio = size[0] / size[1]
    stretched = [f for f, kind in kinds.items() if is_distorted(kind[:2], (ratio, ratio))]
    if stretched:
        notes.append(
            f"stretched, as their sides have another ratio than {said(*size)}: {len(stretched):,} "
            f"images, such as {stretched[0]} of {said(*kinds[stretched[0]][:2])}"
        )
    if not y.any() and any(file.parent != folder for file in kinds):
        notes.append("all images are taken as normal: no folder of them is named normal or good")
    return notes


def _counted_sizes(sizes: "Counter[tuple[int, int]]") -> str:
    return _counted(sizes, lambda size: f"of {said(*size)}")


def _counted(counts: "Counter[T]", name: Callable[[T], str]) -> str:
    """Counts of what there is most of, for people."""
    each = [f"{n:,} {name(key)}" for key, n in counts.most_common(SHOWN)]
    rest = counts.total() - sum(n for _, n in counts.most_common(SHOWN))
    return ", ".join([*each, *([f"{rest:,} others"] if rest else [])])
