"""Pixels of an image file, as training and the device read them.

Everything that is done to an image is done here, for both: turned upright as its EXIF tag says,
made grey or coloured, resized. Palettes become their colours, CMYK becomes RGB, of one bit 0 and 1
become 0 and 255, and what is transparent keeps the colour that is stored below.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.libraries import need
from vae_runtime.bundle.records import ImageSpec

MODES = {1: "L", 3: "RGB"}  # Pillow's, by the number of channels
GREY = ("1", "L", "LA", "La")  # modes of grey images of 8 bits
DEEP = ("I", "I;16", "I;16L", "I;16B", "I;16N")  # of 16 bits, or of 32 that hold no more
WHITE = {8: 255.0, 16: 65535.0}  # the largest value, by the bits of a channel
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")  # others run programs, or are none
ORIENTATION, TURNED = 0x0112, (5, 6, 7, 8)  # the EXIF tag, and its values that swap the sides
WIDTH, HEIGHT = 256, 257  # tags of TIFF
# Of bundles that say nothing of images: what training did to them before it was said.
UNSAID = ImageSpec(bits=8, resampling=None, orientation="stored")
NEAR = 1.02  # ratios of sides that differ by less are alike: sizes are whole numbers

# What Pillow raises at files that are damaged, too large or something else.
UNREADABLE = (
    *(OSError, ValueError, SyntaxError, TypeError, LookupError, ArithmeticError, EOFError),
    *(RuntimeError, AttributeError, struct.error, zlib.error),
    Warning,  # of damaged parts, and of images almost too large, where warnings are errors
)


class ImageError(ValueError):
    """Error for a file that is not an image, or is damaged."""


class ImageKind(NamedTuple):
    """Size in pixels, upright; number of channels, 1 or 3; bits of a channel, 8 or 16."""

    width: int
    height: int
    channels: int
    bits: int


def said(width: int, height: int) -> str:
    """Size of an image, for people.

    >>> said(64, 48)
    '64 x 48'
    """
    return f"{width:,} x {height:,}"


def check_pillow(source: Path) -> None:
    """Raises ValueError, which says what to install, where Pillow is missing."""
    _pillow(source)


def kind_of(file: Path) -> ImageKind:
    """Kind of an image, from the beginning of its file.

    Raises:
        ImageError: it is not a readable image.
        ValueError: its channels are not of 8 or 16 bits.
    """
    with _opened(file) as image:
        bits = _bits(file, image)
        width, height = image.size
        if image.format == "TIFF":  # which some versions of Pillow turn by themselves
            width, height = image.tag_v2[WIDTH], image.tag_v2[HEIGHT]
        if image.getexif().get(ORIENTATION) in TURNED:
            width, height = height, width
        is_grey = bits == 16 or image.mode in GREY
    return ImageKind(width, height, 1 if is_grey else 3, bits)


class Pixels(NamedTuple):
    """A row of a model, (height, width, channels), and the size of the image that it is of."""

    x: NDArray[Any]
    size: tuple[int, int]  # width, height


def read_pixels(file: Path, shape: tuple[int, ...], spec: ImageSpec) -> Pixels:
    """Pixels of an image as a row of a model.

    Args:
        file: the image.
        shape: (height, width, channels) of the model's rows.
        spec: how images become such rows.

    Returns:
        `Pixels`: of uint8, or of 16 bits float32 from 0 to 65535.

    Raises:
        ImageError: it is not an image, or is damaged.
        ValueError: it cannot become such a row.
    """
    image = _loaded(file, upright=spec.orientation == "upright")
    height, width, channels = shape
    bits = _bits(file, image)
    if bits != spec.bits:
        raise ValueError(
            f"{file}: expected {spec.bits} bits a channel. Received: {bits} (mode {image.mode})."
        )
    if image.size != (width, height) and spec.resampling is None:
        raise ValueError(
            f"{file}: expected {said(width, height)} pixels (width x height). Received: "
            f"{said(*image.size)}. The model was trained on images of that size alone; training "
            f"with --image-size {width}x{height} has others resized."
        )
    if spec.bits == 16:
        return Pixels(_deep(file, image, (width, height)).reshape(shape), image.size)
    resized = _resized(_plain(file, image, MODES[channels]), (width, height))
    return Pixels(np.asarray(resized).reshape(shape), image.size)


def picture(file: Path, spec: ImageSpec) -> NDArray[np.uint8]:
    """Image of a file in grey, of its own size, to draw on: uint8 (height, width)."""
    image = _loaded(file, upright=spec.orientation == "upright")
    if _bits(file, image) == 8:
        return np.asarray(_plain(file, image, "L"))
    return stretched(_values(file, image))


def stretched(values: NDArray[Any], limits: tuple[float, float] | None = None) -> NDArray[np.uint8]:
    """Values of pixels from black to white, uint8 of the same shape.

    Args:
        values: of any shape.
        limits: the values of black and white; where None, the lowest and the highest.
    """
    low, high = limits or (float(values.min()), float(values.max()))
    grey = (values.astype(np.float64) - low) * (255.0 / ((high - low) or 1.0))
    return np.rint(np.clip(grey, 0.0, 255.0)).astype(np.uint8)


def is_distorted(size: tuple[int, int], aspect: tuple[float, float]) -> bool:
    """True where the sides of an image have another ratio, width / height, than from ... to.

    >>> is_distorted((640, 480), (1.25, 1.34)), is_distorted((480, 640), (1.25, 1.34))
    (False, True)
    """
    ratio = size[0] / size[1]
    return not aspect[0] / NEAR <= ratio <= aspect[1] * NEAR


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """Context with an image whose pixels are not read yet; errors are `ImageError`."""
    pillow = _pillow(file)
    try:
        # of a file that is named, Pillow maps pixels; one that shrinks would kill the process
        with file.open("rb") as content, pillow.open(content, formats=_formats()) as image:
            yield image
    except _NoWholeNumbers:
        raise
    except pillow.UnidentifiedImageError as error:
        known = f"its format is not one of {', '.join(FORMATS)}"
        why = known if file.stat().st_size else "it is empty"
        raise ImageError(f"{file} is not a readable image: {why}.") from error
    except (*UNREADABLE, pillow.DecompressionBombError) as error:
        raise ImageError(f"{file} is not a readable image: {_reason(error)}.") from error


def _loaded(file: Path, *, upright: bool) -> Any:
    turn = need("PIL.ImageOps", f"{file}: reading images").exif_transpose
    with _opened(file) as image:
        image.load()
        return turn(image) if upright else image


class _NoWholeNumbers(ValueError):
    """Error for channels of floating-point numbers."""


def _bits(file: Path, image: Any) -> int:
    if image.mode.startswith("F"):
        raise _NoWholeNumbers(
            f"{file}: expected 8 or 16 bits a channel. Received: mode {image.mode}, floating-point "
            "numbers. Give such images as .npy."
        )
    return 16 if image.mode in DEEP else 8


def _plain(file: Path, image: Any, mode: str) -> Any:
    """An image of 8 bits in one of `MODES`."""
    try:
        if image.mode in ("P", "PA"):
            image = image.convert("RGBA")  # or Pillow warns where a palette has transparent colours
        return image.convert(mode)
    except ValueError as error:
        raise ImageError(f"{file} is not an image in grey or colours: {error}.") from error


def _deep(file: Path, image: Any, size: tuple[int, int]) -> NDArray[np.float32]:
    """Pixels of 16 bits as float32, with fractions where they are resized."""
    pillow, values = _pillow(file), _values(file, image)
    if image.size == size:
        return values
    resized: NDArray[np.float32] = np.asarray(_resized(pillow.fromarray(values), size))
    return np.clip(resized, 0.0, np.float32(WHITE[16]))  # rounding can lead out of it


def _values(file: Path, image: Any) -> NDArray[np.float32]:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > WHITE[16]:
        raise ValueError(
            f"{file}: expected values from 0 to 65,535. Received: {values.min():,} to "
            f"{values.max():,}, mode {image.mode}. Give such images as .npy."
        )
    return values.astype(np.float32)


def _resized(image: Any, size: tuple[int, int]) -> Any:
    if image.size == size:
        return image
    return image.resize(size, need("PIL.Image", "resizing images").Resampling.BILINEAR)


def _pillow(file: Path) -> Any:
    return need("PIL.Image", f"{file}: reading images", "give the rows as .npy")


@lru_cache(maxsize=1)
def _formats() -> list[str]:
    """Entries of `FORMATS` that this Pillow was built with."""
    pillow = need("PIL.Image", "reading images")
    pillow.init()
    return [name for name in FORMATS if name in pillow.OPEN]


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
