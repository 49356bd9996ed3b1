"""Networks of 8 bits as the graphs that they stand for: chains of sessions.

A TFLite file of int8 holds a network alone, one row of integers in and out: see "int8 networks" in
docs/bundle-format.md. Graphs in float32 stand before it and after it, and hold all that the model
knows beside; what is left to do here is to quantise what goes in, and to dequantise what comes out.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle.manifest import Tensor
from vae_runtime.errors import BundleError

from .protocol import Session

PRECISION = "int8"

INT8 = np.iinfo(np.int8)

Load = Callable[[str], Session]
Array = NDArray[np.float32]

CHAINS = {
    "encoder": ("preprocess", "encoder"),
    "decoder": ("decoder", "mean"),
    "scorer": ("preprocess", "encoder", "decoder", "head"),
    "classifier": ("preprocess", "classifier"),
}
NETWORKS = ("encoder", "decoder", "classifier")
FED = {"encoder": {"x": "u"}, "decoder": {"z": "z_mean"}, "classifier": {"x": "u"}}


def chain(role: str, load: Load) -> Session:
    """Joins several files to the graph of this role.

    Args:
        role: one of `CHAINS`.
        load: opens the file of a role.
    """
    sessions = {part: load(part) for part in CHAINS[role]}
    return Chain(
        [
            Link(Network(session) if part in NETWORKS else session, FED.get(part, {}))
            for part, session in sessions.items()
        ]
    )


class Link(NamedTuple):
    """Session of a chain. `fed` are other names of its inputs, under which they may be known."""

    session: Session
    fed: Mapping[str, str]

    def feeds(self, known: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Inputs by their names, from all that is known so far."""
        names = [tensor.name for tensor in self.session.inputs]
        before = {name: self.fed.get(name, name) for name in names}
        return {name: known[b if b in known else name] for name, b in before.items()}


class Chain:
    """Sessions in a row: each takes outputs of those before it; see `protocol.Session`.

    Its parity is that of its last session where that is a network. Else it has none: the export
    measured that of the files. Alarms by its score have a calibration of their own.
    """

    def __init__(self, links: list[Link]) -> None:
        self._links, last = links, links[-1].session
        self.inputs, self.outputs = links[0].session.inputs, last.outputs
        self.parity: Mapping[str, float] = last.parity if isinstance(last, Network) else {}

    def run(self, outputs: tuple[str, ...], feeds: Mapping[str, NDArray[Any]]) -> list[Array]:
        """The named outputs of the last session, for inputs of the first."""
        known = dict(feeds)
        for link in self._links[:-1]:
            names = tuple(tensor.name for tensor in link.session.outputs)
            answers = link.session.run(names, link.feeds(known))
            known |= zip(names, answers, strict=True)
        last = self._links[-1]
        return last.session.run(outputs, last.feeds(known))


class Network:
    """Network of one row of integers, used as one of any number of rows of real values.

    Raises:
        BundleError: the manifest does not say what the integers mean.
    """

    def __init__(self, session: Session) -> None:
        self._session, self.parity = session, session.parity
        self._integers = {tensor.name: tensor for tensor in (*session.inputs, *session.outputs)}
        for tensor in self._integers.values():
            if tensor.scale is None or tensor.zero_point is None:
                raise BundleError(
                    f"manifest.json: expected scale and zero_point of the int8 tensor "
                    f"{tensor.name!r}. Received: none. Export the bundle again."
                )
        self.inputs, self.outputs = map(_of_real_rows, (session.inputs, session.outputs))

    def run(self, outputs: tuple[str, ...], feeds: Mapping[str, NDArray[Any]]) -> list[Array]:
        """The named outputs for these rows, one after the other."""
        ((name, value),) = feeds.items()
        integers = quantize(value, self._integers[name])
        rows = [
            self._session.run(outputs, {name: integers[i : i + 1]}) for i in range(len(integers))
        ]
        columns = zip(outputs, zip(*rows, strict=True), strict=True)
        return [dequantize(np.concatenate(own), self._integers[output]) for output, own in columns]


def quantize(value: Array, tensor: Tensor) -> NDArray[np.int8]:
    """Nearest integers, ties to even; values beyond the range become its ends."""
    with np.errstate(over="ignore"):  # infinity saturates as well
        integers = np.rint(value / np.float32(tensor.scale)) + np.float32(tensor.zero_point)
    return np.asarray(integers.clip(INT8.min, INT8.max), np.int8)


def dequantize(integers: NDArray[np.int8], tensor: Tensor) -> Array:
    """The real values that integers stand for."""
    return (integers.astype(np.float32) - np.float32(tensor.zero_point)) * np.float32(tensor.scale)


def _of_real_rows(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Integers of one row, described as real values of any number of rows."""
    return tuple(
        replace(t, dtype="float32", shape=("batch", *t.shape[1:]), scale=None, zero_point=None)
        for t in tensors
    )
