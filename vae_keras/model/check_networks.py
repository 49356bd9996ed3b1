"""Checks that an encoder and a decoder fit together, and that both can be part of a VAE."""

from typing import Any

import keras
from keras import layers

from vae_keras._base.arrays import Shape
from vae_keras.likelihoods.members import applied_by

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
    check_encoder(encoder)
    (row, outputs), (z, parameters) = _shapes("encoder", encoder), _shapes("decoder", decoder)
    if z != outputs[0]:
        raise ValueError(
            f"expected a decoder whose input has the encoder's z_mean shape {outputs[0]}. "
            f"Received: {z}.{_input_hint(z)}"
        )
    if isinstance(_outputs(decoder), dict) or parameters != row:
        raise ValueError(
            f"expected a decoder whose output has x's shape {row}. Received: {parameters}."
            f"{_single_hint(_outputs(decoder))}{_cropping_hint(parameters, row)}"
        )


def check_encoder(encoder: keras.Model) -> None:
    """Raises ValueError where a model cannot be the encoder of a VAE, and says what to do.

    Args:
        encoder: from x to (z_mean, z_log_var), each (batch, latent_dim).
    """
    row, outputs = _shapes("encoder", encoder)
    if not isinstance(row, tuple) or None in row[1:]:
        raise ValueError(
            "expected an encoder with one input x of a shape that is known but for the batch. "
            f"Received: {row}.{_input_hint(row)}"
        )
    given = _outputs(encoder)
    if isinstance(given, dict) or not _are_two_vectors(outputs):
        names = f"a dict of {', '.join(given)}" if isinstance(given, dict) else ""
        raise ValueError(
            "expected an encoder with the two outputs z_mean and z_log_var, as a list in that "
            f"order, each (batch, latent_dim). Received: {names or f'outputs of shape {outputs}'}."
            f"{_encoder_hint(given)}"
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
    """Last layer or operation of a model, skipping those that only move values.

    None where that is not known: a subclass may call its layers in any order.
    """
    layers_in_order = model.layers if isinstance(model, keras.Sequential) else ()
    for operation in reversed(getattr(model, "operations", layers_in_order)):
        if not isinstance(operation, SHAPING) and type(operation).__name__ not in SHAPING_OPS:
            return operation
    return None


def _shapes(role: str, model: Any) -> tuple[Any, Any]:
    """Shapes of a model's inputs and outputs."""
    if not isinstance(model, keras.Model):
        raise ValueError(f"expected a keras.Model as {role}. Received: {type(model).__name__}.")
    try:
        return model.input_shape, model.output_shape
    except AttributeError as error:  # a subclass, or a Sequential that was not told its input
        raise ValueError(
            f"expected a model as {role} that knows its shapes: keras.Model(inputs, outputs), or a "
            f"Sequential that begins with keras.Input(shape). Received: {error}"
        ) from error


def _outputs(model: keras.Model) -> Any:
    """Outputs of a model, a list or dict where there are several."""
    return (model.layers[-1] if isinstance(model, keras.Sequential) else model).output


def _are_two_vectors(outputs: Any) -> bool:
    if not isinstance(outputs, (list, tuple)) or len(outputs) != 2 or outputs[0] != outputs[1]:
        return False
    return isinstance(outputs[0], tuple) and len(outputs[0]) == 2 and outputs[0][1] is not None


def _input_hint(inputs: Any) -> str:
    """Advice for the parts of a conditional VAE, which have more inputs than x or z."""
    several = not isinstance(inputs, tuple)
    return " (Put what else it takes into x, as further columns.)" if several else ""


def _encoder_hint(outputs: Any) -> str:
    """Advice for outputs that are not z_mean and z_log_var."""
    if isinstance(outputs, dict):
        return " (Give both as a list: keras.Model(encoder.input, [output['mean'], ...]).)"
    if len(keras.tree.flatten(outputs)) == 1:
        return (
            " (An autoencoder, which has no z_log_var, is no VAE. Where one output holds both, "
            "split it: keras.Model(encoder.input, keras.ops.split(encoder.output, 2, axis=-1)).)"
        )
    if len(outputs) == 3:
        return " (The VAE samples z itself: leave the third output out.)"
    more = len(outputs) > 3
    return " (Leave others out: keras.Model(encoder.input, encoder.output[:2]).)" if more else ""


def _single_hint(outputs: Any) -> str:
    """Advice for a decoder with several outputs, or with named ones."""
    if not isinstance(outputs, (dict, list, tuple)):
        return ""
    place = repr(next(iter(outputs))) if isinstance(outputs, dict) else 0
    return (
        " (Give the likelihood's parameters alone, such as keras.Model(decoder.input, "
        f"decoder.output[{place}]); a standard deviation is the likelihood's: see Gaussian.)"
    )


def _cropping_hint(parameters: Any, row: Shape) -> str:
    """Advice for sides that were halved, rounded up, and doubled."""
    longer = len(parameters) == len(row) > 2 and all(
        isinstance(side, int) and side >= wanted
        for side, wanted in zip(parameters[1:], row[1:], strict=True)
    )
    return " (Odd sides that are halved and doubled come back longer: crop them.)" if longer else ""


def _last_activation(model: keras.Model) -> str:
    """Name of a model's last activation, skipping layers that only move values."""
    last = last_operation(model)
    if isinstance(last, keras.Model):
        return _last_activation(last)
    activation = getattr(last, "activation", None)
    return (
        type(last).__name__.lower() if activation is None else getattr(activation, "__name__", "")
    )
