"""ONNX int8: weights and activations of the matrix products; a score's own arithmetic stays float.

Of the ways to find an activation's range, and of the layers that may stay in float at little cost,
those are taken that move the score least on the calibration rows: what counts is the
verdict, not each tensor's error.

Activations are uint8 and weights int8 of 7 bits: processors without VNNI add pairs of products in
16 bits and saturate, so that a file of full range would score otherwise there than here.
Source: onnxruntime's documentation, "Quantize ONNX models", on U8S8 and reduce_range.
"""

import contextlib
import hashlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from vae_export.graphs.functions import Array, Arrays
from vae_runtime._base.libraries import onnxruntime

from .engines import open_onnx
from .sum_as_matmul import is_ones, sums

ort = onnxruntime()
quantization = onnxruntime("onnxruntime.quantization")
Reader: Any = quantization.CalibrationDataReader

CALIBRATORS = {
    "minmax": quantization.CalibrationMethod.MinMax,
    "percentile": quantization.CalibrationMethod.Percentile,
    "entropy": quantization.CalibrationMethod.Entropy,
}
PRODUCTS = ("Conv", "ConvTranspose", "MatMul", "Gemm")
BATCH = 32  # of the rows that ranges are found on; histograms want batches of one size

FLOAT_SHARE = 0.1  # of all weights, that may stay in float
WORTHWHILE = 0.9  # a layer stays in float where the error falls to this share of itself, or below

Layers = frozenset[str]


@dataclass(frozen=True)
class Recipe:
    """Settings by which a model's graphs are quantised.

    Args:
        calibrator: how the ranges of activations are found, one of `CALIBRATORS`.
        floats: layers left in float, by the digests of their weights: the same in every graph.
        error: what it does to the score of held-back rows, see `score_error`.
        spared: products that are a score's own arithmetic, by the same digests.
    """

    calibrator: str
    floats: Layers = frozenset()
    error: float = float("inf")
    spared: Layers = frozenset()

    def __str__(self) -> str:
        several = "s" if len(self.floats) > 1 else ""
        kept = f", {len(self.floats)} layer{several} in float" if self.floats else ""
        return f"{self.calibrator} ranges{kept}"


MINMAX = Recipe("minmax")  # for whoever has no rows to choose by


def quantize(content: bytes, rows: Arrays, recipe: Recipe) -> bytes:
    """Quantises the matrix products of an ONNX file to int8, as QDQ, weights by channel.

    Args:
        content: the float file.
        rows: its inputs, (rows, ...) each, that ranges are found on; `BATCH` at least.
        recipe: how.
    """
    floats = recipe.floats | recipe.spared
    keep = [node.name for node, digest, _ in _layers(content) if digest in floats]
    keep += sums(onnx.load_from_string(content))
    with tempfile.TemporaryDirectory() as folder, _silence():
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(content)
        quantization.quantize_static(
            source,
            target,
            _Batches(rows),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=list(PRODUCTS),
            nodes_to_exclude=keep,
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=CALIBRATORS[recipe.calibrator],
        )
        model = onnx.load(target)
    _keep_score_float(model)
    _tidy(model, onnx.load_from_string(content))
    return bytes(model.SerializeToString(deterministic=True))


def choose(
    content: bytes, training: Array, x: Array, score: Array, *, spared: Layers = frozenset()
) -> Recipe:
    """Chooses the recipe that changes the score least.

    Args:
        content: the float scorer.
        training: rows that ranges are found on.
        x: the calibration rows.
        score: (rows,) of these, as Keras gives them.
        spared: layers that stay in float whatever they weigh.
    """

    def judged(calibrator: str, floats: Layers = frozenset()) -> Recipe:
        recipe = Recipe(calibrator, floats, spared=spared)
        engine = open_onnx("scorer", quantize(content, {"x": training}, recipe))
        return replace(recipe, error=score_error(engine({"x": x})["score"], score))

    best = min((judged(name) for name in CALIBRATORS), key=lambda recipe: recipe.error)
    sizes = {d: size for _, d, size in _layers(content) if d not in spared}
    while True:
        left = FLOAT_SHARE * sum(sizes.values()) - sum(sizes[d] for d in best.floats)
        small = [d for d, size in sizes.items() if d not in best.floats and size <= left]
        tried = [judged(best.calibrator, best.floats | {digest}) for digest in small]
        better = min(tried, key=lambda recipe: recipe.error, default=best)
        if not better.error <= WORTHWHILE * best.error or best.error == 0:
            return best
        best = better


