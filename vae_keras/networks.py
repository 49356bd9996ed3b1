"""Encoder and decoder pairs, built from layers that export well.

An encoder maps x to (z_mean, z_log_var), each (batch, latent_dim); a decoder maps z to the
likelihood's parameters, of x's shape. Any Keras models that do so fit `VAE`.

Layers are chosen by the graph that they become: `Resizing` is one Resize node where `UpSampling2D`
is a dozen.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from .arrays import Shape

Pair = tuple[keras.Model, keras.Model]

ACTIVATION = "silu"  # smooth, so that scores are; converts everywhere (exact GELU does not)


def mlp_pair(
    input_shape: Shape,
    latent_dim: int,
    hidden: Shape = (128, 64),
    *,
    activation: str = ACTIVATION,
    dtype: str = "float32",
) -> Pair:
    """Fully connected networks, the decoder mirroring the encoder.

    Args:
        input_shape: of a row; anything but a vector is flattened.
        latent_dim: size of z.
        hidden: widths of the encoder's layers.
        activation: of the hidden layers, by Keras's name.
        dtype: Keras's dtype policy, say "mixed_bfloat16".

    Returns:
        (encoder, decoder).
    """
    dense, features = functools.partial(layers.Dense, dtype=dtype), math.prod(input_shape)
    x = keras.Input(input_shape, name="x")
    h = x if len(input_shape) == 1 else layers.Flatten(dtype=dtype)(x)
    for width in hidden:
        h = dense(width, activation)(h)
    encoder = keras.Model(x, _posterior(h, latent_dim, dtype), name="encoder")

    z = keras.Input((latent_dim,), name="z")
    h = z
    for width in reversed(hidden):
        h = dense(width, activation)(h)
    h = dense(features, name="parameters")(h)
    h = h if len(input_shape) == 1 else layers.Reshape(input_shape, dtype=dtype)(h)
    return encoder, keras.Model(z, h, name="decoder")


def conv_pair(
    input_shape: Shape,
    latent_dim: int,
    hidden: Shape = (32, 64, 128),
    *,
    activation: str = ACTIVATION,
    dtype: str = "float32",
) -> Pair:
    """Convolutional networks for images: halve the sides, then double them again.

    The decoder resizes before each convolution: onnxruntime's CPU ConvTranspose is not parallel,
    and its overlaps leave checkerboards (Odena, Dumoulin & Olah 2016).

    Args:
        input_shape: (height, width, channels) of an image.
        latent_dim: size of z.
        hidden: channels of the encoder's strided convolutions, then the width of a dense layer.
        activation: of the hidden layers, by Keras's name.
        dtype: Keras's dtype policy, say "mixed_bfloat16".

    Returns:
        (encoder, decoder).
    """
    if len(input_shape) != 3:
        raise ValueError(f"expected images (height, width, channels). Received: {input_shape}.")
    dense = functools.partial(layers.Dense, activation=activation, dtype=dtype)
    conv = functools.partial(layers.Conv2D, kernel_size=3, padding="same", dtype=dtype)
    *channels, width = hidden
    sides: list[Shape] = [input_shape[:2]]
    for _ in channels:
        sides.append(tuple(-(-side // 2) for side in sides[-1]))
    small = (*sides.pop(), channels[-1])

    x = keras.Input(input_shape, name="x")
    h = x
    for n in channels:
        h = conv(n, strides=2, activation=activation)(h)
    h = dense(width)(layers.Flatten(dtype=dtype)(h))
    encoder = keras.Model(x, _posterior(h, latent_dim, dtype), name="encoder")

    z = keras.Input((latent_dim,), name="z")
    h = dense(math.prod(small))(dense(width)(z))
    h = layers.Reshape(small, dtype=dtype)(h)
    for n in reversed(channels):
        h = conv(n, activation=activation)(_double(h, sides.pop(), dtype))
    h = conv(input_shape[-1], name="parameters")(h)
    return encoder, keras.Model(z, h, name="decoder")


def get(name: str) -> Callable[..., Pair]:
    """The function that builds the pair of this name; ValueError where there is none."""
    if name not in NETWORKS:
        raise ValueError(f"expected a network of {', '.join(NETWORKS)}. Received: {name!r}.")
    return NETWORKS[name]


def _double(h: Any, sides: Shape, dtype: str) -> Any:
    """Doubles the sides of an image, then cuts off what is more than `sides`.

    (Resizing straight to odd sides would not do: TensorFlow and ONNX round a fractional factor
    differently.)
    """
    height, width = (2 * side for side in h.shape[1:3])
    h = layers.Resizing(height, width, interpolation="nearest", dtype=dtype)(h)
    excess = ((0, height - sides[0]), (0, width - sides[1]))
    return layers.Cropping2D(excess, dtype=dtype)(h) if excess != ((0, 0), (0, 0)) else h


def _posterior(h: Any, latent_dim: int, dtype: str) -> tuple[Any, Any]:
    names = ("z_mean", "z_log_var")
    z_mean, z_log_var = (layers.Dense(latent_dim, name=name, dtype=dtype)(h) for name in names)
    return z_mean, z_log_var


NETWORKS = {"mlp": mlp_pair, "conv": conv_pair}
