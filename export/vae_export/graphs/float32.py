"""The same models in float32, where they compute or keep anything in other floats.

Files compute in float32 and are compared with Keras, which has to compute in it too then.
"""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

PLAIN = "float32"

LONGEST = 200  # characters of a reason


def policies(model: Any) -> tuple[str, ...]:
    """Names of what a model computes or keeps numbers in beside float32, as "mixed_float16"."""
    if not isinstance(model, keras.Model):
        return ()
    return tuple(dict.fromkeys(_policies(model)) or dict.fromkeys(_dtypes(model)))


def in_float32(role: str, model: Any) -> Any:
    """A model of the same layers and weights that is float32 throughout; itself where it is.

    Args:
        role: of the model, for the error message.
        model: any Keras model.

    Raises:
        ValueError: a layer cannot be made again from its config, or its weights are whole numbers.
    """
    if not isinstance(model, keras.Model):
        return model
    _check_floats(role, model)
    others = policies(model)
    if not others:
        return model
    try:
        copy = _rebuilt(model)
        _copy_weights(model, copy)
    except Exception as error:  # whatever the code of a custom layer raises
        raise ValueError(_refusal(role, others, _reason(error))) from error
    if left := policies(copy):
        raise ValueError(_refusal(role, others, f"some of it stays {', '.join(left)}"))
    return copy


def _check_floats(role: str, model: Any) -> None:
    for layer in _layers(model):
        if getattr(layer, "quantization_mode", None):
            raise ValueError(
                f"expected as {role} a model in floats. Received: layer {layer.name!r} of policy "
                f"{layer.dtype_policy.name}, whose weights are rounded. Give the model as it was "
                "before quantize(); export makes int8 itself (precisions=('fp32', 'int8'))."
            )


def _refusal(role: str, others: tuple[str, ...], why: str) -> str:
    return (
        f"expected as {role} a model that computes in float32, or can be made again so. Received: "
        f"one that computes in {', '.join(others)}, and {why}. Build it with dtype='float32' and "
        "give it the same weights (set_weights); custom layers need get_config, and pass dtype on."
    )


def _reason(error: Exception) -> str:
    """What went wrong, in one line; Keras puts the config before it."""
    said = " ".join(str(error).rpartition("Exception encountered: ")[2].split())
    return f"cannot be made again ({said[:LONGEST] or type(error).__name__})"


def _policies(model: Any) -> Iterator[str]:
    for layer in _layers(model):
        policy = layer.dtype_policy
        if any(_is_other(dtype) for dtype in (policy.compute_dtype, policy.variable_dtype)):
            yield policy.name


def _dtypes(model: Any) -> Iterator[str]:
    """Of what it keeps and of what goes from layer to layer."""
    for tensor in (*model.weights, *_tensors(model)):
        if _is_other(tensor.dtype):
            yield keras.backend.standardize_dtype(tensor.dtype)


def _is_other(dtype: Any) -> bool:
    """Of floats; whole numbers, as indices, are what they are."""
    name = None if dtype is None else keras.backend.standardize_dtype(dtype)
    return name is not None and name != PLAIN and keras.backend.is_float_dtype(name)


def _layers(model: Any) -> list[Any]:
    """All of them, those within others and the model too."""
    return list(model._flatten_layers())


def _tensors(model: Any) -> Iterator[Any]:
    """What goes into a functional model and what its operations give, which may be casts."""
    for operation in getattr(model, "operations", ()):
        for node in operation._inbound_nodes:
            yield from keras.tree.flatten(node.output_tensors)


def _rebuilt(model: Any) -> Any:
    """The model from its config, with new weights."""
    given = keras.config.dtype_policy()
    keras.config.set_dtype_policy(PLAIN)  # for what a config does not say
    try:
        return keras.saving.deserialize_keras_object(
            _plain(keras.saving.serialize_keras_object(model)),
            custom_objects={type(layer).__name__: type(layer) for layer in _layers(model)},
            safe_mode=False,  # it was in memory, and so is no stranger's
        )
    finally:
        keras.config.set_dtype_policy(given)


def _plain(config: Any, key: str = "") -> Any:
    """A serialised model whose dtypes and policies are float32 where they are other floats."""
    if isinstance(config, dict):
        if "DTypePolicy" in str(config.get("class_name")):
            return PLAIN
        return {name: _plain(value, name) for name, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_plain(value, key) for value in config)
    is_dtype = key == "dtype" and isinstance(config, str)
    return PLAIN if is_dtype and _is_other(config.removeprefix("mixed_")) else config


def _copy_weights(model: Any, copy: Any) -> None:
    """As loading a file would, so that a layer can make of them what it computes with."""
    for layer, twin in zip(_layers(model), _layers(copy), strict=True):
        kept: dict[str, Any] = {}
        layer.save_own_variables(kept)
        twin.load_own_variables({name: _as_float32(value) for name, value in kept.items()})


def _as_float32(value: Any) -> Any:
    array = np.asarray(keras.ops.convert_to_numpy(value))
    return array.astype(PLAIN) if _is_other(array.dtype.name) else array
