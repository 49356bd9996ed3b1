"""Likelihoods as layers: found by name, and built for columns."""

import importlib
from typing import Any

import keras

from .categorical import Categorical
from .members import applied_by as applied_by
from .members import draw as draw
from .members import title_of as title_of
from .mixed import Mixed
from .registry import LIKELIHOODS, unbounded

# all are imported, as Keras loads none that it has not seen
BY_NAME: dict[str, Any] = {
    name: getattr(importlib.import_module(f".{name}", __package__), entry.layer)
    for name, entry in LIKELIHOODS.items()
}


def get(likelihood: str | keras.layers.Layer) -> Any:
    """A likelihood by its name in `BY_NAME`, or the layer itself; ValueError for all else."""
    if isinstance(likelihood, keras.layers.Layer):
        return likelihood
    if likelihood not in BY_NAME:
        raise ValueError(
            f"expected a likelihood of {', '.join(BY_NAME)}. Received: {likelihood!r}."
        )
    return BY_NAME[likelihood](name="likelihood")


def standard(likelihood: str | keras.layers.Layer) -> Any:
    """Likelihood of a model trained elsewhere: as from `get`, but a scale, if it has one, is 1.

    A layer is returned as it is.
    """
    made = get(likelihood)
    is_named = isinstance(likelihood, str)
    return type(made).standard() if is_named and hasattr(made, "standard") else made


def build(name: str, *, features: int, groups: tuple[int, ...], sigma: str) -> Any:
    """The likelihood of rows whose last columns are one-hot groups, if there are any.

    Args:
        name: in `BY_NAME`, of the columns before.
        features: how many columns there are in all.
        groups: sizes of the one-hot groups.
        sigma: how to find the scale of one that has a scale.
    """
    if groups and sum(groups) == features:
        return Categorical(groups, name="likelihood")
    options = {"sigma": sigma} if name in LIKELIHOODS and LIKELIHOODS[name].sigmas else {}
    likelihood = BY_NAME[name](name="likelihood", **options) if options else get(name)
    if not groups:
        return likelihood
    if likelihood.support is not None:
        raise ValueError(
            f"expected a likelihood of {unbounded()} for the columns beside one-hot groups, since "
            f"they are standardised. Received: {name!r}."
        )
    parts = [BY_NAME[name](**options), Categorical(groups)]
    return Mixed(parts, (features - sum(groups), sum(groups)), name="likelihood")
