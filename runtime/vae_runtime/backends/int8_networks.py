"""Sessions around networks of 8 bits, which compute what those leave to the device.

A TFLite file of int8 holds a network alone, one row of integers in and out: see "int8 networks" in
docs/bundle-format.md. Here pre-processing goes before it, and mean or score after it, in float32.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle import Bundle
from vae_runtime.bundle.manifest import Model, Tensor
from vae_runtime.errors import BundleError
from vae_runtime.likelihoods import Scaling, latent_kl, likelihood_of
from vae_runtime.mixture import read_mixture

from .protocol import Session

PRECISION = "int8"

INT8 = np.iinfo(np.int8)

Load = Callable[[str], Session]
Array = NDArray[np.float32]


def around(bundle: Bundle, role: str, load: Load) -> Session:
    """The graph of this role, made of networks.

    Args:
        bundle: what the manifest and any mixture are read from.
        role: see `Backend.open`.
        load: opens the file of a role.
    """
    return ROLES[role](bundle, load)


class Network:
    """A network of one row of integers as one of any number of rows of real values.

    Raises:
        BundleError: the manifest does not say what the integers mean.
    """

    def __init__(self, session: Session) -> None:
        self._session, self.parity = session, session.parity
        (self._input,) = session.inputs
        self._outputs = {tensor.name: tensor for tensor in session.outputs}
        for tensor in (self._input, *session.outputs):
            if tensor.scale is None or tensor.zero_point is None:
                raise BundleError(
                    f"manifest.json: expected scale and zero_point of the int8 tensor "
                    f"{tensor.name!r}. Received: none. Export the bundle again."
                )
        self.outputs = tuple(
            replace(t, dtype="float32", shape=("batch", *t.shape[1:]), scale=None, zero_point=None)
            for t in session.outputs
        )

    def __call__(self, outputs: tuple[str, ...], value: Array) -> list[Array]:
        """The named outputs for these rows, one after the other."""
        name, integers = self._input.name, quantize(value, self._input)
        rows = [
            self._session.run(outputs, {name: integers[i : i + 1]}) for i in range(len(integers))
        ]
        columns = zip(outputs, zip(*rows, strict=True), strict=True)
        return [dequantize(np.concatenate(own), self._outputs[output]) for output, own in columns]


class Preprocessed:
    """Pre-processing and a network: an encoder or a classifier; see `protocol.Session`."""

    def __init__(self, role: str, bundle: Bundle, load: Load) -> None:
        model = bundle.manifest.model
        self._network, self._scaling = Network(load(role)), Scaling(model)
        self.inputs, self.outputs = _x(model), self._network.outputs
        self.parity = self._network.parity

    def run(self, outputs: tuple[str, ...], feeds: Mapping[str, NDArray[Any]]) -> list[Array]:
        """The named outputs for `x`."""
        return self._network(outputs, self._scaling.forward(feeds["x"]))


class Decoder:
    """A decoder and the mean of its likelihood, in the data's units; see `protocol.Session`.

    It has no parity: the export measured that of the network's parameters.
    """

    parity: Mapping[str, float] = {}

    def __init__(self, bundle: Bundle, load: Load) -> None:
        model = bundle.manifest.model
        self._network, self._scaling = Network(load("decoder")), Scaling(model)
        self._likelihood = likelihood_of(model)
        self.inputs = _real("z", "float32", (model.latent_dim,))
        self.outputs = _real("x_mean", "float32", model.input_shape)

    def run(self, outputs: tuple[str, ...], feeds: Mapping[str, NDArray[Any]]) -> list[Array]:
        """`x_mean` for `z`, as often as it is named."""
        (parameters,) = self._network(("parameters",), feeds["z"])
        x_mean = self._scaling.inverse(self._likelihood.mean(parameters))
        return [x_mean for _ in outputs]


class Scorer:
    """The score at the posterior mean, from both networks; see `protocol.Session`.

    It has no parity: there is no such file. Its alarms have a calibration of their own.
    """

    parity: Mapping[str, float] = {}

    def __init__(self, bundle: Bundle, load: Load) -> None:
        model = bundle.manifest.model
        self._encoder, self._decoder = Network(load("encoder")), Network(load("decoder"))
        self._scaling, self._likelihood = Scaling(model), likelihood_of(model)
        self._mixture = read_mixture(bundle)
        self.inputs = _x(model)
        self.outputs = bundle.manifest.file("scorer").outputs

    def run(self, outputs: tuple[str, ...], feeds: Mapping[str, NDArray[Any]]) -> list[Array]:
        """The named outputs for `x`."""
        u = self._scaling.forward(feeds["x"])
        z_mean, z_log_var = self._encoder(("z_mean", "z_log_var"), u)
        (parameters,) = self._decoder(("parameters",), z_mean)
        feature_nll = self._likelihood.feature_nll(u, parameters)
        nll = _total(feature_nll.reshape(len(u), -1))
        kl = _total(latent_kl(z_mean, z_log_var))
        ratio = np.float32(0.5) * _total(z_log_var - np.square(z_mean))  # log p(z) / q(z|x)
        terms = {"nll": nll, "kl": kl}
        if self._mixture is not None:
            terms["mixture_nll"] = self._mixture.nll(u)
        answers = {
            "score": np.add.reduce([*terms.values()]),
            **terms,
            "log_px": ratio - nll,
            "feature_nll": feature_nll,
        }
        return [answers[name] for name in outputs]


ROLES: dict[str, Callable[[Bundle, Load], Session]] = {
    "encoder": functools.partial(Preprocessed, "encoder"),
    "decoder": Decoder,
    "scorer": Scorer,
    "classifier": functools.partial(Preprocessed, "classifier"),
}


def quantize(value: Array, tensor: Tensor) -> NDArray[np.int8]:
    """The nearest integers, ties to even; what is beyond the range saturates."""
    with np.errstate(over="ignore"):  # infinity saturates as well
        integers = np.rint(value / np.float32(tensor.scale)) + np.float32(tensor.zero_point)
    return np.asarray(integers.clip(INT8.min, INT8.max), np.int8)


def dequantize(integers: NDArray[np.int8], tensor: Tensor) -> Array:
    """The real values that integers stand for."""
    return (integers.astype(np.float32) - np.float32(tensor.zero_point)) * np.float32(tensor.scale)


def _x(model: Model) -> tuple[Tensor, ...]:
    return _real("x", model.input_dtype, model.input_shape)


def _real(name: str, dtype: str, shape: tuple[int, ...]) -> tuple[Tensor, ...]:
    """One tensor of real values, of any number of rows."""
    return (Tensor(name, dtype, ("batch", *shape)),)


def _total(each: Array) -> Array:
    with np.errstate(over="ignore"):  # infinity, which no normal row scores
        return np.asarray(each.sum(-1, dtype=np.float64), np.float32)
