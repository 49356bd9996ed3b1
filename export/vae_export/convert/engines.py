"""Runs exported files in the engines that devices run them in: onnxruntime and LiteRT.

A file becomes a function from named inputs to named outputs; one that will not load or run is an
`ExportError`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_export.errors import ExportError
from vae_export.graphs.functions import Arrays
from vae_keras._base.tf_log_filter import filter_tf_log
from vae_runtime._base.libraries import onnxruntime

from .read_tflite import Quantization, interpreter, quantization

Engine = Callable[[Arrays], Arrays]

INT8 = np.iinfo(np.int8)

ort = onnxruntime()


def open_onnx(name: str, content: bytes) -> Engine:
    """Loads an ONNX file in onnxruntime."""
    options = ort.SessionOptions()
    options.log_severity_level = 3  # the scorer's optional input is worth a warning to onnxruntime
    try:
        session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises its own classes, which differ by version
        raise ExportError(f"{name}: onnxruntime cannot load it: {error}") from error
    outputs = [output.name for output in session.get_outputs()]

    def run(feeds: Arrays) -> Arrays:
        try:
            return dict(zip(outputs, session.run(outputs, feeds), strict=True))
        except Exception as error:  # as above
            raise ExportError(_cannot_run(name, "onnxruntime", feeds, error)) from error

    return run


def open_tflite(name: str, content: bytes) -> Engine:
    """Loads a TFLite file in LiteRT, by its one signature.

    One of int8 takes and gives float32 as the others do, and any number of rows: they are quantised
    (what is beyond the range saturates), run one at a time, and dequantised.
    """
    try:
        opened = interpreter(content)
        with filter_tf_log():
            opened.allocate_tensors()  # which is when LiteRT tells of its delegate
        runner: Any = opened.get_signature_runner()
    except (ValueError, RuntimeError) as error:
        raise ExportError(f"{name}: LiteRT cannot load it: {error}") from error

    def run(feeds: Arrays) -> Arrays:
        try:
            return {output: np.array(value) for output, value in runner(**feeds).items()}
        except (ValueError, RuntimeError) as error:
            raise ExportError(_cannot_run(name, "LiteRT", feeds, error)) from error

    quantized = quantization(content)
    return _in_floats(run, quantized) if quantized else run


def _in_floats(run: Engine, quantized: dict[str, Quantization]) -> Engine:
    """Wraps an engine of one int8 row, to run any number of float32 rows."""

    def run_rows(feeds: Arrays) -> Arrays:
        integers = {name: _quantize(value, *quantized[name]) for name, value in feeds.items()}
        starts = range(len(next(iter(integers.values()))))
        rows = [run({name: v[i : i + 1] for name, v in integers.items()}) for i in starts]
        answers = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
        return {name: _dequantize(value, *quantized[name]) for name, value in answers.items()}

    return run_rows


def _quantize(value: NDArray[Any], scale: float, zero_point: int) -> NDArray[np.int8]:
    integers = np.clip(np.rint(value / scale) + zero_point, INT8.min, INT8.max)
    return np.asarray(integers, np.int8)


def _dequantize(value: NDArray[Any], scale: float, zero_point: int) -> NDArray[np.float32]:
    return np.asarray((value.astype(np.float32) - zero_point) * scale, np.float32)


def _cannot_run(name: str, engine: str, feeds: Arrays, error: Exception) -> str:
    shapes = ", ".join(f"{key} {value.shape}" for key, value in feeds.items())
    return f"{name}: {engine} cannot run it on {shapes}: {error}"
