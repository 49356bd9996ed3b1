"""Runs exported files in the engines that devices run them in: onnxruntime and LiteRT.

A file becomes a function from named inputs to named outputs; one that will not load or run is an
`ExportError`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime as ort
from ai_edge_litert.interpreter import Interpreter

from .errors import ExportError
from .graphs import Arrays

Engine = Callable[[Arrays], Arrays]


def open_onnx(name: str, content: bytes) -> Engine:
    """An ONNX file in onnxruntime."""
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
    """A TFLite file in LiteRT, by its one signature."""
    try:
        interpreter = Interpreter(model_content=content, num_threads=1)
        runner: Any = interpreter.get_signature_runner()
    except (ValueError, RuntimeError) as error:
        raise ExportError(f"{name}: LiteRT cannot load it: {error}") from error

    def run(feeds: Arrays) -> Arrays:
        try:
            return {output: np.array(value) for output, value in runner(**feeds).items()}
        except (ValueError, RuntimeError) as error:
            raise ExportError(_cannot_run(name, "LiteRT", feeds, error)) from error

    return run


def _cannot_run(name: str, engine: str, feeds: Arrays, error: Exception) -> str:
    shapes = ", ".join(f"{key} {value.shape}" for key, value in feeds.items())
    return f"{name}: {engine} cannot run it on {shapes}: {error}"
