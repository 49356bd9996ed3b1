"""Does a file answer as Keras does? If not, there is no bundle.

Tensors are compared on normal rows at several batch sizes, verdicts on all rows that training
never saw. (Tensors are not compared on anomalies: their scores can be so large that a share of the
largest magnitude would hide an error on the rows that matter.)
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime.calibration import SCORE_RTOL, p_values, threshold
from vae_runtime.selftest import Scaling, deviation

from .engines import Engine
from .errors import ExportError
from .graphs import Arrays, Graph, answers

Array = NDArray[Any]

SIZES = (1, 2, 7, 256)  # one row, the smallest batch, an odd one, a bulk one

# float32 kernels add in other orders than Keras does; seen on our networks: below 1e-6.
TOLERANCE = 1e-5


def check_tensors(name: str, graph: Graph, engine: Engine, feeds: Arrays) -> dict[str, float]:
    """Compares every output with Keras at every batch size of `SIZES`.

    Args:
        name: of the file, for errors.
        graph: what the file was converted from.
        engine: runs the file.
        feeds: inputs of at least one row; repeated or cut to each size. Optional ones (noise) are
            given as they are, in one more round after those without.

    Returns:
        For each output, the largest `vae_runtime.selftest.deviation`.

    Raises:
        ExportError: a deviation above `TOLERANCE`, a wrong name, shape or dtype.
    """
    worst = dict.fromkeys(graph.outputs, 0.0)
    for size in SIZES:
        for given in _rounds(graph, feeds, size):
            expected, received = answers(graph, given), engine(given)
            if set(received) != set(expected):
                raise ExportError(
                    f"{name}: expected the outputs {', '.join(expected)}. "
                    f"Received: {', '.join(received)}."
                )
            for output, value in expected.items():
                what, scaling = f"{name}: output {output!r}", graph.scaling.get(output)
                error = _compare(what, value, received[output], scaling)
                worst[output] = max(worst[output], error)
    return worst


def check_batches(name: str, engine: Engine, x: Array, *, rounding: float) -> None:
    """Scores rows together and each alone: they may differ by what counts as tied, and no more.

    Raises:
        ExportError: a row's score depends on its neighbours.
    """
    together = engine({"x": x})["score"]
    alone = np.concatenate([engine({"x": row[None]})["score"] for row in x])
    difference = np.abs(together - alone)
    if not (difference <= rounding + SCORE_RTOL * np.abs(alone)).all():
        raise ExportError(
            f"{name}: expected a row to score the same in any batch, within {rounding:.3g} nats. "
            f"Received: {difference.max():.3g} nats between a batch of {len(x)} and a row alone."
        )


def check_verdicts(
    name: str,
    score: NDArray[np.floating],
    keras_score: NDArray[np.floating],
    *,
    calibration: Arrays,
    alpha: float,
    rounding: float = 0.0,
) -> None:
    """Compares alarms on rows that training never saw, each side with its own threshold.

    Args:
        name: of the file, for errors.
        score: (rows,) as the file gives them.
        keras_score: (rows,) as Keras gives them.
        calibration: `score` and `keras_score` of the calibration rows.
        alpha: the alarm level.
        rounding: nats within which scores are tied.

    Raises:
        ExportError: a verdict differs though the score is not at the threshold itself.
    """
    own, keras = np.sort(calibration["score"]), np.sort(calibration["keras_score"])
    alarm = p_values(score, own, rounding) <= alpha
    flipped = alarm != (p_values(keras_score, keras, rounding) <= alpha)
    limit = threshold(keras, alpha)
    tie = rounding + SCORE_RTOL * abs(limit)  # the verdict turns at the limit and a tie
    at_threshold = np.abs(keras_score - limit) <= 2 * tie + TOLERANCE * max(abs(limit), 1.0)
    flips = int((flipped & ~at_threshold).sum())
    if flips:
        row = int(np.argmax(flipped & ~at_threshold))
        raise ExportError(
            f"{name}: expected the verdicts of Keras. Received: {flips} of {len(score)} flipped, "
            f"the first at test row {row}, score {score[row]} against {keras_score[row]} in Keras."
        )


def check_classes(name: str, probabilities: Array, keras_probabilities: Array) -> None:
    """Compares the likeliest class of rows that training never saw, both (rows, classes).

    Raises:
        ExportError: a class differs though its probability is not that of the next one.
    """
    likeliest = probabilities.argmax(axis=1)
    second, first = np.sort(keras_probabilities, axis=1).T[-2:]
    flipped = (likeliest != keras_probabilities.argmax(axis=1)) & (first - second > 2 * TOLERANCE)
    if flipped.any():
        row = int(np.argmax(flipped))
        raise ExportError(
            f"{name}: expected the classes of Keras. Received: {int(flipped.sum())} of "
            f"{len(flipped)} flipped, the first at held-back row {row}, class {likeliest[row]} "
            f"against {keras_probabilities[row].argmax()} in Keras."
        )


def _rounds(graph: Graph, feeds: Arrays, size: int) -> list[Arrays]:
    """The inputs resized to a batch, without and with the optional ones."""
    batch = {
        name: np.resize(feeds[name], (size, *feeds[name].shape[1:]))
        for name in graph.inputs
        if name not in graph.defaults
    }
    optional = {name: feeds[name] for name in graph.defaults}
    return [batch, {**batch, **optional}] if optional else [batch]


def _compare(what: str, expected: Array, received: Array, scaling: Scaling | None) -> float:
    if (received.shape, received.dtype) != (expected.shape, expected.dtype):
        raise ExportError(
            f"{what}: expected {expected.dtype} {expected.shape}. "
            f"Received: {received.dtype} {received.shape}."
        )
    error = deviation(expected, received, 1.0, scaling=scaling)
    if not error <= TOLERANCE:
        raise ExportError(
            f"{what} differs from Keras by {error:.3g} of its largest magnitude at batch "
            f"{len(expected)}; expected at most {TOLERANCE:g}."
        )
    return error
