"""Images: how many in which folders, of which sizes and kinds, and the command to train with."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vae_keras.survey.image_folders import ADVISED_SIDE, advised_size, folder_of
from vae_keras.survey.words import counted, listed, share
from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.formats.image_files import (
    NORMAL,
    anomalies_of,
    images_of,
    is_image,
    unread_of,
)
from vae_runtime.rows.formats.pixels import (
    UNSAID,
    ImageKind,
    check_pillow,
    kind_of,
    picture,
)
from vae_runtime.rows.input_files import files_of
from vae_runtime.verdicts.calibration import rows_needed

from .command import ALPHAS, HELD_FOR_TEST, data_of, is_exact, name_of
from .findings import Findings

SHOWN = 8  # sizes, and folders
DECODED = 3e8  # pixels that are decoded, to find images that end early: some seconds


class Images(NamedTuple):
    """Images by their kind, those that training refuses with the reason, how many were decoded."""

    kinds: dict[Path, ImageKind]
    bad: dict[Path, str]
    decoded: int


def images_in(sources: Sequence[str]) -> list[Path]:
    """Image files that sources stand for, as training takes them; none where these are of rows."""
    images_of.cache_clear()  # there may be others by now
    found = files_of(sources, Wanted())
    if not all(file.is_dir() or is_image(file) for file in found):
        return []
    return [image for each in found for image in images_of(str(each))]


def inspect_images(sources: Sequence[str], files: Sequence[Path]) -> Findings:
    """Findings on images.

    Args:
        sources: folders, globs and files, as they were typed.
        files: the images that they stand for.
    """
    check_pillow(Path(sources[0]))
    source = data_of(sources)
    folder, found = folder_of(source), _look_at(files)
    if not found.kinds:
        raise ValueError(f"{source}: expected images. Received: {next(iter(found.bad.values()))}")
    anomalies = anomalies_of(folder, files)
    normal = sum(file in found.kinds for file in np.asarray(files)[~anomalies])
    alpha = next((a for a in ALPHAS if rows_needed(a) <= normal * (1 - HELD_FOR_TEST)), ALPHAS[-1])
    sizes = Counter((kind.width, kind.height) for kind in found.kinds.values())
    return Findings(
        heading=(f"{source}: {counted(len(files), 'image')}",),
        contents=(*_size_lines(found), *_folder_lines(folder, files)),
        notes=(
            *_notes(folder, files, int(anomalies.sum()), found),
            *_limits(sources, source, alpha),
        ),
        command=tuple(_command(source, sizes, found, alpha)),
        record={
            "images": len(files),
            "normal": int((~anomalies).sum()),
            "unreadable": [str(file) for file in found.bad],
            "sizes": [
                {"width": kind.width, "height": kind.height, "pixels": _pixels(kind), "images": n}
                for kind, n in _counts(found).most_common()
            ],
        },
    )


def _look_at(files: Sequence[Path]) -> Images:
    """Kinds of images from the beginning of each file; the first ones are decoded whole."""
    kinds, bad = dict[Path, ImageKind](), dict[Path, str]()
    pixels, decoded = 0, 0
    for file in files:
        try:
            kind = kind_of(file)
            if pixels + kind.width * kind.height <= DECODED:
                picture(file, UNSAID)
                pixels, decoded = pixels + kind.width * kind.height, decoded + 1
        except ValueError as error:
            bad[file] = str(error)
        else:
            kinds[file] = kind
    return Images(kinds, bad, decoded)


def _counts(found: Images) -> Counter[ImageKind]:
    return Counter(found.kinds.values())


def _pixels(kind: ImageKind) -> str:
    """What the pixels of an image are, for people."""
    return "16 bits" if kind.bits == 16 else "grey" if kind.channels == 1 else "colour"


def _size_lines(found: Images) -> list[str]:
    counts = _counts(found)
    lines = [f"{'width x height':<16} {'pixels':<8} images"]
    for kind, n in counts.most_common(SHOWN):
        lines.append(f"{f'{kind.width} x {kind.height}':<16} {_pixels(kind):<8} {n:,}")
    return [*lines, *_more(len(counts), "size")]


def _folder_lines(folder: Path, files: Sequence[Path]) -> list[str]:
    """Lines on the folders that images are in, where there are several."""
    inside = Counter(file.relative_to(folder).parent.as_posix() for file in files)
    if len(inside) < 2:
        return []
    width = max(16, *(len(name) for name, _ in inside.most_common(SHOWN)))
    lines = [f"{name:<{width}} {n:,}" for name, n in inside.most_common(SHOWN)]
    return ["", f"{'folder':<{width}} images", *lines, *_more(len(inside), "folder")]


def _more(count: int, noun: str) -> list[str]:
    return [f"and {counted(count - SHOWN, f'more {noun}')}"] if count > SHOWN else []


def _notes(folder: Path, files: Sequence[Path], anomalies: int, found: Images) -> list[str]:
    notes = []
    if anomalies:
        normal = len(files) - anomalies
        notes.append(
            f"images in a folder normal or good are normal ({normal:,}); the other {anomalies:,} "
            f"({share(anomalies, len(files))}) are anomalies, kept out of training"
        )
    elif not any(_is_normal(file.relative_to(folder)) for file in files):
        notes.append("no folder is called normal or good: all images are taken as normal")
    if len({kind.bits for kind in found.kinds.values()}) > 1:
        notes.append(
            "images of 8 and of 16 bits are never mixed: put those of one kind into another folder"
        )
    if found.bad:
        names = [str(file) for file in found.bad]
        first = next(iter(found.bad.values())).rstrip(".")
        notes.append(f"{counted(len(names), 'image')} left out ({listed(names, 3)}): {first}")
    if found.decoded < len(found.kinds):
        rest = len(found.kinds) - found.decoded
        notes.append(
            f"of {counted(rest, 'image')} only the beginning was read: whether they are whole, "
            "training will tell"
        )
    if unread := unread_of(folder):
        notes.append(f"not read, as they are of other formats: {unread}; convert them to .png")
    return notes


def _limits(sources: Sequence[str], source: str, alpha: float) -> list[str]:
    """Sentences on what else the command reads, and on few images."""
    notes = []
    if not is_exact(sources):
        notes.append(f"the command reads all images of {source}, not only those that were named")
    if alpha > ALPHAS[0]:
        notes.append(
            f"normal images are few: the alarm is set for {alpha:.0%} of false alarms, as 1 % "
            "needs more of them"
        )
    return notes


def _is_normal(inside: Path) -> bool:
    return not {part.lower() for part in inside.parts[:-1]}.isdisjoint(NORMAL)


def _command(
    source: str, sizes: Counter[tuple[int, int]], found: Images, alpha: float
) -> list[str]:
    words = ["vae-keras", "train", "--data", source]
    largest = max((max(size) for size in sizes), default=0)
    if len(sizes) > 1 or largest > ADVISED_SIDE:
        width, height = advised_size(sizes)
        words += ["--image-size", f"{width}x{height}"]
    if len({kind.channels for kind in found.kinds.values()}) > 1:
        words += ["--channels", "1"]
    if found.bad:
        words += ["--on-bad-row", "reject"]
    if alpha > ALPHAS[0]:
        words += ["--alpha", f"{alpha:g}"]
    return [*words, "--out", f"runs/{name_of([source])}"]
