"""Optional members of a likelihood, which a layer of a user's own may lack."""

import keras
import numpy as np

from vae_keras._base.arrays import Array


def title_of(likelihood: keras.layers.Layer) -> str:
    """Title of a likelihood, for people."""
    return str(getattr(likelihood, "title", type(likelihood).__name__.lower()))


def applied_by(likelihood: keras.layers.Layer) -> str | None:
    """Activation that a likelihood applies to the decoder's output: sigmoid, softmax or None."""
    return getattr(likelihood, "applies", None)


def draw(likelihood: keras.layers.Layer, mean: Array, rng: np.random.Generator) -> Array:
    """Draws pre-processed rows of these means; of a layer that draws none they are the means."""
    drawn: Array = likelihood.draw(mean, rng) if hasattr(likelihood, "draw") else mean
    return drawn


def share(mean: Array, rng: np.random.Generator) -> Array:
    """A share for each row of what its noise would be, as rows of data are smoother than draws.

    Args:
        mean: (rows, ...).
        rng: draws the shares.

    Returns:
        (rows, 1, ...), from 0 to 1.
    """
    return np.asarray(rng.uniform(size=(len(mean), *[1] * (mean.ndim - 1))))
