"""Likelihoods p(x|z): what a decoder's output means, and how surprised it is by a row.

A likelihood is a small layer that states three things: `support`, where its x may lie after
pre-processing (None for anywhere); `feature_nll`, -log p(x_i|z) for each feature, in nats; and
`mean`, E[x|z]. Its weights, if any, are parameters shared by all rows. To add one, add a module
here with a test beside those of the others, and list it below.
"""

from typing import Any

import keras

from .bernoulli import Bernoulli
from .categorical import Categorical
from .gaussian import Gaussian
from .mixed import Mixed

__all__ = ["BY_NAME", "Bernoulli", "Categorical", "Gaussian", "Mixed", "build", "get"]

# Those that need no more than a name; the others are built from what is known of the columns.
BY_NAME = {"bernoulli": Bernoulli, "gaussian": Gaussian}


def get(likelihood: str | keras.layers.Layer) -> Any:
    """A likelihood by its name in `BY_NAME`, or the layer itself; ValueError for all else."""
    if isinstance(likelihood, keras.layers.Layer):
        return likelihood
    if likelihood not in BY_NAME:
        raise ValueError(
            f"expected a likelihood of {', '.join(BY_NAME)}. Received: {likelihood!r}."
        )
    return BY_NAME[likelihood](name="likelihood")


def build(name: str, *, features: int, groups: tuple[int, ...], sigma: str) -> Any:
    """The likelihood of rows whose last columns are one-hot groups, if there are any.

    Args:
        name: in `BY_NAME`, of the columns before.
        features: how many columns there are in all.
        groups: sizes of the one-hot groups.
        sigma: of a Gaussian.
    """
    options = {"sigma": sigma} if name == "gaussian" else {}
    if not groups:
        return get(name) if not options else Gaussian(name="likelihood", **options)
    if sum(groups) == features:
        return Categorical(groups, name="likelihood")
    if name != "gaussian":
        raise ValueError(
            "expected a gaussian likelihood for the columns beside one-hot groups, since they are "
            f"standardised. Received: {name!r}."
        )
    parts = [Gaussian(sigma), Categorical(groups)]
    return Mixed(parts, (features - sum(groups), sum(groups)), name="likelihood")
