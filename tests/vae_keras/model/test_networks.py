"""Pairs have the shapes they promise, cost little, and export without shape arithmetic."""

import functools
import math

import keras
import numpy as np
import onnx
import pytest
from keras import layers

from vae_export.convert import artefacts
from vae_export.convert.variants import Material, variants
from vae_export.gates import CONVERSION, examine
from vae_export.graphs.evidence import Evidence
from vae_export.graphs.functions import build_graphs
from vae_keras import VAE, conv_pair, mlp_pair
from vae_keras.configs import ACTIVATIONS
from vae_keras.model import networks
from vae_keras.model.check_networks import check_pair

# The pair of the VAE example on keras.io, with 16 latents, counted as below.
KERAS_IO_FLOPS = 2 * sum(
    (
        3 * 3 * 1 * 32 * 14**2,  # Conv2D, stride 2
        3 * 3 * 32 * 64 * 7**2,  # Conv2D, stride 2
        7**2 * 64 * 16 + 16 * 32,  # Dense; z_mean and z_log_var
        16 * 7**2 * 64,  # Dense
        3 * 3 * 64 * 64 * 7**2,  # Conv2DTranspose, stride 2
        3 * 3 * 64 * 32 * 14**2,  # Conv2DTranspose, stride 2
        3 * 3 * 32 * 1 * 28**2,  # Conv2DTranspose
    )
)


