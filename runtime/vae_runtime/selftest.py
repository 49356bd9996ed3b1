"""Does this device answer as the training framework did? Replays a bundle's probe rows.

`probe.npz` holds a few real rows `x`, latents `z` and `noise`, and what Keras answered:
`encoder.z_mean`, `decoder.x_mean`, `scorer.score` and so on. `noisy_scorer.OUTPUT` is the scorer's
answer when it is given `noise`, an input that it otherwise takes as zeros.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .backends import Session
from .bundle import Bundle
from .bundle.manifest import Model, Tensor
from .errors import BundleError
from .likelihoods import as_row

Scaling = tuple[NDArray[Any], NDArray[Any]]

# What a float32 number of the data's own units is good for, as a share of it. An engine may fold
# offset and scale into a decoder's last layer (LiteRT does), and then adds that layer's terms, of
# which there are hundreds, to a number as large as the offset: seen to be off by 17 eps at 512 of
# them, by 39 at 2048.
RESOLUTION = 64 * float(np.finfo(np.float32).eps)


# Files of lower precision are off by what the manifest says they were at export, on other rows; a
# probe has fewer, of which the largest magnitude, that deviations are shares of, may be smaller.
SLACK = 4.0


@dataclass(frozen=True)
class Check:
    """One output compared, and what it may deviate; see `deviation`."""

    name: str
    rows: str
    deviation: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether it kept its tolerance."""
        return self.deviation <= self.tolerance


@dataclass(frozen=True)
class Report:
    """All checks of a self-test."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """True where every output kept the tolerance."""
        return all(check.passed for check in self.checks)


def deviation(
    expected: NDArray[Any],
    received: NDArray[Any],
    unit: float = 0.0,
    *,
    scaling: Scaling | None = None,
) -> float:
    """The largest |received - expected| as a share of the largest |expected|.

    Args:
        expected, received: (batch, ...) of one shape; else they are infinitely far apart, as they
            are where anything is not finite.
        unit: the least that it is a share of: a nat, a latent's prior deviation.
        scaling: offset and scale of pre-processing, for an output in the data's own units. It is
            measured in the model's, so that millimetres count beside 101325 +- 1 pascals and these
            by their +- 1, after what float32 cannot resolve of a number as large.
    """
    if received.shape != expected.shape:
        return float("inf")
    if not (np.isfinite(received).all() and np.isfinite(expected).all()):
        return float("inf")
    size, difference = np.abs(expected), np.abs(received.astype(np.float64) - expected)
    if scaling is not None:
        offset, scale = scaling
        difference = np.maximum(difference - RESOLUTION * size, 0.0) / scale
        size = np.abs(expected - offset) / scale
    magnitude, largest = max(float(size.max()), unit), float(difference.max())
    return largest / magnitude if magnitude else (0.0 if largest == 0 else float("inf"))


def replay(bundle: Bundle, sessions: Mapping[str, Session]) -> Report:
    """Runs every graph on the probe, all rows at once and then each row alone.

    Outputs of which the export measured no parity, as where a backend computes them itself from
    what 8-bit networks say, have nothing to be held to, and are left out.

    Raises:
        BundleError: the probe lacks the answer to an output that the manifest lists.
    """
    probe = bundle.read_probe()
    data_units = {"x_mean": _scaling(bundle.manifest.model)}
    checks = []
    for key, graph, output, feeds in _questions(probe, sessions):
        for rows, received in _answers(sessions[graph], output.name, feeds):
            scaling = data_units.get(output.name)
            error = deviation(probe[key], received, output.unit, scaling=scaling)
            allowed = _allowed(sessions[graph].parity[output.name], bundle.manifest.tolerance)
            checks.append(Check(key, rows, error, allowed))
    return Report(tuple(checks))


def _allowed(parity: float, tolerance: float) -> float:
    """What a file may deviate here, that was off by `parity` at export."""
    return tolerance if parity <= tolerance else SLACK * parity


def _scaling(model: Model) -> Scaling:
    """Offset and scale of pre-processing, shaped to broadcast with a row."""
    each = (model.preprocessing.offset, model.preprocessing.scale)
    offset, scale = (as_row(values, model.input_shape) for values in each)
    return offset, scale


def _questions(
    probe: dict[str, NDArray[Any]], sessions: Mapping[str, Session]
) -> Iterator[tuple[str, str, Tensor, dict[str, NDArray[Any]]]]:
    """(key in the probe, graph, output, inputs) for every output of every graph."""
    plain: dict[str, tuple[str, ...]] = {
        "encoder": ("x",),
        "decoder": ("z",),
        "scorer": ("x",),
        "classifier": ("x",),
    }
    known = {graph: inputs for graph, inputs in plain.items() if graph in sessions}
    if any(tensor.name == "noise" for tensor in sessions["scorer"].inputs):
        known["noisy_scorer"] = ("x", "noise")
    for name, inputs in known.items():
        graph = name.removeprefix("noisy_")
        for output in sessions[graph].outputs:
            if output.name not in sessions[graph].parity:
                continue
            key = f"{name}.{output.name}"
            for needed in (*inputs, key):
                if needed not in probe:
                    raise BundleError(f"probe.npz: expected the key {needed!r}. Export again.")
            feeds = {i: probe[i] for i in inputs}
            _check_feeds(graph, sessions[graph], feeds)
            yield key, graph, output, feeds


def _check_feeds(graph: str, session: Session, feeds: dict[str, NDArray[Any]]) -> None:
    declared = {tensor.name: tensor for tensor in session.inputs}
    for name, value in feeds.items():
        tensor = declared[name]
        if (str(value.dtype), value.shape[1:]) != (tensor.dtype, tensor.shape[1:]) or not len(
            value
        ):
            raise BundleError(
                f"probe.npz: expected {name} as the {graph} takes it, {tensor.dtype} "
                f"{tensor.shape}. Received: {value.dtype} {value.shape}. Export the bundle again."
            )


def _answers(
    session: Session, output: str, feeds: dict[str, NDArray[Any]]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """The output for all rows at once, and put together from each row alone."""
    yield "all at once", session.run((output,), feeds)[0]
    batched = next(iter(feeds))  # x or z; noise is shared by all rows
    alone = [{**feeds, batched: row[None]} for row in feeds[batched]]
    yield "one at a time", np.concatenate([session.run((output,), f)[0] for f in alone])
