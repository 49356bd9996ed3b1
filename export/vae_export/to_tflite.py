"""A graph as TFLite: builtin ops only, float32, any batch size, inputs and outputs by name."""

from typing import Any

import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from .errors import ExportError
from .graphs import Graph

SIGNATURE = "serving_default"


def to_tflite(graph: Graph) -> bytes:
    """The bytes of a TFLite file; optional inputs are fixed at their defaults.

    Raises:
        ExportError: the graph cannot be expressed in builtin ops; names the graph and the op.
    """
    graph = graph.without_defaults()
    function = tf.function(graph.function, input_signature=graph.signature())
    owner = tf.Module()  # holds the weights alive; the Keras model itself would leave them unfrozen
    owner.weights = [variable.value for variable in graph.variables]
    concrete = function.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], owner)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    try:
        content = bytes(converter.convert())
    except Exception as error:  # the converter raises its own class, private to TensorFlow
        raise ExportError(
            f"{graph.role}.tflite: the converter refuses it: {_first_line(error)} "
            "Replace the operation in the model by one that TFLite has built in."
        ) from error
    _check_ops(graph, content)
    return content


def ops(content: bytes) -> tuple[str, ...]:
    """The ops that a TFLite file uses, sorted; custom and Flex ones as CUSTOM:NAME."""
    model: Any = schema.Model.GetRootAs(content)
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    return tuple(sorted({_op_name(code) for code in codes}))


def _check_ops(graph: Graph, content: bytes) -> None:
    refused = [op for op in ops(content) if op.startswith("CUSTOM") or "RANDOM" in op]
    if refused:
        raise ExportError(
            f"{graph.role}.tflite: expected deterministic builtin ops. Received: "
            f"{', '.join(refused)}. Replace the operation in the model."
        )


def _op_name(code: Any) -> str:
    if code.CustomCode():
        return f"CUSTOM:{code.CustomCode().decode()}"
    # an 8-bit field that older files use still holds the codes below 127; the larger one is meant
    return str(_BUILTIN_NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())])


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:300]


_BUILTIN_NAMES = {
    number: name for name, number in vars(schema.BuiltinOperator).items() if name.isupper()
}
