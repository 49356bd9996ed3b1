"""scikit-learn's 8 x 8 handwritten digits.

All ten are normal; the anomalies are real images that are not digits: 8 x 8 grey patches of
scikit-learn's two bundled photographs.
"""

import numpy as np

from vae_keras._base.arrays import Array
from vae_runtime._base.libraries import need

from . import labels
from .datasets import Dataset

PATCHES = 200  # of each photograph


def load_digits(classes: str | None = None) -> Dataset:
    """1,797 digits, and 400 photograph patches as anomalies: float32 (2197, 8, 8, 1) in 0..16.

    With classes of "digit" it says which digit each is.
    """
    need("PIL.Image", "reading the photographs beside the digits")  # by scikit-learn
    sklearn_datasets = need("sklearn.datasets", "reading the digits")
    if classes not in (None, "digit"):
        raise ValueError(f"expected classes of 'digit' for digits. Received: {classes!r}.")
    digits = sklearn_datasets.load_digits()
    normal, digit = digits.images, digits.target
    photographs = sklearn_datasets.load_sample_images().images
    rng = np.random.default_rng(0)
    patches = np.concatenate([_patches(p, rng) for p in photographs])
    x = np.concatenate([normal, patches]).astype(np.float32)[..., None]
    y = np.arange(len(x)) >= len(normal)
    license = "CC BY 4.0 (UCI ML repository, digits)"
    dataset = Dataset("digits", x, y, (0.0, 16.0), license=license)
    if classes is None:
        return dataset
    nothing = np.full(len(x) - len(normal), labels.UNKNOWN)
    return labels.with_labels(dataset, np.append(digit, nothing), column=classes)


def _patches(photograph: Array, rng: np.random.Generator) -> Array:
    """Some of the photograph's 8 x 8 tiles that are not all one grey: (200, 8, 8) in 0..16."""
    luma = photograph @ np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
    grey = np.rint(luma * 16 / 255)
    height, width = (side // 8 * 8 for side in grey.shape)
    tiles = grey[:height, :width].reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2)
    tiles = tiles.reshape(-1, 8, 8)
    tiles = tiles[tiles.max((1, 2)) > tiles.min((1, 2))]
    return tiles[rng.permutation(len(tiles))[:PATCHES]]
