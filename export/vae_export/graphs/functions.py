"""The graphs of a bundle as named functions of named tensors, before any format.

    encoder      x -> z_mean, z_log_var
    decoder      z -> x_mean, in the data's own units
    scorer       x [, noise] -> score, nll, kl, log_px, feature_nll [, mixture_nll]
    classifier   x -> probabilities; of a model that was trained with classes

They are deterministic: noise is an input. Pre-processing and likelihood are inside. Those that are
made in float32 alone are in `float_graphs`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from vae_runtime.backends.selftest import IN_DATA_UNITS, Scaling

T = TypeVar("T")

Array = NDArray[Any]
Arrays = dict[str, Array]
Function = Callable[..., dict[str, Any]]
Shapes = dict[str, tuple[int | str, ...]]
Inputs = dict[str, tuple[str, tuple[int | str, ...]]]


class Interface(NamedTuple):
    """Inputs and outputs of a graph by name: dtype and shape of each."""

    inputs: Inputs
    outputs: Inputs


@dataclass(frozen=True)
class Graph:
    """One function to export.

    Args:
        role: what it answers, see `vae_runtime.bundle.interfaces`.
        function: from the inputs, in order, to a dict of outputs.
        inputs: name -> (dtype, shape); the first dimension is named and free.
        outputs: name -> shape, float32; the first dimension is free.
        scaling: of outputs in the data's own units, offset and scale to the model's.
        defaults: values of inputs that may be left out.
        spared: constant factors of products that are a score's own arithmetic, (values, outputs)
            each, which no precision rounds to 8 bits.
    """

    role: str
    function: Function
    inputs: Inputs
    outputs: Shapes
    scaling: dict[str, Scaling]
    defaults: Arrays
    spared: tuple[Array, ...] = ()
    _made: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, what: str, make: Callable[[], T]) -> T:
        """Makes something of it the first time, and returns the same from then on.

        Several files are made of one graph: what is common to them need not be made for each.
        """
        if what not in self._made:
            self._made[what] = make()
        made: T = self._made[what]
        return made

    @property
    def interface(self) -> Interface:
        """Inputs and outputs of the graph."""
        outputs = {name: ("float32", shape) for name, shape in self.outputs.items()}
        return Interface(self.inputs, outputs)

    def signature(self, batch: int | None = None) -> list[tf.TensorSpec]:
        """The inputs as TensorFlow wants them described; a batch of None is free."""
        return [
            tf.TensorSpec((batch, *shape[1:]), dtype, name=name)
            for name, (dtype, shape) in self.inputs.items()
        ]

    def traced(self, batch: int | None = None) -> Any:
        """The function as TensorFlow's graph, for a batch of this size; None is any.

        AutoGraph would spend half the time of a conversion on reading our source; Keras keeps it
        off its layers in any case, so no `if` of theirs depends on it.
        """

        def trace() -> Any:
            described = self.signature(batch)
            function = tf.function(self.function, input_signature=described, autograph=False)
            return function.get_concrete_function()

        return self.once(f"traced {batch}", trace)

    def without_defaults(self) -> "Graph":
        """Fixes every optional input at its default, for formats that have no optional inputs."""
        return self.once("without defaults", self._fixed) if self.defaults else self

    def _fixed(self) -> "Graph":
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
    classes: Shapes = {"probabilities": ("batch", vae.classes)}
    return (
        graph_of(vae, "encoder", _encoder(vae), x, posterior),
        graph_of(
            vae, "decoder", lambda z: {"x_mean": vae.decode(z)}, z, {"x_mean": ("batch", *row)}
        ),
        replace(
            graph_of(vae, "scorer", vae.score, {**x, **noise}, scored_shapes(vae)),
            defaults={"noise": np.zeros((1, latent), np.float32)},
            spared=() if vae.mixture is None else (vae.mixture.factor(),),
        ),
        *((graph_of(vae, "classifier", _classifier(vae), x, classes),) if vae.classes else ()),
    )


def build_networks(vae: Any) -> tuple[Graph, ...]:
    """The networks alone, between pre-processing and likelihood: what a file of int8 can hold.

        encoder      x, pre-processed -> z_mean, z_log_var
        decoder      z -> parameters of the likelihood: x_logits, or x_mean in the model's units
        classifier   x, pre-processed -> probabilities

    An int8 tensor has one scale. It cannot hold 101325 +- 1 pascals beside 0.3 +- 0.1 g, nor tell
    the probabilities .001 and .0001 apart, but it holds standardised values and logits well.
    """
    row, latent = tuple(vae.encoder.input_shape[1:]), vae.latent_dim
    x: Inputs = {"x": ("float32", ("batch", *row))}
    z: Inputs = {"z": ("float32", ("batch", latent))}
    posterior: Shapes = dict.fromkeys(("z_mean", "z_log_var"), ("batch", latent))
    parameters: Shapes = {"parameters": ("batch", *vae.decoder.output_shape[1:])}
    classes: Shapes = {"probabilities": ("batch", vae.classes)}
    return (
        graph_of(vae, "encoder", _encoder_network(vae), x, posterior),
        graph_of(vae, "decoder", _decoder_network(vae), z, parameters),
        *(
            (graph_of(vae, "classifier", _classifier_network(vae), x, classes),)
            if vae.classes
            else ()
        ),
    )


def network_feeds(vae: Any, x: NDArray[Any]) -> Arrays:
    """Rows for `build_networks` from rows in the data's units: x is pre-processed, z their latents.

    Where x is bounded there are two more rows that reach the bounds, so that the scale learned from
    them is that of a pixel: x = (q + 128) / 255, which an 8-bit camera gives by flipping a bit.
    No z is drawn from the prior: ranges that hold its tails cost scores up to half their precision.
    (Samples on such a device then come from the part of the prior that real rows reach.)
    """
    z = np.asarray(vae.encode(x)[0])
    x = np.asarray(vae.preprocessing(x))
    if vae.likelihood.support is not None:
        bounds = np.repeat(x[:1], 2, axis=0)
        bounds.reshape(2, -1)[:, 0] = vae.likelihood.support
        x = np.concatenate([x, bounds])
    return {"x": x, "z": z}


def answers(graph: Graph, feeds: Arrays) -> Arrays:
    """Computes Keras's own answers eagerly: the reference for every exported file."""
    fed = [tf.constant(feeds[name]) for name in graph.inputs if name in feeds]
    return {name: np.asarray(value) for name, value in graph.function(*fed).items()}


