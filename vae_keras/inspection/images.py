"""Folders of images: how many, of which sizes and kinds, and the command to train with."""

from collections import Counter
from pathlib import Path

from vae_keras.survey.words import counted, listed, share
from vae_runtime.rows.formats.image_files import images_of
from vae_runtime.rows.formats.pixels import check_pillow, kind_of

from .findings import Findings

NORMAL = ("normal", "good")  # folders
LARGEST_SIDE = 128  # pixels of the longer side of a size that is suggested, at most
SHOWN = 8  # sizes

Kind = tuple[int, int, str]  # width, height, what its pixels are


def images_in(folder: Path) -> list[Path]:
    """Image files of a folder and those in it, as training takes them."""
    images_of.cache_clear()  # there may be others by now
    return list(images_of(str(folder)))


def inspect_images(source: str, files: list[Path]) -> Findings:
    """Findings on a folder of images.

    Args:
        source: the folder, as it was typed.
        files: the images in it.
    """
    check_pillow(Path(source))
    folder, kinds, bad = Path(source), Counter[Kind](), list[Path]()
    for file in files:
        kind = _kind_of(file)
        if kind is None:
            bad.append(file)
        else:
            kinds[kind] += 1
    marks = [_is_normal(file.relative_to(folder)) for file in files]
    normal = sum(marks) if any(marks) else len(files)
    sizes: Counter[tuple[int, int]] = Counter()
    for (width, height, _), n in kinds.items():
        sizes[width, height] += n
    pixels: Counter[str] = Counter()
    for (_, _, what), n in kinds.items():
        pixels[what] += n
    return Findings(
        heading=(f"{source}: {counted(len(files), 'image')}",),
        contents=tuple(_lines(kinds)),
        notes=tuple(_notes(folder, files, normal, bad)),
        command=tuple(_command(source, sizes, pixels, bad)),
        record={
            "images": len(files),
            "normal": normal,
            "unreadable": [str(file) for file in bad],
            "sizes": [
                {"width": width, "height": height, "pixels": what, "images": n}
                for (width, height, what), n in kinds.most_common()
            ],
        },
    )


def _is_normal(inside: Path) -> bool:
    return not {part.lower() for part in inside.parts[:-1]}.isdisjoint(NORMAL)


def _kind_of(file: Path) -> Kind | None:
    """Size and pixels of an image from the beginning of its file; None where it is none."""
    try:
        found = kind_of(file)
    except ValueError:
        return None
    what = "16 bits" if found.bits == 16 else "grey" if found.channels == 1 else "colour"
    return found.width, found.height, what


def _lines(kinds: Counter[Kind]) -> list[str]:
    lines = [f"{'width x height':<16} {'pixels':<8} images"]
    for (width, height, what), n in kinds.most_common(SHOWN):
        lines.append(f"{f'{width} x {height}':<16} {what:<8} {n:,}")
    if len(kinds) > SHOWN:
        lines.append(f"and {len(kinds) - SHOWN:,} more sizes")
    return lines


def _notes(folder: Path, files: list[Path], normal: int, bad: list[Path]) -> list[str]:
    notes = []
    others = len(files) - normal
    if others:
        part = share(others, len(files))
        notes.append(
            f"images in a folder normal or good are normal ({normal:,}); the other {others:,} "
            f"({part}) are anomalies, kept out of training"
        )
    elif not any(_is_normal(file.relative_to(folder)) for file in files):
        notes.append("no folder is called normal or good: all images are taken as normal")
    if bad:
        notes.append(f"no readable images, left out: {listed([str(file) for file in bad], 3)}")
    return notes


def _command(
    source: str, sizes: Counter[tuple[int, int]], pixels: Counter[str], bad: list[Path]
) -> list[str]:
    from .command import name_of

    words = ["vae-keras", "train", "--data", source]
    largest = max((max(size) for size in sizes), default=0)
    if len(sizes) > 1 or largest > LARGEST_SIDE:
        width, height = max(sorted(sizes), key=lambda size: sizes[size])
        shrink = max(1.0, max(width, height) / LARGEST_SIDE)
        height, width = (max(1, round(side / shrink)) for side in (height, width))
        words += ["--image-size", f"{width}x{height}"]
    if len(pixels) > 1:
        words += ["--channels", "1"]
    if bad:
        words += ["--on-bad-row", "reject"]
    return [*words, "--out", f"runs/{name_of([source])}"]
