"""Does this device answer as the training framework did? Replays a bundle's probe rows.

`probe.npz` holds a few real rows `x`, latents `z` and `noise`, and what Keras answered:
`encoder.z_mean`, `decoder.x_mean`, `scorer.score` and so on. `noisy_scorer.OUTPUT` is the scorer's
answer when it is given `noise`, an input that it otherwise takes as zeros.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bundle import Bundle
from .errors import BundleError
from .manifest import File
from .session import Session


@dataclass(frozen=True)
class Check:
    """One output compared; see `deviation`."""

    name: str
    rows: str
    deviation: float
    passed: bool


@dataclass(frozen=True)
class Report:
    """All checks of a self-test, and the tolerance that each had to keep."""

    checks: tuple[Check, ...]
    tolerance: float

    @property
    def passed(self) -> bool:
        """True where every output kept the tolerance."""
        return all(check.passed for check in self.checks)


def deviation(expected: NDArray[Any], received: NDArray[Any], unit: ArrayLike = 0.0) -> float:
    """The largest |received - expected| as a share of the largest |expected|.

    Args:
        expected, received: (batch, ...) of one shape; else they are infinitely far apart, as they
            are where anything is not finite.
        unit: the least that a deviation is a share of (see `units`). An array of the shape of a row
            has every feature measured by its own magnitude.
    """
    if received.shape != expected.shape:
        return float("inf")
    if not (np.isfinite(received).all() and np.isfinite(expected).all()):
        return float("inf")
    axis = 0 if np.ndim(unit) else None
    magnitude = np.maximum(np.abs(expected).max(axis), unit)
    difference = np.abs(received.astype(np.float64) - expected).max(axis)
    shares = np.where(difference == 0, 0.0, np.inf)
    return float(np.divide(difference, magnitude, out=shares, where=magnitude > 0).max())


def units(output: str, scale: NDArray[Any]) -> NDArray[Any] | float:
    """The least magnitude of an output that matters: deviations are shares of no less.

    A nat, a latent's prior deviation; for x_mean the scale of pre-processing, feature by feature (a
    table of pascals and millimetres has no largest magnitude that would do for both).
    """
    return scale if output == "x_mean" else 1.0


def replay(bundle: Bundle, sessions: Mapping[str, Session]) -> Report:
    """Runs every graph on the probe, all rows at once and then each row alone.

    Raises:
        BundleError: the probe lacks the answer to an output that the manifest lists.
    """
    probe, tolerance = bundle.read_probe(), bundle.manifest.tolerance
    model = bundle.manifest.model
    scale = np.array(model.preprocessing.scale)
    scale = scale.reshape(model.input_shape if scale.size > 1 else ())
    checks = []
    for key, graph, output, feeds in _questions(probe, sessions):
        for rows, received in _answers(sessions[graph], output, feeds):
            error = deviation(probe[key], received, units(output, scale))
            checks.append(Check(key, rows, error, error <= tolerance))
    return Report(tuple(checks), tolerance)


def _questions(
    probe: dict[str, NDArray[Any]], sessions: Mapping[str, Session]
) -> Iterator[tuple[str, str, str, dict[str, NDArray[Any]]]]:
    """(key in the probe, graph, output, inputs) for every output of every graph."""
    plain = {"encoder": ("x",), "decoder": ("z",), "scorer": ("x",)}
    asked = {**plain, "noisy_scorer": ("x", "noise")}
    for name, inputs in asked.items():
        graph = name.removeprefix("noisy_")
        for output in sessions[graph].file.outputs:
            key = f"{name}.{output.name}"
            for needed in (*inputs, key):
                if needed not in probe:
                    raise BundleError(f"probe.npz: expected the key {needed!r}. Export again.")
            feeds = {i: probe[i] for i in inputs}
            _check_feeds(sessions[graph].file, feeds)
            yield key, graph, output.name, feeds


def _check_feeds(file: File, feeds: dict[str, NDArray[Any]]) -> None:
    declared = {tensor.name: tensor for tensor in file.inputs}
    for name, value in feeds.items():
        tensor = declared[name]
        if (str(value.dtype), value.shape[1:]) != (tensor.dtype, tensor.shape[1:]) or not len(
            value
        ):
            raise BundleError(
                f"probe.npz: expected {name} as {file.name} takes it, {tensor.dtype} "
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
