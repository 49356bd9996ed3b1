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
from keras import layers, ops

from vae_keras._base.arrays import Shape
from vae_keras._base.keras_defaults import with_keras_defaults

Pair = tuple[keras.Model, keras.Model]
Convolution = Callable[..., Any]

ACTIVATION = "silu"  # smooth, so that scores are; converts everywhere (exact GELU does not)


@with_keras_defaults()
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

    >>> encoder, decoder = mlp_pair((6,), latent_dim=2)
    >>> decoder.output_shape
    (None, 6)
    """
    dense, features = functools.partial(layers.Dense, dtype=dtype), math.prod(input_shape)
    x = keras.Input(input_shape, name="x")
    h = _reshape(x, (features,))
    for width in hidden:
        h = dense(width, activation)(h)
    encoder = keras.Model(x, _posterior(h, latent_dim, dtype), name="encoder")

    z = keras.Input((latent_dim,), name="z")
    h = z
    for width in reversed(hidden):
        h = dense(width, activation)(h)
    h = dense(features, name="parameters")(h)
    return encoder, keras.Model(z, _reshape(h, input_shape), name="decoder")


@with_keras_defaults()
def conv_pair(
    input_shape: Shape,
    latent_dim: int,
    hidden: Shape | None = None,
    *,
    activation: str = ACTIVATION,
    dtype: str = "float32",
) -> Pair:
    """Convolutional networks for images and for windows of time series.

    The encoder's convolutions each halve the sides that are longer than 3. The decoder mirrors
    them: it doubles the sides and then convolves, but for the last doubling, where a convolution
    at half the sides gives every pixel of the whole as a channel of its own (Shi et al. 2016,
    "Real-time single image and video super-resolution using an efficient sub-pixel convolutional
    neural network"). No layer works at full size, and none is a ConvTranspose, which onnxruntime's
    CPU does not run in parallel.

    Args:
        input_shape: (height, width, channels) of an image or (window, channels) of a time series,
            along which the convolutions are one-dimensional.
        latent_dim: size of z.
        hidden: channels of the encoder's convolutions, then the width of a dense layer; chosen by
            the longer side where None.
        activation: of the hidden layers, by Keras's name.
        dtype: Keras's dtype policy, say "mixed_bfloat16".

    Returns:
        (encoder, decoder).

    Raises:
        ValueError: the shape or `hidden` is not of this kind.

    >>> encoder, decoder = conv_pair((12, 3), latent_dim=2)  # windows of 12 rows, 3 channels
    >>> decoder.output_shape
    (None, 12, 3)
    """
    image = _as_image(input_shape)
    *channels, units = _default_hidden(max(image[:2])) if hidden is None else hidden
    if not channels:
        raise ValueError(
            "expected hidden to be channels of convolutions, one or more, then the width of a "
            f"dense layer. Received: {hidden}."
        )
    dense = functools.partial(layers.Dense, activation=activation, dtype=dtype)
    kernel = tuple(min(side, 3) for side in image[:2])
    conv = functools.partial(layers.Conv2D, kernel_size=kernel, padding="same", dtype=dtype)

    x = keras.Input(input_shape, name="x")
    h, sides = _shrink(_reshape(x, image), channels, functools.partial(conv, activation=activation))
    small = h.shape[1:]
    h = dense(units)(_reshape(h, (math.prod(small),)))
    encoder = keras.Model(x, _posterior(h, latent_dim, dtype), name="encoder")

    z = keras.Input((latent_dim,), name="z")
    h = dense(math.prod(small))(dense(units)(z))
    h = _grow(_reshape(h, small), channels, sides, functools.partial(conv, activation=activation))
    factors = _strides(image[:2])
    h = conv(image[2] * math.prod(factors), name="parameters")(h)
    h = _crop(_depth_to_space(h, factors), image[:2])
    return encoder, keras.Model(z, _reshape(h, input_shape), name="decoder")


def get(name: str) -> Callable[..., Pair]:
    """Function that builds the pair of this name; ValueError for an unknown name."""
    if name not in NETWORKS:
        raise ValueError(f"expected a network of {', '.join(NETWORKS)}. Received: {name!r}.")
    return NETWORKS[name]


def _as_image(input_shape: Shape) -> Shape:
    """Shape (height, width, channels); a time series is an image one pixel high.

    (Not one pixel wide: the kernels of onnxruntime and LiteRT work along the width. And not Conv1D,
    around each of which tf2onnx puts two Transpose, an Unsqueeze and a Squeeze.)
    """
    if len(input_shape) not in (2, 3) or min(input_shape) < 1:
        raise ValueError(
            "expected images (height, width, channels) or windows of time series (window, "
            f"channels). Received: {input_shape}."
        )
    return input_shape if len(input_shape) == 3 else (1, *input_shape)


def _default_hidden(side: int) -> Shape:
    """Default layer sizes for an image whose longer side is this, from trials on three data sets.

    Small images can afford channels, and their samples are better for a waist of 2 x 2. From 17 on
    there are as many convolutions as bring the side down to 7 or less.
    """
    if side <= 16:
        return (32, 64, 64, 128)
    depth = math.ceil(math.log2(side / 7))
    return (*(24 if i < 2 else 48 for i in range(depth)), 256)


def _strides(sides: Shape) -> Shape:
    return tuple(2 if side > 3 else 1 for side in sides)


def _shrink(h: Any, channels: list[int], conv: Convolution) -> tuple[Any, list[Shape]]:
    """Encoder convolutions; returns their result and the sides of each input."""
    sides = []
    for n in channels:
        sides.append(h.shape[1:3])
        h = conv(n, strides=_strides(sides[-1]))(h)
    return h, sides


def _grow(h: Any, channels: list[int], sides: list[Shape], conv: Convolution) -> Any:
    """Decoder convolutions, from the last sides back to the input of the second convolution."""
    for n, wanted in zip(channels[-2::-1], sides[:0:-1], strict=True):
        h = conv(n)(_crop(_repeat(h, _strides(wanted)), wanted))
    return h


def _reshape(h: Any, row: Shape) -> Any:
    """Reshapes rows to this shape.

    (The layers Flatten and Reshape ask for the batch size, and so become a dozen nodes in ONNX.)
    """
    return h if h.shape[1:] == row else ops.reshape(h, (-1, *row))


def _repeat(h: Any, factors: Shape) -> Any:
    """Repeats every pixel `factors` times, as one Resize node where UpSampling2D is a dozen."""
    if factors == (1, 1):
        return h
    height, width = (side * factor for side, factor in zip(h.shape[1:3], factors, strict=True))
    return layers.Resizing(height, width, interpolation="nearest", dtype=h.dtype)(h)


def _depth_to_space(h: Any, factors: Shape) -> Any:
    """Splits the channels of every pixel into `factors` pixels."""
    _, height, width, channels = h.shape
    down, right = factors
    if down > 1 and width > 1:
        h = ops.reshape(h, (-1, height, width, down, channels // down))
        h = ops.transpose(h, (0, 1, 3, 2, 4))
    return _reshape(h, (height * down, width * right, channels // (down * right)))


def _crop(h: Any, sides: Shape) -> Any:
    """Crops to `sides`: removes the row or column that doubling an odd side adds.

    (Resizing straight to odd sides would not do: TensorFlow and ONNX round a fractional factor
    differently.)
    """
    height, width = sides
    return h if h.shape[1:3] == sides else h[:, :height, :width]


def _posterior(h: Any, latent_dim: int, dtype: str) -> tuple[Any, Any]:
    names = ("z_mean", "z_log_var")
    z_mean, z_log_var = (layers.Dense(latent_dim, name=name, dtype=dtype)(h) for name in names)
    return z_mean, z_log_var


NETWORKS = {"mlp": mlp_pair, "conv": conv_pair}