def missing_factors(content: bytes, factors: Sequence[Array]) -> tuple[str, ...]:
    """Complaints about factors that must stay float but belong to no matrix product."""
    known = {digest for _, digest, _ in _layers(content)}
    return tuple(
        f"a factor {factor.shape} of the score's own arithmetic is in no matrix product"
        for factor in factors
        if digest_of(factor) not in known
    )


def digest_of(weights: Array) -> str:
    """Hash of a layer's weights (sha256), by which it is recognised in every graph."""
    return hashlib.sha256(np.ascontiguousarray(weights).tobytes()).hexdigest()


def score_error(received: Array, expected: Array) -> float:
    """Root mean square error of scores in nats, without the mean shift.

    (The threshold is calibrated anew for each precision.)
    """
    return float(np.std(received.astype(np.float64) - expected))


class _Batches(Reader):
    def __init__(self, rows: Arrays) -> None:
        whole = len(next(iter(rows.values()))) // BATCH * BATCH
        starts = range(0, whole, BATCH)
        self._batches = iter([{k: v[s : s + BATCH] for k, v in rows.items()} for s in starts])

    def get_next(self) -> Arrays | None:
        """Next batch, None after the last, as onnxruntime asks for it."""
        return next(self._batches, None)


def _layers(content: bytes) -> list[tuple[Any, str, int]]:
    """Matrix products with weights: (node, hash of the weights, their number) of each."""
    graph = onnx.load_from_string(content).graph
    weights = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    found = []
    for node in graph.node:
        for name in node.input[:2] if node.op_type in PRODUCTS else ():
            if name in weights and not is_ones(weights[name]):
                found.append((node, digest_of(weights[name]), weights[name].size))
    return found


def _keep_score_float(model: Any) -> None:
    """Restricts 8-bit values to matrix products; other nodes read the floats before rounding.

    onnxruntime's quantiser gives them to whoever shares the tensor: pre-processed `x` would reach
    the likelihood clipped to the range of training rows, and gross faults would score as small
    ones. (What a product itself puts out in 8 bits stays so, as its speed depends on it.)
    """
    makers = {output: node for node in model.graph.node for output in node.output}
    floats = {}
    for node in model.graph.node:
        quantized = makers.get(node.input[0]) if node.op_type == "DequantizeLinear" else None
        if quantized is not None and quantized.op_type == "QuantizeLinear":
            source = makers.get(quantized.input[0])
            if source is None or source.op_type not in PRODUCTS:
                floats[node.output[0]] = quantized.input[0]
    for node in model.graph.node:
        if node.op_type not in PRODUCTS:
            node.input[:] = [floats.get(name, name) for name in node.input]


def _tidy(model: Any, source: Any) -> None:
    """Restores the names of inputs and outputs, and drops unused domains."""
    used = {node.domain for node in model.graph.node}
    kept = [opset for opset in model.opset_import if opset.domain in used]
    del model.opset_import[:], model.graph.value_info[:], model.metadata_props[:]
    model.opset_import.extend(kept)
    model.metadata_props.extend(source.metadata_props)
    model.producer_name, model.producer_version = source.producer_name, source.producer_version


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Suppresses what the quantiser prints, logs and warns of."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    ort.set_default_logger_severity(
        3
    )  # errors; there is no asking what it was, and 2 is its default
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)
            ort.set_default_logger_severity(2)
