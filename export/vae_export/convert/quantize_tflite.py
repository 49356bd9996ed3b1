"""TFLite files of lower precision.

    fp16      weights of convolutions and dense layers in float16, half the size; computes in
              float32, from the same inputs to the same outputs
    dynamic   those weights in int8, a scale for each output channel, where there are 1024 or more
              in a layer; activations are quantised as they come, from and to float32
    int8      weights and activations in int8, int8 in and out, one row at a time, by scales learned
              from representative rows; for microcontrollers, of networks alone (see
              `functions.build_networks`)

Scales are those of the whole range that representative rows reach. (A moving average, which AI Edge
Quantizer takes unless it is given all rows as one batch, clips what is rare: scores of normal rows
were then off by up to 70 nats where these are off by 2.)
"""

import collections
import functools
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from vae_export.graphs.functions import Array, Arrays, Graph

from .result import Conversion
from .to_tflite import rewrite, to_tflite

# What TensorFlow Lite Micro runs of what the converter leaves in an int8 file, seen to give what
# LiteRT gives. Not among them: EXP, LOG and SQRT, which it has in float alone, so softplus and
# scores; GELU, SELECT and TILE (UpSampling2D; Resizing does), which it lacks; RELU6 apart from a
# layer before it, of which it makes something else.
MICRO_OPS = frozenset(
    "ABS ADD AVERAGE_POOL_2D BATCH_MATMUL CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEQUANTIZE DIV "
    "ELU FULLY_CONNECTED HARD_SWISH LEAKY_RELU LOGISTIC MAX_POOL_2D MAXIMUM MEAN MINIMUM MUL NEG "
    "PAD QUANTIZE REDUCE_MAX RELU RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SIN "
    "SOFTMAX SPLIT SQUARE SQUARED_DIFFERENCE STRIDED_SLICE SUB SUM TANH TRANSPOSE TRANSPOSE_CONV "
    "UNPACK".split()
)

_WEIGHED = tuple(  # their second input are weights
    getattr(schema.BuiltinOperator, name)
    for name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
)


_FLOAT32 = schema.TensorType.FLOAT32


def to_fp16(graph: Graph, metadata: dict[str, str]) -> Conversion:
    """Converts a graph to TFLite with weights in float16."""
    made = to_tflite(graph, metadata)
    if made.complaints:
        return made
    halve = functools.partial(_halve_weights, spared=graph.spared)
    content = rewrite(made.content, halve)
    return Conversion(content, _rounded(content, graph.spared), recipe="float16 weights")


def to_dynamic(graph: Graph, metadata: dict[str, str]) -> Conversion:
    """Converts a graph to TFLite with large weights in int8."""
    made = to_tflite(graph, metadata, configure=_quantize_weights)
    if graph.spared and not made.complaints:
        restore = functools.partial(_restore, factors=graph.spared)
        content = rewrite(made.content, restore)
        made = replace(made, content=content, complaints=_rounded(content, graph.spared))
    return replace(made, recipe="int8 weights by channel, float activations")


def to_int8(graph: Graph, metadata: dict[str, str], representative: Arrays) -> Conversion:
    """Converts a graph to TFLite all in int8, for one row at a time.

    Args:
        graph: one of `functions.build_networks`.
        metadata: written into the file.
        representative: rows of the inputs, as `functions.network_feeds` gives them; some hundreds,
            which reach all values that shall be told apart: what is beyond saturates.
    """
    configure = functools.partial(_quantize_all, graph=graph, representative=representative)
    with warnings.catch_warnings():  # the converter runs the rows in its own, older interpreter
        warnings.filterwarnings("ignore", r"\s*Warning: tf.lite.Interpreter is deprecated")
        made = to_tflite(graph, metadata, batch=1, configure=configure)
    return replace(made, recipe="minmax ranges, all in int8")


def runs_on_micro(op: str) -> bool:
    """True where microcontrollers run an op in int8, and rightly."""
    return op in MICRO_OPS


def _quantize_weights(converter: Any) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _quantize_all(converter: Any, *, graph: Graph, representative: Arrays) -> None:
    rows = zip(*(representative[name] for name in graph.inputs), strict=True)
    feeds = [{name: x[None] for name, x in zip(graph.inputs, row, strict=True)} for row in rows]
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: iter(feeds)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8


