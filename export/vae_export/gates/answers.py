"""Gates that compare a file's outputs with Keras's, at every batch size.

Tensors are compared on normal rows only: scores of anomalies can be so large that a share of the
largest magnitude would hide an error on the rows that matter.
"""

import numpy as np

from vae_export.convert.artefacts import Artefact, Figures
from vae_export.errors import Degraded, ExportError
from vae_export.graphs.functions import Array, Arrays, Graph
from vae_keras.model.scoring import BATCH
from vae_runtime.backends.selftest import deviation
from vae_runtime.verdicts.calibration import SCORE_RTOL
from vae_runtime.verdicts.scorer import total

BATCH_SIZES = (1, 2, 7, 256)  # one row, the smallest batch, an odd one, a bulk one

# float32 kernels add in other orders than Keras does; seen on our networks: below 1e-6.
TOLERANCE = 1e-5

# Of an output's spread over rows, that its error may be at lower precision, root mean square: what
# is worse is not coarse but wrong. (Which verdicts that costs is another gate's business.)
MOST_NOISE_SHARE = {"fp16": 0.01, "dynamic": 0.2, "int8": 0.5}


def runs(artefact: Artefact) -> Figures:
    """Checks that it runs at every batch size, with finite outputs of the promised shapes."""
    for size in BATCH_SIZES:
        for given in _all_rounds(artefact, size):
            expected, received = _keras(artefact, given), artefact.engine(given)
            if set(received) != set(expected):
                raise ExportError(
                    f"{artefact.name}: expected the outputs {', '.join(expected)}. "
                    f"Received: {', '.join(received)}."
                )
            for output, value in expected.items():
                _check_form(f"{artefact.name}: output {output!r}", value, received[output])
    return {"sizes": len(BATCH_SIZES)}


def tensors(artefact: Artefact) -> Figures:
    """Checks that every output is Keras's, up to rounding or, in lower precision, up to noise.

    Returns:
        For each output the largest `vae_runtime.backends.deviations.deviation`.
    """
    worst = dict.fromkeys(artefact.graph.outputs, 0.0)
    for size in BATCH_SIZES:
        for given in _all_rounds(artefact, size):
            expected, received = _keras(artefact, given), artefact.engine(given)
            for output, value in expected.items():
                error = _deviation(artefact, output, value, received[output])
                worst[output] = max(worst[output], error)
                if artefact.is_float and not error <= TOLERANCE:
                    raise ExportError(
                        f"{artefact.name}: output {output!r} differs from Keras by {error:.3g} of "
                        f"its largest magnitude at batch {size}; expected at most {TOLERANCE:g}."
                    )
    if not artefact.is_float:
        _check_noise(artefact, worst)
    return worst


def batches(artefact: Artefact) -> Figures:
    """Checks that a row scores the same in a batch and alone, within the tolerance of ties."""
    x = artefact.evidence.source.calibration["x"][:BATCH]
    batch, rows = artefact.engine({"x": x}), [artefact.engine({"x": row[None]}) for row in x]
    most = 0.0
    for score, reference in artefact.evidence.references.items():
        together, rounding = total(batch, score), reference.rounding
        alone = np.concatenate([total(row, score) for row in rows])
        difference = np.abs(together - alone)
        if not (difference <= rounding + SCORE_RTOL * np.abs(alone)).all():
            raise ExportError(
                f"{artefact.name}: expected a row to score the same in any batch, within "
                f"{rounding:.3g} nats ({score}). Received: {difference.max():.3g} nats between a "
                f"batch of {len(x)} and a row alone."
            )
        most = max(most, float(difference.max()))
    return {"nats": most}


def rounds(graph: Graph, feeds: Arrays, size: int) -> list[Arrays]:
    """Resizes inputs to a batch of this size; returns them without and with the optional inputs."""
    batch = {
        name: np.resize(feeds[name], (size, *feeds[name].shape[1:]))
        for name in graph.inputs
        if name not in graph.defaults
    }
    optional = {name: feeds[name] for name in graph.defaults}
    return [batch, {**batch, **optional}] if optional else [batch]


def _all_rounds(artefact: Artefact, size: int) -> list[Arrays]:
    return [given for feeds in artefact.all_feeds for given in rounds(artefact.graph, feeds, size)]


def _check_form(what: str, expected: Array, received: Array) -> None:
    if (received.shape, received.dtype) != (expected.shape, expected.dtype):
        raise ExportError(
            f"{what}: expected {expected.dtype} {expected.shape}. "
            f"Received: {received.dtype} {received.shape}."
        )
    if not np.isfinite(received).all():
        raise ExportError(
            f"{what}: expected finite numbers. Received: {np.sum(~np.isfinite(received))} of "
            f"{received.size} that are not."
        )


def _check_noise(artefact: Artefact, worst: Figures) -> None:
    """Raises Degraded where errors of lower precision are too large a share of the spread.

    Where it is allowed all the same, `worst` is what was measured: a parity for every output.
    """
    for feeds in artefact.all_feeds:
        _check_noise_on(artefact, rounds(artefact.graph, feeds, BATCH_SIZES[-1])[0], worst)


def _check_noise_on(artefact: Artefact, feeds: Arrays, worst: Figures) -> None:
    expected, received = _keras(artefact, feeds), artefact.engine(feeds)
    limit = MOST_NOISE_SHARE[artefact.variant.precision]
    for output, value in expected.items():
        spread, error = (
            float(np.std(value)),
            float(np.sqrt(np.mean((received[output] - value) ** 2))),
        )
        if not error <= limit * max(spread, TOLERANCE):
            share = error / max(spread, TOLERANCE)
            raise Degraded(
                f"{artefact.name}: output {output!r} is off by {share:.3g} of its spread, root "
                f"mean square; expected at most {limit:g}.",
                worst,
                artefact.advice,
            )


def _keras(artefact: Artefact, given: Arrays) -> Arrays:
    return artefact.evidence.answers(artefact.graph, given)


def _deviation(artefact: Artefact, output: str, expected: Array, received: Array) -> float:
    error_scale, scaling = (
        artefact.evidence.error_scales.get(output, 1.0),
        artefact.graph.scaling.get(output),
    )
    return deviation(expected, received, error_scale, scaling=scaling)