def graph_of(vae: Any, role: str, function: Function, inputs: Inputs, outputs: Shapes) -> Graph:
    """A function of a model to export; see `Graph`."""
    units = vae.preprocessing.offset, vae.preprocessing.scale
    scaling = {name: units for name in outputs if name in IN_DATA_UNITS}
    return Graph(role, _pure(function), inputs, outputs, scaling, {})


def scored_shapes(vae: Any) -> Shapes:
    """Shapes of the outputs that make up a row's score, by name."""
    mixture = () if vae.mixture is None else ("mixture_nll",)
    nats: Shapes = dict.fromkeys(("score", "nll", "kl", *mixture, "log_px"), ("batch",))
    return {**nats, "feature_nll": ("batch", *vae.encoder.input_shape[1:])}


def _encoder(vae: Any) -> Function:
    return lambda x: dict(zip(("z_mean", "z_log_var"), vae.encode(x), strict=True))


def _classifier(vae: Any) -> Function:
    return lambda x: {"probabilities": vae.classify(x)}


def _encoder_network(vae: Any) -> Function:
    return lambda x: dict(zip(("z_mean", "z_log_var"), map(_float32, vae.encoder(x)), strict=True))


def _decoder_network(vae: Any) -> Function:
    return lambda z: {"parameters": _float32(vae.decoder(z))}


def _classifier_network(vae: Any) -> Function:
    def classify(x: Any) -> dict[str, Any]:
        z_mean = _float32(vae.encoder(x)[0])
        return {"probabilities": tf.nn.softmax(_float32(vae.classifier(z_mean)))}

    return classify


def _float32(value: Any) -> Any:
    """Casts a network's answer, in whatever dtype it computes, to float32."""
    return tf.cast(value, tf.float32)


def _pure(function: Function) -> Function:
    """Wraps a function to write no variable, such as the state of a generator whose draws it drops.

    (An encoder that also gives a sample z may be one piece, which cannot be had without it.)
    """

    def pure(*given: Any) -> dict[str, Any]:
        with keras.StatelessScope():
            return function(*given)

    return pure
