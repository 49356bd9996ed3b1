"""The three graphs of a bundle as named functions of named tensors, before any format.

    encoder   x -> z_mean, z_log_var
    decoder   z -> x_mean, in the data's own units
    scorer    x [, noise] -> score, nll, kl, log_px, feature_nll

They are deterministic: noise is an input. Pre-processing and likelihood are inside.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Graph:
    """One function to export.

    Args:
        role: encoder, decoder or scorer.
        function: from the inputs, in order, to a dict of outputs.
        inputs: name -> (dtype, shape); the first dimension is named and free.
        outputs: name -> shape, float32; the first dimension is free.
        defaults: values of inputs that may be left out.
        variables: the weights that the function reads.
    """

    role: str
    function: Callable[..., dict[str, Any]]
    inputs: dict[str, tuple[str, tuple[int | str, ...]]]
    outputs: dict[str, tuple[int | str, ...]]
    defaults: Arrays
    variables: tuple[Any, ...]

    def signature(self) -> list[tf.TensorSpec]:
        """The inputs as TensorFlow wants them described."""
        return [
            tf.TensorSpec((None, *shape[1:]), dtype, name=name)
            for name, (dtype, shape) in self.inputs.items()
        ]

    def without_defaults(self) -> "Graph":
        """The same with every optional input fixed at its default, for formats that have none."""
        fixed = [self.defaults[name] for name in self.inputs if name in self.defaults]
        inputs = {name: spec for name, spec in self.inputs.items() if name not in self.defaults}
        return Graph(
            self.role,
            lambda *given: self.function(*given, *fixed),
            inputs,
            self.outputs,
            {},
            self.variables,
        )


def build_graphs(vae: Any, input_dtype: str) -> tuple[Graph, ...]:
    """Encoder, decoder and scorer of a `vae_keras.VAE` whose rows have this dtype."""
    row = tuple(vae.encoder.input_shape[1:])
    latent = vae.latent_dim
    x: dict[str, tuple[str, tuple[int | str, ...]]] = {"x": (input_dtype, ("batch", *row))}
    variables = tuple(vae.variables)
    encoder = Graph(
        "encoder",
        lambda x: dict(zip(("z_mean", "z_log_var"), vae.encode(x), strict=True)),
        x,
        {"z_mean": ("batch", latent), "z_log_var": ("batch", latent)},
        {},
        variables,
    )
    decoder = Graph(
        "decoder",
        lambda z: {"x_mean": vae.decode(z)},
        {"z": ("float32", ("batch", latent))},
        {"x_mean": ("batch", *row)},
        {},
        variables,
    )
    each = dict.fromkeys(("score", "nll", "kl", "log_px"), ("batch",))
    scorer = Graph(
        "scorer",
        vae.score,
        {**x, "noise": ("float32", ("samples", latent))},
        {**each, "feature_nll": ("batch", *row)},
        {"noise": np.zeros((1, latent), np.float32)},
        variables,
    )
    return encoder, decoder, scorer


def answers(graph: Graph, feeds: Arrays) -> Arrays:
    """What Keras itself answers, computed eagerly: the reference for every exported file."""
    fed = [tf.constant(feeds[name]) for name in graph.inputs if name in feeds]
    return {name: np.asarray(value) for name, value in graph.function(*fed).items()}
