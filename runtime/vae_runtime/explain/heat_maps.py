"""Heat maps: pictures of images on which those places are coloured that add to the score.

The scale is the bundle's own, so that a picture looks the same whatever is drawn beside it. Of the
pixels of its probe rows, which are normal, `usual` is the median of nats, and a thousandth has more
than `most`. Up to `most` nothing is coloured; above, from yellow to red in a logarithmic scale, red
from `most + 4 * (most - usual)` on. Where `usual` is near 0, that is five times `most`.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.libraries import need
from vae_runtime.bundle.manifest import Model

LARGEST, SMALLEST = 1024, 256  # pixels of a picture's longer side: beyond, it is resized
YELLOW, RED = np.array([255.0, 225.0, 0.0]), np.array([255.0, 0.0, 0.0])
SHARE = 0.999  # of normal pixels that are not coloured
SPAN = 5.0  # from where colour begins to where it is full
OPAQUE, RISE = 0.75, 4.0  # most of the image that colour hides; how fast it begins to


class HeatScale(NamedTuple):
    """Nats of a pixel: the `usual` of normal ones, and `most`, from where on it is coloured."""

    usual: float
    most: float

    @property
    def full(self) -> float:
        """Nats of a pixel that is red."""
        return self.most + (SPAN - 1.0) * self._unit

    def strength(self, nats: NDArray[np.float32]) -> NDArray[np.float64]:
        """Strength of colour, from 0 to 1, of pixels with these nats."""
        above = np.maximum(nats.astype(np.float64) - self.most, 0.0) / self._unit
        strength: NDArray[np.float64] = np.minimum(np.log1p(above) / np.log(SPAN), 1.0)
        return strength

    @property
    def _unit(self) -> float:
        return (self.most - self.usual) or 1.0


def is_of_images(model: Model) -> bool:
    """True for a model whose rows can be drawn: (height, width, 1 or 3 channels)."""
    shape = model.input_shape
    return len(shape) == 3 and shape[-1] in (1, 3) and model.feature_names is None


def scale_of(nats: NDArray[np.float32]) -> HeatScale:
    """Scale by the shares of normal rows: nats float32 (batch, height, width, channels)."""
    pixels = nats.sum(axis=3)
    return HeatScale(float(np.median(pixels)), float(np.quantile(pixels, SHARE)))


def draw(picture: NDArray[np.uint8], nats: NDArray[np.float32], scale: HeatScale) -> Any:
    """Draws a heat map over an image; returns an image of Pillow, in RGB.

    Args:
        picture: uint8 (height, width), the image in grey, of any size.
        nats: float32 (height, width, channels), shares of the score, of the model's size.
        scale: of colours.
    """
    pillow = need("PIL.Image", "drawing heat maps", "write .npz")
    ground = _sized(pillow.fromarray(picture), pillow.Resampling)
    pixels = pillow.fromarray(np.ascontiguousarray(nats.sum(axis=2), np.float32))
    spread = np.asarray(pixels.resize(ground.size, pillow.Resampling.BILINEAR))
    strength = scale.strength(spread)[..., None]
    colour = YELLOW + (RED - YELLOW) * strength
    hidden = OPAQUE * np.minimum(RISE * strength, 1.0)
    grey = np.asarray(ground, np.float64)[..., None]
    return pillow.fromarray(np.rint(grey * (1.0 - hidden) + colour * hidden).astype(np.uint8))


def _sized(image: Any, resampling: Any) -> Any:
    """Image scaled so that its longer side is neither too large nor too small to look at."""
    longest = max(image.size)
    if longest > LARGEST:
        size = tuple(max(1, round(side * LARGEST / longest)) for side in image.size)
        return image.resize(size, resampling.BILINEAR)
    if longest < SMALLEST:
        zoom = -(-SMALLEST // longest)
        return image.resize([zoom * side for side in image.size], resampling.NEAREST)
    return image
