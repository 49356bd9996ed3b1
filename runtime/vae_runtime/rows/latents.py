"""Latents: draws from a posterior, and points between two of them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.arguments import count, whole

Latents = NDArray[np.float32]

MOST_DRAWS = 100_000  # of one row: a mean over more is no better, and fills the memory
NO_ARC = 1e-6  # the sine of an angle that float32 cannot tell from none


def noise(
    draws: int | None, latent_dim: int, seed: int | None, *, most: int | None = MOST_DRAWS
) -> Latents:
    """Standard normal rows (draws, latent_dim); one where only a seed is given.

    The same seed gives the same rows, and the first of a longer draw are those of a shorter one.
    `most` is how many there may be, None for any number.
    """
    draws = 1 if draws is None else count("a number of draws", draws, least=1)
    whole("a number of draws", draws, least=1, most=most)
    seed = None if seed is None else whole("a seed", seed, least=0)
    return np.random.default_rng(seed).standard_normal((draws, latent_dim), np.float32)


def draw(z_mean: Latents, z_log_var: Latents, noise: Latents) -> Latents:
    """Draws z_mean + exp(z_log_var / 2) * noise, for each row and each row of noise.

    Returns:
        (batch, draws, latent_dim).
    """
    return np.asarray(z_mean[:, None] + np.exp(z_log_var / 2)[:, None] * noise, np.float32)


def linear(start: Latents, end: Latents, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points on the line, (1 - share) * start + share * end: (steps, latent_dim)."""
    share = share[:, None]
    return (1 - share) * start + share * end


def spherical(start: Latents, end: Latents, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points on the arc between two, whose lengths are interpolated too: (steps, latent_dim).

    A straight line between draws from N(0, I) passes through points closer to the origin than any
    draw; the arc does not. Points on one line through the origin have no arc: there it is the line.

    Source: Shoemake 1985; White 2016, "Sampling generative networks".
    """
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    if not min(lengths):
        return linear(start, end, share)
    angle = np.arccos(np.clip(start @ end / (lengths[0] * lengths[1]), -1.0, 1.0))
    if np.sin(angle) < NO_ARC:
        return linear(start, end, share)
    length = (1 - share) * lengths[0] + share * lengths[1]
    from_start, from_end = np.sin((1 - share) * angle), np.sin(share * angle)
    directions = np.outer(from_start, start / lengths[0]) + np.outer(from_end, end / lengths[1])
    return np.asarray(directions * (length / np.sin(angle))[:, None], np.float64)


METHODS: dict[str, Callable[[Latents, Latents, NDArray[np.float64]], NDArray[np.float64]]] = {
    "linear": linear,
    "spherical": spherical,
}


def interpolate(start: Latents, end: Latents, steps: int, method: str) -> Latents:
    """`steps` points from start to end, both included: float32 (steps, latent_dim)."""
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(f"expected a method of {', '.join(METHODS)}. Received: {method!r}.")
    steps = whole("steps", steps, least=2, most=MOST_DRAWS)  # the two ends
    points = METHODS[method](start, end, np.linspace(0.0, 1.0, steps))
    return points.astype(np.float32)
