"""The same models in float32, where they compute or keep anything in other floats.

Files compute in float32 and are compared with Keras, which has to compute in it too then.
"""

import contextlib
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import keras
import numpy as np

from .reasons import reason

PLAIN = "float32"


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
    functions = _functions(model)
    with _named(functions):
        config = _plain(keras.saving.serialize_keras_object(model))
    keras.config.set_dtype_policy(PLAIN)  # for what a config does not say
    try:
        return keras.saving.deserialize_keras_object(config, {**_classes(model), **functions})
    finally:
        keras.config.set_dtype_policy(given)


def _functions(model: Any) -> dict[str, FunctionType]:
    """The functions that layers were given, by names of their own: several may be a `<lambda>`.

    They are handed on as they are. A config holds the bytes of a lambda, without the modules that
    it uses.
    """
    found = {id(value): value for value in _attributes(model) if _is_own(value)}
    functions = [value for value in found.values() if isinstance(value, FunctionType)]
    return {f"{function.__name__} {i}": function for i, function in enumerate(functions)}


def _classes(model: Any) -> dict[str, type]:
    """Those of the layers, and of initializers and the like that they were given."""
    objects = [*_layers(model), *(v for v in _attributes(model) if hasattr(v, "get_config"))]
    return {type(each).__name__: type(each) for each in objects if _is_own(type(each))}


def _attributes(model: Any) -> Iterator[Any]:
    for layer in _layers(model):
        yield from vars(layer).values()


def _is_own(value: Any) -> bool:
    """Whether code is the user's, and none of Keras."""
    return getattr(value, "__module__", "keras").partition(".")[0] != "keras"


@contextlib.contextmanager
def _named(functions: dict[str, FunctionType]) -> Iterator[None]:
    """Gives functions these names for a while, by which a config then refers to them."""
    given = [(function, function.__name__) for function in functions.values()]
    for name, function in functions.items():
        function.__name__ = name
    try:
        yield
    finally:
        for function, name in given:
            function.__name__ = name


def _plain(config: Any, key: str = "") -> Any:
    """A serialised model, not compiled, whose dtypes and policies are float32 for other floats."""
    if isinstance(config, dict):
        if "DTypePolicy" in str(config.get("class_name")):
            return PLAIN
        named = (item for item in config.items() if item[0] != "compile_config")
        return {name: _plain(value, name) for name, value in named}
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
