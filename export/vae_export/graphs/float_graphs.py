"""Graphs that are made in float32 alone, whatever the precision of those that they serve.

    replacements   x -> x_expected [, channels_expected]; of a model whose score has a mixture

explains scores: each value as the others of its row lead one to expect it, in the data's units. And
what networks of 8 bits (`functions.build_networks`) leave to others stands before and after them:

    preprocess     x -> u, pre-processed
    head           u, z_mean, z_log_var, parameters -> all that the scorer gives, see there
    mean           parameters -> x_mean, in the data's units
"""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_keras.model import scoring
from vae_keras.model.expectation import expect, features_together
from vae_keras.run import DataCard

from .functions import (
    Arrays,
    Function,
    Graph,
    Inputs,
    Shapes,
    graph_of,
    scored_shapes,
)


def build_replacements(vae: Any, card: DataCard) -> tuple[Graph, ...]:
    """The graph that says what the mixture expects of each value; none without a mixture.

    See `vae_keras.model.expectation`.
    """
    if vae.mixture is None:
        return ()
    together = features_together(card)

    def answer(x: Any) -> dict[str, Any]:
        return {name: expect(vae, x, features) for name, features in together.items()}

    shapes: Shapes = dict.fromkeys(together, ("batch", *card.input_shape))
    return (graph_of(vae, "replacements", answer, _x(card), shapes),)


def build_around(vae: Any, card: DataCard) -> tuple[Graph, ...]:
    """The graphs before and after `functions.build_networks`."""
    row: tuple[int | str, ...] = ("batch", *card.input_shape)
    posterior: Inputs = dict.fromkeys(
        ("z_mean", "z_log_var"), ("float32", ("batch", vae.latent_dim))
    )
    parameters: Inputs = {"parameters": ("float32", ("batch", *vae.decoder.output_shape[1:]))}
    answered: Inputs = {"u": ("float32", row), **posterior, **parameters}
    head = functools.partial(scoring.head, vae)
    return (
        graph_of(vae, "preprocess", lambda x: {"u": vae.preprocessing(x)}, _x(card), {"u": row}),
        graph_of(vae, "head", head, answered, scored_shapes(vae)),
        graph_of(vae, "mean", _mean(vae), parameters, {"x_mean": row}),
    )


def answered_feeds(vae: Any, x: NDArray[Any]) -> Arrays:
    """Inputs of `build_around`'s graphs beside x: pre-processed rows and the networks' answers."""
    z_mean, z_log_var = vae.encode(x)
    answered = {"u": vae.preprocessing(x), "z_mean": z_mean, "z_log_var": z_log_var}
    parameters = vae.parameters_of(z_mean)
    return {name: np.asarray(v) for name, v in {**answered, "parameters": parameters}.items()}


def _x(card: DataCard) -> Inputs:
    return {"x": (card.input_dtype, ("batch", *card.input_shape))}


def _mean(vae: Any) -> Function:
    def mean(parameters: Any) -> dict[str, Any]:
        return {"x_mean": vae.preprocessing.inverse(vae.likelihood.mean(parameters))}

    return mean
