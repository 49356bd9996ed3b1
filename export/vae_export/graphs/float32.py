"""Float32 copies of models that compute in other float types or keep weights in them.

Files compute in float32 and are compared with Keras, which has to compute in it too then.
"""

import contextlib
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import keras
import numpy as np

from vae_export.errors import reason

FLOAT32 = "float32"


def policies(model: Any) -> tuple[str, ...]:
    """Float types beside float32 that a model computes in or keeps, such as "mixed_float16"."""
    if not isinstance(model, keras.Model):
        return ()
    return tuple(dict.fromkeys(_policies(model)) or dict.fromkeys(_dtypes(model)))


def in_float32(role: str, model: Any) -> Any:
    """Copy of a model in float32, with the same layers and weights; itself if it is float32.

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
        raise ValueError(
            _refusal(role, others, f"cannot be made again ({reason(error)})")
        ) from error
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


def _policies(model: Any) -> Iterator[str]:
    for layer in _layers(model):
        policy = layer.dtype_policy
        if any(_is_other(dtype) for dtype in (policy.compute_dtype, policy.variable_dtype)):
            yield policy.name


def _dtypes(model: Any) -> Iterator[str]:
    """Float types of a model's weights and of the tensors between its layers."""
    for tensor in (*model.weights, *_tensors(model)):
        if _is_other(tensor.dtype):
            yield keras.backend.standardize_dtype(tensor.dtype)


def _is_other(dtype: Any) -> bool:
    """True for float types other than float32; integers, as indices, do not count."""
    name = None if dtype is None else keras.backend.standardize_dtype(dtype)
    return name is not None and name != FLOAT32 and keras.backend.is_float_dtype(name)


def _layers(model: Any) -> list[Any]:
    """Layers of a model, nested ones and the model itself included."""
    return list(model._flatten_layers())


def _tensors(model: Any) -> Iterator[Any]:
    """Inputs of a functional model and outputs of its operations, which may be casts."""
    for operation in getattr(model, "operations", ()):
        for node in operation._inbound_nodes:
            yield from keras.tree.flatten(node.output_tensors)


def _rebuilt(model: Any) -> Any:
    """Model made from the config, with new weights."""
    given = keras.config.dtype_policy()
    functions = _functions(model)
    with _named(functions):
        config = _plain(keras.saving.serialize_keras_object(model))
    keras.config.set_dtype_policy(FLOAT32)  # for what a config does not say
    try:
        return keras.saving.deserialize_keras_object(config, {**_classes(model), **functions})
    finally:
        keras.config.set_dtype_policy(given)


def _functions(model: Any) -> dict[str, FunctionType]:
    """Functions that layers were given, under unique names: several may be a `<lambda>`.

    They are handed on as they are. A config holds the bytes of a lambda, without the modules that
    it uses.
    """
    found = {id(value): value for value in _attributes(model) if _is_own(value)}
    functions = [value for value in found.values() if isinstance(value, FunctionType)]
    return {f"{function.__name__} {i}": function for i, function in enumerate(functions)}


def _classes(model: Any) -> dict[str, type]:
    """Classes of the layers, and of the initializers and the like that they were given."""
    objects = [*_layers(model), *(v for v in _attributes(model) if hasattr(v, "get_config"))]
    return {type(each).__name__: type(each) for each in objects if _is_own(type(each))}


def _attributes(model: Any) -> Iterator[Any]:
    for layer in _layers(model):
        yield from vars(layer).values()


def _is_own(value: Any) -> bool:
    """True where code is the user's and not Keras's."""
    return getattr(value, "__module__", "keras").partition(".")[0] != "keras"


@contextlib.contextmanager
def _named(functions: dict[str, FunctionType]) -> Iterator[None]:
    """Renames functions for a while, so that a config can refer to them."""
    given = [(function, function.__name__) for function in functions.values()]
    for name, function in functions.items():
        function.__name__ = name
    try:
        yield
    finally:
        for function, name in given:
            function.__name__ = name


def _plain(config: Any, key: str = "") -> Any:
    """Converts a serialised model: not compiled, its dtypes and policies float32."""
    if isinstance(config, dict):
        if "DTypePolicy" in str(config.get("class_name")):
            return FLOAT32
        named = (item for item in config.items() if item[0] != "compile_config")
        return {name: _plain(value, name) for name, value in named}
    if isinstance(config, (list, tuple)):
        return type(config)(_plain(value, key) for value in config)
    is_dtype = key == "dtype" and isinstance(config, str)
    return FLOAT32 if is_dtype and _is_other(config.removeprefix("mixed_")) else config


def _copy_weights(model: Any, copy: Any) -> None:
    """Copies weights as loading a file would, so that layers can prepare for computing."""
    for layer, twin in zip(_layers(model), _layers(copy), strict=True):
        kept: dict[str, Any] = {}
        layer.save_own_variables(kept)
        twin.load_own_variables({name: _as_float32(value) for name, value in kept.items()})


def _as_float32(value: Any) -> Any:
    array = np.asarray(keras.ops.convert_to_numpy(value))
    return array.astype(FLOAT32) if _is_other(array.dtype.name) else array