def _halve_weights(model: Any, *, spared: Sequence[Array]) -> None:
    """Stores weights in float16, each behind a DEQUANTIZE that LiteRT runs once.

    (The converter's own option for float16 rounds all constants, those of pre-processing too: an
    offset of 101325 pascals becomes infinite.)
    """
    dequantize = schema.OperatorCodeT()
    dequantize.builtinCode = dequantize.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    dequantize.version = 3  # the first that takes float16
    model.operatorCodes.append(dequantize)
    for graph in model.subgraphs:
        graph.operators[:0] = [
            _halve(model, graph, index)
            for index in _weights(model, graph)
            if not any(_are(model, graph.tensors[index], factor.T) for factor in spared)
        ]


def _restore(model: Any, *, factors: Sequence[Array]) -> None:
    """Restores float32 weights that belong to a score's own arithmetic."""
    codes = [code.builtinCode for code in model.operatorCodes]
    for graph in model.subgraphs:
        weighed = [op for op in graph.operators if codes[op.opcodeIndex] in _WEIGHED]
        for tensor in (graph.tensors[int(operator.inputs[1])] for operator in weighed):
            for factor in factors:
                if _rounds(model, tensor, factor.T):
                    tensor.type, tensor.quantization = _FLOAT32, None
                    data = np.ascontiguousarray(factor.T, np.float32)
                    model.buffers[tensor.buffer].data = data.view(np.uint8).ravel()


def _rounded(content: bytes, factors: Sequence[Array]) -> tuple[str, ...]:
    """Complaints about factors that are not among the file's float32 constants.

    (They are such where the converter left them so by itself, as it does with few weights.)
    """
    model: Any = schema.ModelT.InitFromPackedBuf(content)
    tensors = [tensor for graph in model.subgraphs for tensor in graph.tensors]
    return tuple(
        f"a factor {factor.shape} of the score's own arithmetic is not among the file's constants"
        for factor in factors
        if not any(_are(model, tensor, each) for tensor in tensors for each in (factor, factor.T))
    )


def _are(model: Any, tensor: Any, weights: Array) -> bool:
    """True where a tensor is a float32 constant with these weights."""
    data = model.buffers[tensor.buffer].data
    if data is None or (tensor.type, tuple(tensor.shape)) != (_FLOAT32, weights.shape):
        return False
    return np.array_equal(data.view(np.float32), weights.ravel())


def _rounds(model: Any, tensor: Any, weights: Array) -> bool:
    """True where an 8-bit constant is these weights, rounded."""
    if tensor.type != schema.TensorType.INT8 or tuple(tensor.shape) != weights.shape:
        return False
    scale = np.reshape(tensor.quantization.scale, (-1, 1))
    values = model.buffers[tensor.buffer].data.view(np.int8).reshape(weights.shape) * scale
    return bool((np.abs(values - weights) <= scale).all())


def _weights(model: Any, graph: Any) -> list[int]:
    """Numbers of the tensors that are constant float32 weights and are not shared."""
    codes = [code.builtinCode for code in model.operatorCodes]
    weighed = [op for op in graph.operators if codes[op.opcodeIndex] in _WEIGHED]
    users = collections.Counter(each.buffer for part in model.subgraphs for each in part.tensors)
    candidates = sorted({int(operator.inputs[1]) for operator in weighed})
    return [i for i in candidates if _is_own_float(model, graph.tensors[i], users)]


def _is_own_float(model: Any, tensor: Any, users: dict[int, int]) -> bool:
    constant = model.buffers[tensor.buffer].data is not None
    return constant and users[tensor.buffer] == 1 and tensor.type == _FLOAT32


def _halve(model: Any, graph: Any, index: int) -> Any:
    """Turns a float32 constant into float16; returns the operator that converts it back."""
    tensor, half, operator = graph.tensors[index], schema.TensorT(), schema.OperatorT()
    half.name, half.shape, half.type = tensor.name, tensor.shape, schema.TensorType.FLOAT16
    half.buffer, tensor.buffer = tensor.buffer, 0  # the first is empty, for all that is computed
    buffer = model.buffers[half.buffer]
    buffer.data = buffer.data.view(np.float32).astype(np.float16).view(np.uint8)
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = [len(graph.tensors)], [index]
    graph.tensors.append(half)
    return operator
