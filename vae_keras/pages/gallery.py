"""Gallery of the images with the highest scores: as received, as reconstructed, where they err."""

from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps

from vae_keras._base.arrays import Array, Floats
from vae_runtime._base.png import contact_sheet

from .drawing import picture
from .findings import Findings

MOST = 12  # images
SIDE = 96  # pixels of an image on the page, at most
HEAT = "inferno"


@dataclass(frozen=True)
class Gallery:
    """Images with the highest scores, highest first.

    Args:
        rows: their numbers.
        charts: an element of the page for each, three pictures side by side.
        png: all of them as one PNG.
    """

    rows: Array
    charts: tuple[str, ...]
    png: bytes


def draw(findings: Findings) -> Gallery:
    """Draws the images with the highest scores."""
    order = np.argsort(-np.nan_to_num(findings.score, nan=np.inf), kind="stable")
    rows = order[:MOST]
    x, judge = findings.dataset.x[rows], findings.judge
    nats = np.clip(np.nan_to_num(judge.nats(x).sum(axis=-1)), 0, None)
    low, high = judge.spec.value_range or (float(x.min()), float(x.max()))
    received, expected = (_grey(_smaller(each), low, high) for each in (x, judge.expect(x)))
    heat = _smaller(nats[..., None])[..., 0]
    errors = colormaps[HEAT](heat / (heat.max() or 1.0))[..., :3]
    trios = np.stack([received, expected, errors], axis=1)
    sheets = [contact_sheet(trio, (0.0, 1.0), columns=3) for trio in trios]
    alt = "As received, as reconstructed, and what each place adds to the score."
    shape = (-1, *trios.shape[2:])
    return Gallery(
        rows,
        tuple(picture(sheet, alt) for sheet in sheets),
        contact_sheet(trios.reshape(shape), (0.0, 1.0), columns=6),
    )


def _grey(images: Floats, low: float, high: float) -> Floats:
    """Images as colours from 0 to 1: of one channel, or of others than three, as grey."""
    shares = (images - low) / ((high - low) or 1.0)
    if images.shape[-1] == 3:
        return shares
    return np.repeat(shares.mean(axis=-1, keepdims=True), 3, axis=-1)


def _smaller(images: Array) -> Floats:
    """Images of `SIDE` pixels at most, each the mean of a square."""
    step = -(-max(images.shape[1:3]) // SIDE)
    height, width = (max(side // step, 1) for side in images.shape[1:3])
    cut = images[:, : height * step, : width * step].astype(np.float64)
    squares = cut.reshape(len(cut), height, cut.shape[1] // height, width, -1, images.shape[-1])
    return squares.mean(axis=(2, 4))