def flops(model):
    """Of a row, in the layers' matrices and convolutions, a multiply-add as two."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            total += 2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:3])
        elif isinstance(layer, layers.Dense):
            total += 2 * math.prod(layer.kernel.shape)
    return total


def convolutions(model):
    return [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]


@pytest.mark.parametrize(
    ("make_pair", "shape"),
    [
        (mlp_pair, (7,)),
        (mlp_pair, (5, 3)),
        (mlp_pair, (8, 8, 1)),
        (conv_pair, (1, 1, 1)),
        (conv_pair, (2, 1, 3)),
        (conv_pair, (1, 9, 2)),
        (conv_pair, (5, 3, 1)),
        (conv_pair, (8, 8, 1)),
        (conv_pair, (28, 28, 1)),
        (conv_pair, (30, 17, 3)),  # no side a multiple of the decoder's factor
        (conv_pair, (64, 64, 3)),
        (conv_pair, (1, 2)),
        (conv_pair, (2, 1)),
        (conv_pair, (11, 4)),
        (conv_pair, (64, 3)),
        (conv_pair, (1000, 1)),
    ],
)
def test_a_pair_fits_together_and_gives_rows_of_its_shape(make_pair, shape):
    encoder, decoder = make_pair(shape, 4)
    check_pair(encoder, decoder)
    z_mean, z_log_var = encoder(np.zeros((3, *shape), np.float32))
    assert z_mean.shape == z_log_var.shape == (3, 4)
    assert decoder(z_mean).shape == (3, *shape)


def test_hidden_sizes_are_taken():
    encoder, _ = mlp_pair((7,), 2, hidden=(11, 5))
    assert [layer.units for layer in encoder.layers[1:3]] == [11, 5]
    encoder, decoder = conv_pair((28, 28, 1), 2, hidden=(3, 6, 12, 9))
    assert [conv.filters for conv in convolutions(encoder)] == [3, 6, 12]
    assert [conv.filters for conv in convolutions(decoder)] == [6, 3, 4]  # 2 x 2 pixels
    assert [layer.units for layer in encoder.layers if isinstance(layer, layers.Dense)] == [9, 2, 2]


@pytest.mark.parametrize(
    ("shape", "sides"),
    [
        ((8, 8, 1), [4, 2, 2]),
        ((28, 28, 1), [14, 7]),
        ((64, 64, 3), [32, 16, 8, 4]),
        ((64, 3), [32, 16, 8, 4]),
        ((3, 3, 1), [3, 3, 3]),
    ],
)
def test_by_default_the_depth_fits_the_sides(shape, sides):
    encoder, _ = conv_pair(shape, 2)
    assert [conv.output.shape[2] for conv in convolutions(encoder)] == sides


def test_sides_that_are_short_are_halved_no_more():
    encoder, decoder = conv_pair((8, 3, 1), 2, hidden=(4, 4, 4, 8))
    assert [conv.output.shape[1:3] for conv in convolutions(encoder)] == [(4, 3), (2, 3), (2, 3)]
    assert decoder.output_shape == (None, 8, 3, 1)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((28, 28, 1), np.tile([[0.0, 1.0], [2.0, 3.0]], (14, 14))[..., None]),
        ((9, 7, 1), np.tile([[0.0, 1.0], [2.0, 3.0]], (5, 4))[:9, :7, None]),
        ((9, 2), np.tile([[0.0, 1.0], [2.0, 3.0]], (5, 1))[:9]),
    ],
)
def test_the_last_convolutions_channels_are_neighbouring_pixels(shape, expected):
    _, decoder = conv_pair(shape, 2)
    last = decoder.get_layer("parameters")
    last.kernel.assign(np.zeros(last.kernel.shape))
    last.bias.assign(np.arange(4.0))
    np.testing.assert_array_equal(decoder(np.ones((1, 2)))[0], expected)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("make_pair", [mlp_pair, conv_pair])
def test_every_activation_is_taken(make_pair, activation):
    encoder, decoder = make_pair((8, 8, 1), 2, activation=activation)
    function = keras.activations.get(activation)
    hidden = [getattr(m, "activation", None) for m in [*encoder.layers, *decoder.layers]]
    linear = 3  # z_mean, z_log_var and the likelihood's parameters
    assert hidden.count(function) == sum(a is not None for a in hidden) - linear
    assert np.isfinite(decoder(encoder(np.ones((2, 8, 8, 1)))[0])).all()


@pytest.mark.parametrize("shape", [(9, 6, 2), (11, 3)])
@pytest.mark.parametrize("make_pair", [mlp_pair, conv_pair])
def test_bfloat16_computes_in_it_and_keeps_weights_in_float32(make_pair, shape):
    encoder, decoder = make_pair(shape, 2, dtype="mixed_bfloat16")
    answer = decoder(encoder(np.ones((2, *shape), np.float32))[0])
    assert (answer.shape, answer.dtype.name) == ((2, *shape), "bfloat16")
    assert {weight.dtype for weight in [*encoder.weights, *decoder.weights]} == {"float32"}


@functools.cache
def converted(make_pair, shape):
    """Encoder, decoder and scorer of a pair in both formats, each verified against Keras."""
    vae = VAE(*make_pair(shape, 3), likelihood="gaussian")
    rng = np.random.default_rng(0)
    feeds = {
        name: rng.normal(size=(7, *row)).astype(np.float32)
        for name, row in (("x", shape), ("z", (3,)), ("noise", (3,)))
    }
    known = Evidence(None, feeds, {}, error_scales={}, references={})
    return {
        (graph.role, variant.format): verified(artefacts.make(graph, variant, known, Material({})))
        for graph in build_graphs(vae, "float32")
        for variant in variants(("onnx", "tflite"), ("fp32",))
    }


def verified(artefact):
    examine(artefact, CONVERSION)
    return artefact


@pytest.mark.parametrize(
    ("make_pair", "shape"), [(conv_pair, (9, 6, 2)), (conv_pair, (11, 3)), (mlp_pair, (5, 3))]
)
def test_both_formats_answer_as_keras_does_and_have_no_shape_arithmetic(make_pair, shape):
    files = converted(make_pair, shape)
    assert len(files) == 6
    for (role, extension), artefact in files.items():
        found = set(artefact.ops)
        assert not found & {"ConvTranspose", "TRANSPOSE_CONV"}
        if role != "scorer":  # which counts its noise samples
            assert not found & {"Shape", "Gather", "Concat", "SHAPE", "PACK"}, (role, extension)


def test_a_window_takes_no_more_nodes_than_an_image():
    def nodes(shape, role):
        content = converted(conv_pair, shape)[role, "onnx"].conversion.content
        return [node.op_type for node in onnx.load_from_string(content).graph.node]

    for role in ("encoder", "decoder"):
        assert len(nodes((11, 3), role)) <= len(nodes((9, 6, 2), role)) + 1


def test_the_default_costs_a_third_of_the_pair_on_keras_io():
    encoder, decoder = conv_pair((28, 28, 1), 16)
    assert flops(encoder) + flops(decoder) <= KERAS_IO_FLOPS / 3


@pytest.mark.parametrize("shape", [(30,), (4, 8, 8, 1), (0, 3)])
def test_conv_refuses_what_is_neither_image_nor_window(shape):
    with pytest.raises(ValueError, match=r"\(height, width, channels\) or .*\(window, channels\)"):
        conv_pair(shape, 2)


def test_conv_refuses_to_be_without_convolutions():
    with pytest.raises(ValueError, match=r"channels of convolutions.*Received: \(8,\)"):
        conv_pair((8, 8, 1), 2, hidden=(8,))


def test_an_unknown_network_is_refused():
    with pytest.raises(ValueError, match=r"mlp, conv.*'transformer'"):
        networks.get("transformer")
