"""Deals segments of different lengths out to shares, so that each share gets about its size."""

from typing import Any

import numpy as np

from vae_keras._base.arrays import Array


def deal_segments(sizes: Array, shares: Array, rng: Any) -> Array:
    """Share that each segment goes to, so that the sums of sizes are close to the shares.

    Each segment goes where most is missing, the last ones where nothing is yet; long ones come
    first, so that none is left for a share that it would burst; those of a length, at random.
    """
    role, missing = np.full(len(sizes), -1), shares * sizes.sum()
    order = rng.permutation(np.flatnonzero(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    for left, segment in zip(range(len(order), 0, -1), order, strict=True):
        empty = ~np.isin(np.arange(len(shares)), role)
        open_to = empty if empty.sum() >= left else np.ones_like(empty)
        role[segment] = np.argmax(np.where(open_to, missing, -np.inf))
        missing[role[segment]] -= sizes[segment]
    return role
