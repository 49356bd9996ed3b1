"""Images as one PNG contact sheet, with numpy and zlib alone, so that a device can show samples.

Source: PNG specification, third edition (W3C 2025), sections 5 and 11.
"""

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPE = {1: 0, 3: 2}  # channels -> greyscale, truecolour


def contact_sheet(
    images: NDArray[Any],
    value_range: tuple[float, float] | None,
    *,
    columns: int | None = None,
) -> bytes:
    """The bytes of a PNG with all images in a grid, each blown up to stay visible.

    Args:
        images: (batch, height, width, channels) with 1 or 3 channels, or (batch, height, width).
        value_range: the values of black and white; the images' own extremes where None.
        columns: images side by side; as many as make the grid near-square where None.

    Raises:
        ValueError: these are not images.
    """
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in _COLOUR_TYPE or not images.size:
        raise ValueError(
            f"expected images (batch, height, width, 1 or 3). Received: {images.shape}. "
            "Write a .npy file instead."
        )
    low, high = value_range or (float(images.min()), float(images.max()))
    grey = np.clip((images - low) / ((high - low) or 1.0), 0.0, 1.0) * 255.0
    return _encode(_grid(np.rint(grey).astype(np.uint8), columns))


def _grid(images: NDArray[np.uint8], columns: int | None) -> NDArray[np.uint8]:
    n, height, width, channels = images.shape
    zoom = max(1, 64 // max(height, width))
    images = images.repeat(zoom, axis=1).repeat(zoom, axis=2)
    images = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=96)
    columns = columns or int(np.ceil(np.sqrt(n)))
    rows = -(-n // columns)
    sheet = np.full((rows * columns, *images.shape[1:]), 96, np.uint8)
    sheet[:n] = images
    tall, wide = images.shape[1:3]
    sheet = sheet.reshape(rows, columns, tall, wide, channels).swapaxes(1, 2)
    return sheet.reshape(rows * tall, columns * wide, channels)


def _encode(image: NDArray[np.uint8]) -> bytes:
    height, width, channels = image.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPE[channels], 0, 0, 0)
    lines = np.zeros((height, 1 + width * channels), np.uint8)  # each line begins with filter 0
    lines[:, 1:] = image.reshape(height, -1)
    data = zlib.compress(lines.tobytes(), 9)
    chunks = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    return _SIGNATURE + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
