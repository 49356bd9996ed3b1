"""Does an encoder fit a decoder? Any two Keras models may be a pair; this says what is wrong."""

from typing import Any

import keras
from keras import layers

from .arrays import Shape
from .likelihoods.members import applied_by

# What may stand between a decoder's last activation and its output: layers, and functions of
# keras.ops.
SHAPING = (layers.Reshape, layers.Permute, layers.Flatten, layers.Cropping1D, layers.Cropping2D)
SHAPING_OPS = ("Reshape", "Transpose", "Squeeze", "ExpandDims", "GetItem", "Cast")

SQUASHING = ("sigmoid", "softmax")


def check_pair(encoder: keras.Model, decoder: keras.Model) -> None:
    """Raises ValueError where encoder and decoder do not fit together, and says how.

    Args:
        encoder: from x to (z_mean, z_log_var), each (batch, latent_dim).
        decoder: from z (batch, latent_dim) to the likelihood's parameters, of x's shape.
    """
    row, outputs = _shapes("encoder", encoder)
    z, parameters = _shapes("decoder", decoder)
    if not isinstance(row, tuple) or None in row[1:]:
        raise ValueError(
            "expected an encoder with one input x of a shape that is known but for the batch. "
            f"Received: {row}."
        )
    if isinstance(encoder.output, dict) or not _are_two_vectors(outputs):
        kind = "a dict" if isinstance(encoder.output, dict) else f"outputs of shape {outputs}"
        raise ValueError(
            "expected an encoder with the two outputs z_mean and z_log_var, as a list in that "
            f"order, each (batch, latent_dim). Received: {kind}.{_sampling_hint(outputs)}"
        )
    if z != outputs[0]:
        raise ValueError(
            f"expected a decoder whose input has the encoder's z_mean shape {outputs[0]}. "
            f"Received: {z}."
        )
    if parameters != row:
        raise ValueError(
            f"expected a decoder whose output has x's shape {row}. Received: {parameters}."
            f"{_cropping_hint(parameters, row)}"
        )


def check_logits(decoder: keras.Model, likelihood: keras.layers.Layer) -> None:
    """Raises ValueError where a decoder gives probabilities to a likelihood that takes logits."""
    if applied_by(likelihood) is None:
        return
    last = _last_activation(decoder)
    if last in SQUASHING:
        raise ValueError(
            f"expected a decoder that ends on logits, as the {type(likelihood).__name__} "
            f"likelihood applies the {last} itself. Received: one that ends on a "
            f"{last}. Take its last activation away."
        )


def last_operation(model: keras.Model) -> Any:
    """The layer or operation that a model ends on, but for those that only move values."""
    for operation in reversed(getattr(model, "operations", model.layers)):
        if not isinstance(operation, SHAPING) and type(operation).__name__ not in SHAPING_OPS:
            return operation
    return None


def _shapes(role: str, model: Any) -> tuple[Any, Any]:
    """The shapes of what goes in and of what comes out."""
    if not isinstance(model, keras.Model):
        raise ValueError(f"expected a keras.Model as {role}. Received: {type(model).__name__}.")
    try:
        return model.input_shape, model.output_shape
    except AttributeError as error:  # a subclass, or a Sequential that was not told its input
        raise ValueError(
            f"expected a model as {role} that knows its shapes: keras.Model(inputs, outputs), or a "
            f"Sequential that begins with keras.Input(shape). Received: {error}"
        ) from error


def _are_two_vectors(outputs: Any) -> bool:
    if not isinstance(outputs, (list, tuple)) or len(outputs) != 2 or outputs[0] != outputs[1]:
        return False
    return isinstance(outputs[0], tuple) and len(outputs[0]) == 2 and outputs[0][1] is not None


def _sampling_hint(outputs: Any) -> str:
    three = isinstance(outputs, (list, tuple)) and len(outputs) == 3
    return " (The VAE samples z itself: leave the third output out.)" if three else ""


def _cropping_hint(parameters: Any, row: Shape) -> str:
    """For sides that were halved, rounded up, and doubled."""
    longer = len(parameters) == len(row) > 2 and all(
        isinstance(side, int) and side >= wanted
        for side, wanted in zip(parameters[1:], row[1:], strict=True)
    )
    return " (Odd sides that are halved and doubled come back longer: crop them.)" if longer else ""


def _last_activation(model: keras.Model) -> str:
    """The name of what a model ends on, whatever comes after it that only moves values."""
    last = last_operation(model)
    if isinstance(last, keras.Model):
        return _last_activation(last)
    activation = getattr(last, "activation", None)
    return (
        type(last).__name__.lower() if activation is None else getattr(activation, "__name__", "")
    )
