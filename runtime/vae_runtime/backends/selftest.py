"""Self-test: replays a bundle's probe rows, and compares the answers with those at export.

`probe.npz` holds a few rows `x`, real or drawn from the model, latents `z` and `noise`, and what
Keras answered: `encoder.z_mean`, `decoder.x_mean`, `scorer.score` and so on. `noisy_scorer.OUTPUT`
is the scorer's answer when it is given `noise`, an input that it otherwise takes as zeros. Where
there are graphs around networks of 8 bits, it holds what those take as well: `u`, `z_mean`,
`z_log_var` and `parameters`.

The manifest says how far off answers may be, and whoever damaged the weights may have edited it. So
what it allows is bounded here: by the answers recorded, and how they differ from row to row.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle import Bundle
from vae_runtime.bundle.manifest import Manifest, Model, Tensor
from vae_runtime.bundle.records import FLOAT_ROLES
from vae_runtime.errors import BundleError
from vae_runtime.rows.arrays import RowCheck

from . import Session
from .deviations import RESOLUTION as RESOLUTION
from .deviations import Scaling as Scaling
from .deviations import as_row, noise
from .deviations import deviation as deviation

# Files of lower precision are off by what the manifest says they were at export, on other rows; a
# probe has fewer, of which the largest magnitude, that deviations are shares of, may be smaller.
SLACK = 4.0
LARGEST_DEVIATION = 1.0  # share of the largest magnitude: an answer that far off tells nothing

# Of an output's spread, that its error may be, root mean square. Graphs in float32 were seen to be
# off by 1e-4 of it; others may be off by what the gates of export allow, and then some, as above.
# An answer that is the same everywhere, as of weights that are lost, is off by 1.
NOISE = {"fp32": 0.01, "fp16": 0.04, "dynamic": 0.8}
MOST_NOISE = 0.9

# An output in nats may be a small difference of large terms, whose size its `error_scale` is: seen
# to be 500 times the largest recorded answer. It counts up to so many times that.
LARGEST_ERROR_SCALE = 1e4

GRAPH_INPUTS = {
    "encoder": ("x",),
    "decoder": ("z",),
    "scorer": ("x",),
    "classifier": ("x",),
    "preprocess": ("x",),
    "head": ("u", "z_mean", "z_log_var", "parameters"),
    "mean": ("parameters",),
    "replacements": ("x",),
}
IN_DATA_UNITS = ("x_mean", "x_expected", "channels_expected")

MOST_ROWS = 32  # of all else
MOST_SAMPLES = 1024  # of noise


@dataclass(frozen=True)
class ReplayedAnswer:
    """Comparison of one output, with its tolerances; see `deviation` and `noise`."""

    name: str
    rows: str
    deviation: float
    tolerance: float
    noise: float
    most_noise: float

    @property
    def passed(self) -> bool:
        """True for an output that kept its tolerance, and tells rows apart as it should."""
        return self.deviation <= self.tolerance and self.noise <= self.most_noise


@dataclass(frozen=True)
class SelftestReport:
    """All checks of a self-test."""

    checks: tuple[ReplayedAnswer, ...]

    @property
    def passed(self) -> bool:
        """True where outputs were compared, and every one kept its tolerance."""
        return bool(self.checks) and all(check.passed for check in self.checks)


def roles_of(manifest: Manifest, format: str) -> list[str]:
    """Roles of graphs that a bundle has, or a backend makes of its files in this format."""
    held = {file.role for file in manifest.files if file.format == format}
    roles = ["encoder", "decoder", "scorer"]
    roles += [] if manifest.model.classes is None else ["classifier"]
    return roles + [role for role in FLOAT_ROLES if role in held]


def replay(bundle: Bundle, sessions: Mapping[str, Session], *, precision: str) -> SelftestReport:
    """Runs every graph on the probe, all rows at once and then each row alone.

    Outputs of which the export measured no parity, as where a backend computes them itself from
    what 8-bit networks say, are held to `LARGEST_DEVIATION` and to their noise.

    Raises:
        BundleError: the probe lacks the answer to an output that the manifest lists, or its rows
            do not fit the manifest.
    """
    probe, tolerance = bundle.read_probe(), bundle.manifest.tolerance
    _rows(probe, bundle.manifest.model)
    data_units = dict.fromkeys(IN_DATA_UNITS, _scaling(bundle.manifest.model))
    checks = []
    for key, graph, output, feeds in _questions(probe, sessions):
        expected, scaling = probe[key], data_units.get(output.name)
        error_scale = min(
            output.error_scale, LARGEST_ERROR_SCALE * float(np.max(np.abs(expected), initial=1.0))
        )
        allowed = _allowed(sessions[graph].parity.get(output.name), tolerance)
        most_noise = NOISE.get("fp32" if graph in FLOAT_ROLES else precision, MOST_NOISE)
        for rows, received in _answers(sessions[graph], output.name, feeds):
            error = deviation(expected, received, error_scale, scaling=scaling)
            noisy = noise(expected, received, scaling=scaling)
            checks.append(ReplayedAnswer(key, rows, error, allowed, noisy, most_noise))
    return SelftestReport(tuple(checks))


def probe_rows(bundle: Bundle) -> NDArray[Any]:
    """Rows of the probe, as graphs take them; BundleError for rows that do not fit."""
    return _rows(bundle.read_probe(), bundle.manifest.model)


def _rows(probe: Mapping[str, NDArray[Any]], model: Model) -> NDArray[Any]:
    """Rows of a probe that was read, checked against the manifest."""
    _check_keys(probe, "x")
    try:
        return RowCheck(model)(probe["x"])
    except ValueError as error:
        raise BundleError(f"probe.npz: {error} Export the bundle again.") from error


def _allowed(parity: float | None, tolerance: float) -> float:
    """Tolerance here for a file that was off by `parity` at export, if that was measured."""
    if parity is None:
        return LARGEST_DEVIATION
    return tolerance if parity <= tolerance else min(SLACK * parity, LARGEST_DEVIATION)


def _scaling(model: Model) -> Scaling:
    """Offset and scale of pre-processing, shaped to broadcast with a row."""
    each = (model.preprocessing.offset, model.preprocessing.scale)
    offset, scale = (as_row(values, model.input_shape) for values in each)
    return offset, scale


def _questions(
    probe: dict[str, NDArray[Any]], sessions: Mapping[str, Session]
) -> Iterator[tuple[str, str, Tensor, dict[str, NDArray[Any]]]]:
    """Tuples (key in the probe, graph, output, inputs) for every output of every graph."""
    known = {graph: inputs for graph, inputs in GRAPH_INPUTS.items() if graph in sessions}
    if any(tensor.name == "noise" for tensor in sessions["scorer"].inputs):
        known["noisy_scorer"] = ("x", "noise")
    for name, inputs in known.items():
        graph = name.removeprefix("noisy_")
        for output in sessions[graph].outputs:
            key = f"{name}.{output.name}"
            _check_keys(probe, *inputs, key)
            feeds = {i: probe[i] for i in inputs}
            _check_feeds(graph, sessions[graph], feeds)
            yield key, graph, output, feeds


def _check_keys(probe: Mapping[str, NDArray[Any]], *keys: str) -> None:
    for key in keys:
        if key not in probe:
            raise BundleError(f"probe.npz: expected the key {key!r:.60}. Export again.")


def _check_feeds(graph: str, session: Session, feeds: dict[str, NDArray[Any]]) -> None:
    declared = {tensor.name: tensor for tensor in session.inputs}
    for name, value in feeds.items():
        tensor, most = declared[name], MOST_SAMPLES if name == "noise" else MOST_ROWS
        fits = (str(value.dtype), value.shape[1:]) == (tensor.dtype, tensor.shape[1:])
        if not fits or not 0 < len(value) <= most:
            raise BundleError(
                f"probe.npz: expected {name} as the {graph} takes it, {tensor.dtype} "
                f"{tensor.shape}, of 1 to {most} rows. Received: {value.dtype} {value.shape}. "
                "Export the bundle again."
            )


def _answers(
    session: Session, output: str, feeds: dict[str, NDArray[Any]]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Answers of one output: for all rows at once, and put together from each row alone."""
    yield "all at once", session.run((output,), feeds)[0]
    batched = [name for name in feeds if name != "noise"]  # which all rows share
    rows = range(len(feeds[batched[0]]))
    alone = [{**feeds, **{name: feeds[name][i : i + 1] for name in batched}} for i in rows]
    yield "one at a time", np.concatenate([session.run((output,), f)[0] for f in alone])
