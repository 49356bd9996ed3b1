"""Converter to TFLite: builtin ops only, float32, any batch size, inputs and outputs by name."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import flatbuffers
import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from vae_export.graphs.functions import Graph
from vae_keras._base.tf_log_filter import filter_tf_log
from vae_runtime.bundle.manifest import FORMAT

from .result import Conversion


def to_tflite(
    graph: Graph,
    metadata: dict[str, str],
    *,
    batch: int | None = None,
    configure: Callable[[Any], None] | None = None,
) -> Conversion:
    """Converts a graph to a TFLite file.

    Args:
        graph: the function to convert, without optional inputs: TFLite knows nothing of such.
        metadata: written into the file, so that a lone file explains itself.
        batch: the only batch size that the file takes; None for any.
        configure: sets the TFLiteConverter to another precision (see `quantize_tflite`).
    """
    if batch is None and configure is None:
        made = graph.once("tflite", lambda: _convert(graph))
    else:
        made = _convert(graph, batch, configure)
    if made.complaints:
        return made
    return replace(made, content=rewrite(made.content, lambda m: _add_metadata(m, metadata)))


def rewrite(content: bytes, change: Callable[[Any], None]) -> bytes:
    """Applies a change to the model object of a TFLite file; returns the new file."""
    model: Any = schema.ModelT.InitFromPackedBuf(content)
    change(model)
    builder = flatbuffers.Builder(len(content) + 1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _convert(
    graph: Graph, batch: int | None = None, configure: Callable[[Any], None] | None = None
) -> Conversion:
    """File of a graph without metadata."""
    concrete = graph.traced(batch)
    owner = tf.Module()  # holds the weights alive; the Keras model itself would leave them unfrozen
    owner.weights = list(concrete.variables)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], owner)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if configure is not None:
        configure(converter)
    try:
        with filter_tf_log():
            return Conversion(bytes(converter.convert()))
    except Exception as error:  # the converter raises its own class, private to TensorFlow
        return Conversion(b"", (_first_line(error),))


def _add_metadata(model: Any, metadata: dict[str, str]) -> None:
    """Adds a named buffer with JSON, and changes neither weights nor graph."""
    entry, buffer = schema.MetadataT(), schema.BufferT()
    entry.name, entry.buffer = FORMAT, len(model.buffers)
    buffer.data = np.frombuffer(json.dumps(metadata).encode(), np.uint8)
    model.metadata = [*(model.metadata or ()), entry]
    model.buffers.append(buffer)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:300]
