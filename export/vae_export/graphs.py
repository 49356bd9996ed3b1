"""The graphs of a bundle as named functions of named tensors, before any format.

    encoder      x -> z_mean, z_log_var
    decoder      z -> x_mean, in the data's own units
    scorer       x [, noise] -> score, nll, kl, log_px, feature_nll
    classifier   x -> probabilities; of a model that was trained with classes

They are deterministic: noise is an input. Pre-processing and likelihood are inside.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from vae_runtime.selftest import Scaling

Arrays = dict[str, NDArray[Any]]
Function = Callable[..., dict[str, Any]]
Shapes = dict[str, tuple[int | str, ...]]
Inputs = dict[str, tuple[str, tuple[int | str, ...]]]


@dataclass(frozen=True)
class Graph:
    """One function to export.

    Args:
        role: encoder, decoder, scorer or classifier.
        function: from the inputs, in order, to a dict of outputs.
        inputs: name -> (dtype, shape); the first dimension is named and free.
        outputs: name -> shape, float32; the first dimension is free.
        scaling: of outputs in the data's own units, offset and scale to the model's.
        defaults: values of inputs that may be left out.
        variables: the weights that the function reads.
    """

    role: str
    function: Function
    inputs: Inputs
    outputs: Shapes
    scaling: dict[str, Scaling]
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
        return replace(
            self, function=lambda *given: self.function(*given, *fixed), inputs=inputs, defaults={}
        )


def build_graphs(vae: Any, input_dtype: str) -> tuple[Graph, ...]:
    """Encoder, decoder, scorer and any classifier of a `vae_keras.VAE` for rows of this dtype."""
    row, latent = tuple(vae.encoder.input_shape[1:]), vae.latent_dim
    x: Inputs = {"x": (input_dtype, ("batch", *row))}
    z: Inputs = {"z": ("float32", ("batch", latent))}
    noise: Inputs = {"noise": ("float32", ("samples", latent))}
    posterior: Shapes = dict.fromkeys(("z_mean", "z_log_var"), ("batch", latent))
    nats: Shapes = dict.fromkeys(("score", "nll", "kl", "log_px"), ("batch",))
    scored: Shapes = {**nats, "feature_nll": ("batch", *row)}
    classes: Shapes = {"probabilities": ("batch", vae.classes)}
    return (
        _graph(vae, "encoder", _encoder(vae), x, posterior),
        _graph(vae, "decoder", lambda z: {"x_mean": vae.decode(z)}, z, {"x_mean": ("batch", *row)}),
        replace(
            _graph(vae, "scorer", vae.score, {**x, **noise}, scored),
            defaults={"noise": np.zeros((1, latent), np.float32)},
        ),
        *((_graph(vae, "classifier", _classifier(vae), x, classes),) if vae.classes else ()),
    )


def answers(graph: Graph, feeds: Arrays) -> Arrays:
    """What Keras itself answers, computed eagerly: the reference for every exported file."""
    fed = [tf.constant(feeds[name]) for name in graph.inputs if name in feeds]
    return {name: np.asarray(value) for name, value in graph.function(*fed).items()}


def _encoder(vae: Any) -> Function:
    return lambda x: dict(zip(("z_mean", "z_log_var"), vae.encode(x), strict=True))


def _classifier(vae: Any) -> Function:
    return lambda x: {"probabilities": vae.classify(x)}


def _graph(vae: Any, role: str, function: Function, inputs: Inputs, outputs: Shapes) -> Graph:
    data_units = {"x_mean": (vae.preprocessing.offset, vae.preprocessing.scale)}
    scaling = {name: value for name, value in data_units.items() if name in outputs}
    return Graph(role, function, inputs, outputs, scaling, {}, tuple(vae.variables))
