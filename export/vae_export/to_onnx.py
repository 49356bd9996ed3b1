"""A graph as ONNX: opset 17, IR 8, standard domain, no random op, named and described.

tf2onnx reports what it cannot convert to a logger only and writes an invalid file all the same;
here that is an error. So is any op that is not on the list.
"""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper
from onnx.checker import check_model

from .errors import ExportError
from .graphs import Graph

OPSET = 17  # old enough for the runtimes on devices, new enough for LayerNormalization
IR_VERSION = 8

# Deterministic ops of the standard domain that onnxruntime has on every CPU. Others may well be
# fine: add one after onnxruntime and the parity gate have agreed with Keras on it.
OPS = frozenset(
    "Abs Add ArgMax AveragePool BatchNormalization Cast Ceil Clip Concat Constant ConstantOfShape "
    "Conv ConvTranspose Cos DepthToSpace Div Einsum Elu Equal Erf Exp Expand Flatten Floor Gather "
    "GatherND Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual HardSigmoid HardSwish "
    "Identity InstanceNormalization LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax "
    "MatMul Max MaxPool Mean Min Mul Neg Not OneHot Or And Pad Pow PRelu Range Reciprocal ReduceL2 "
    "ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu "
    "Reshape Resize Round Selu Shape Sigmoid Sign Sin Slice Softmax Softplus Softsign SpaceToDepth "
    "Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK Transpose Unsqueeze "
    "Where".split()
)


def to_onnx(graph: Graph, metadata: dict[str, str]) -> bytes:
    """The bytes of an ONNX file.

    Args:
        graph: the function to convert.
        metadata: written into the file's metadata_props, so that a lone file explains itself.

    Raises:
        ExportError: the graph cannot be expressed; names the graph and the op.
    """
    model = _convert(graph)
    _check_ops(graph, model)
    _modernise_resize(model)
    _describe(graph, model)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    try:
        check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"{graph.role}.onnx: the ONNX checker refuses it: {error}") from error
    return bytes(model.SerializeToString(deterministic=True))


def ops(content: bytes) -> tuple[str, ...]:
    """The ops that an ONNX file uses, sorted."""
    return tuple(sorted({node.op_type for node in onnx.load_from_string(content).graph.node}))


def _convert(graph: Graph) -> Any:
    import tf2onnx

    signature = graph.signature()
    function = tf.function(graph.function, input_signature=signature)
    with _complaints("tf2onnx") as complaints:
        model, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    if complaints:
        raise ExportError(
            f"{graph.role}.onnx: tf2onnx could not convert it: {'; '.join(complaints)[:500]}. "
            "Replace the operation in the model by one that ONNX has."
        )
    return model


@contextlib.contextmanager
def _complaints(logger_name: str) -> Iterator[list[str]]:
    """Collects what a library logs as errors, instead of printing it."""
    messages: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    logger, collector = logging.getLogger(logger_name), Collector(logging.ERROR)
    propagate = logger.propagate
    logger.addHandler(collector)
    logger.propagate = False
    try:
        yield messages
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagate


def _check_ops(graph: Graph, model: Any) -> None:
    for node in model.graph.node:
        if node.domain not in ("", "ai.onnx") or node.op_type not in OPS:
            raise ExportError(
                f"{graph.role}.onnx: expected ops that every CPU runtime has. Received: "
                f"{node.domain or 'ai.onnx'}.{node.op_type} (node {node.name}). "
                "Replace the operation in the model."
            )


def _modernise_resize(model: Any) -> None:
    """Says nearest-neighbour resizing in terms that newer runtimes do not call deprecated.

    tf_half_pixel_for_nn with floor is floor((i + 0.5) / scale); so is half_pixel, which subtracts
    0.5 from that, with round_prefer_ceil, which adds it again before the floor.
    """
    for node in model.graph.node:
        old = {a.s for a in node.attribute if a.name in ("coordinate_transformation_mode", "mode")}
        if node.op_type == "Resize" and old == {b"tf_half_pixel_for_nn", b"nearest"}:
            del node.attribute[:]
            node.attribute.extend(
                helper.make_attribute(name, value)
                for name, value in (
                    ("coordinate_transformation_mode", "half_pixel"),
                    ("mode", "nearest"),
                    ("nearest_mode", "round_prefer_ceil"),
                )
            )


def _describe(graph: Graph, model: Any) -> None:
    """Gives inputs and outputs shapes with named free dimensions, and inputs their defaults."""
    body = model.graph
    for kind, wanted, found in (
        ("inputs", list(graph.inputs), [i.name for i in body.input]),
        ("outputs", list(graph.outputs), [o.name for o in body.output]),
    ):
        if set(wanted) != set(found):
            raise ExportError(
                f"{graph.role}.onnx: expected the {kind} {', '.join(wanted)}. Received: "
                f"{', '.join(found)}. (A tensor that the model captured becomes an input.)"
            )
    inputs = [_value_info(name, *graph.inputs[name]) for name in graph.inputs]
    outputs = [_value_info(name, "float32", graph.outputs[name]) for name in graph.outputs]
    del body.input[:], body.output[:], body.value_info[:]
    body.input.extend(inputs)
    body.output.extend(outputs)
    body.initializer.extend(numpy_helper.from_array(v, n) for n, v in graph.defaults.items())
    body.name = graph.role
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version, model.doc_string = "vae-keras", "", ""


def _value_info(name: str, dtype: str, shape: tuple[int | str, ...]) -> Any:
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    if element == TensorProto.UNDEFINED:
        raise ExportError(f"{name}: expected a dtype that ONNX has. Received: {dtype}.")
    return helper.make_tensor_value_info(name, element, shape)
