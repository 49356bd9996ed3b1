"""Which layers convert where: docs/layers.md says it, and each of its rows is tried here."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from vae_export import ExportError, Models
from vae_export.convert import artefacts
from vae_export.convert.variants import VARIANTS, Material
from vae_export.gates import CONVERSION, examine
from vae_export.graphs.evidence import Evidence, Reference
from vae_export.graphs.foreign_models import of_models
from vae_export.graphs.functions import build_graphs, build_networks, network_feeds

TEXT = (Path(__file__).parents[2] / "docs" / "layers.md").read_text()
COLUMNS = (("onnx", "fp32"), ("onnx", "int8"), ("tflite", "fp32"), ("tflite", "int8"))

ROW, LONG, WINDOW, STEPS, IMAGE, VOLUME = (6,), (200,), (8, 6), (2, 3), (8, 8, 4), (4, 4, 4, 2)


def chain(*each):
    """Layers one after the other."""

    def call(x):
        for layer in each:
            x = layer(x)
        return x

    return call


def beside(*each):
    """Each of the same input, flattened and put together."""
    return lambda x: layers.Concatenate()([layers.Flatten()(layer(x)) for layer in each])


def dense(*activations):
    return beside(*(layers.Dense(4, activation) for activation in activations))


def adapted(x):
    layer = layers.Normalization()
    layer.adapt(np.random.default_rng(0).normal(3.0, 2.0, (99, *x.shape[1:])))
    return layer(x)


def merged(x):
    other = layers.Dense(6)(x)
    kinds = "Add Subtract Multiply Average Maximum Minimum Concatenate".split()
    return layers.Concatenate()([getattr(layers, kind)()([x, other]) for kind in kinds])


def attention(x):
    heads = layers.MultiHeadAttention(2, 4)(x, x)
    return layers.Concatenate()(
        [heads, layers.Attention()([x, x]), layers.AdditiveAttention()([x, x])]
    )


def approximate_gelu(x):
    return keras.activations.gelu(x, approximate=True)


@keras.saving.register_keras_serializable(package="tests")
class Noise(layers.Layer):
    """Draws always, as the Sampling layer of many examples does."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed = keras.random.SeedGenerator(0)

    def call(self, x):
        return x + keras.random.normal(keras.ops.shape(x), seed=self.seed)


# By the first cell of its row: the shape of x, and what the encoder begins with.
LAYERS = {
    "`Dense`, `EinsumDense`": (
        STEPS,
        chain(layers.Dense(5), layers.EinsumDense("bsi,io->bso", (2, 4))),
    ),
    "`TimeDistributed`": (STEPS, layers.TimeDistributed(layers.Dense(3))),
    "`Normalization`, `Rescaling`": (LONG, chain(adapted, layers.Rescaling(2.0, 1.0))),
    "`BatchNormalization`": (IMAGE, chain(layers.Conv2D(4, 3), layers.BatchNormalization())),
    "`LayerNormalization`, `RMSNormalization`, `UnitNormalization`": (
        ROW,
        chain(
            layers.LayerNormalization(),
            layers.Dense(8),
            layers.RMSNormalization(),
            layers.Dense(8),
            layers.UnitNormalization(),
        ),
    ),
    "`GroupNormalization`": (IMAGE, layers.GroupNormalization(2)),
    "`SpectralNormalization`": (ROW, layers.SpectralNormalization(layers.Dense(8))),
    "`relu`, `relu6`, `sigmoid`, `tanh`, `silu`, `softmax`": (
        ROW,
        dense("relu", "relu6", "sigmoid", "tanh", "silu", "softmax"),
    ),
    "`elu`, `leaky_relu`, `softsign`, `hard_sigmoid`, `hard_silu`": (
        ROW,
        dense("elu", "leaky_relu", "softsign", "hard_sigmoid", "hard_silu"),
    ),
    "`gelu`, exact": (ROW, dense("gelu")),
    "`gelu`, approximate": (ROW, dense(approximate_gelu)),
    "`softplus`, `mish`, `selu`, `celu`, `exponential`": (
        ROW,
        dense("softplus", "mish", "selu", "celu", "exponential"),
    ),
    "`log_softmax`": (ROW, dense("log_softmax")),
    "`ops.log1p`, `ops.expm1`": (
        ROW,
        chain(keras.ops.square, keras.ops.log1p, keras.ops.expm1),
    ),
    "`ops.erf`": (ROW, keras.ops.erf),
    "`ReLU`, `LeakyReLU`, `ELU`, `Softmax`": (
        ROW,
        beside(layers.ReLU(), layers.LeakyReLU(), layers.ELU(), layers.Softmax()),
    ),
    "`ReLU(6)`": (ROW, layers.ReLU(6)),
    "`PReLU`": (ROW, layers.PReLU()),
    "`Dropout`, `AlphaDropout`, `GaussianDropout`, `GaussianNoise`, `SpatialDropout1D`": (
        STEPS,
        chain(
            layers.Dropout(0.5),
            layers.AlphaDropout(0.5),
            layers.GaussianDropout(0.5),
            layers.GaussianNoise(1.0),
            layers.SpatialDropout1D(0.5),
        ),
    ),
    "`Conv1D`": (
        WINDOW,
        chain(
            layers.Conv1D(4, 3, 2, "same", activation="relu"),
            layers.Conv1D(4, 3, padding="causal"),
            layers.Conv1D(4, 3, padding="same", dilation_rate=2),
        ),
    ),
    "`Conv2D`": (
        IMAGE,
        chain(
            layers.Conv2D(4, 3, 2, "same", activation="relu"),
            layers.Conv2D(4, 3, padding="same", dilation_rate=2),
            layers.Conv2D(4, 2),
        ),
    ),
    "`Conv1D`, `Conv2D` with `groups`": (IMAGE, layers.Conv2D(4, 3, groups=2)),
    "`DepthwiseConv1D`, `SeparableConv1D`": (
        WINDOW,
        chain(layers.DepthwiseConv1D(3), layers.SeparableConv1D(4, 3)),
    ),
    "`DepthwiseConv2D`, `SeparableConv2D`": (
        IMAGE,
        chain(layers.DepthwiseConv2D(3, padding="same"), layers.SeparableConv2D(4, 3)),
    ),
    "`Conv1DTranspose`": (WINDOW, layers.Conv1DTranspose(4, 3, 2, "same")),
    "`Conv2DTranspose`": (IMAGE, layers.Conv2DTranspose(4, 3, 2, "same")),
    "`Conv3D`, `Conv3DTranspose`": (
        VOLUME,
        chain(layers.Conv3D(3, 3), layers.Conv3DTranspose(3, 3)),
    ),
    "`UpSampling1D`": (WINDOW, layers.UpSampling1D(2)),
    "`UpSampling2D`, nearest": (IMAGE, layers.UpSampling2D(2)),
    "`UpSampling2D`, bilinear": (IMAGE, layers.UpSampling2D(2, interpolation="bilinear")),
    "`Resizing`": (
        IMAGE,
        beside(layers.Resizing(12, 12, interpolation="nearest"), layers.Resizing(12, 12)),
    ),
    "`MaxPooling1D`, `AveragePooling1D`, `GlobalMaxPooling1D`, `GlobalAveragePooling1D`": (
        WINDOW,
        beside(
            layers.MaxPooling1D(2),
            layers.AveragePooling1D(2),
            layers.GlobalMaxPooling1D(),
            layers.GlobalAveragePooling1D(),
        ),
    ),
    "`MaxPooling2D`, `AveragePooling2D`, `GlobalMaxPooling2D`, `GlobalAveragePooling2D`": (
        IMAGE,
        beside(
            layers.MaxPooling2D(2),
            layers.AveragePooling2D(3, 2, "same"),
            layers.GlobalMaxPooling2D(),
            layers.GlobalAveragePooling2D(),
        ),
    ),
    "`ZeroPadding1D`, `Cropping1D`": (
        WINDOW,
        beside(layers.ZeroPadding1D(1), layers.Cropping1D(1)),
    ),
    "`ZeroPadding2D`, `Cropping2D`": (
        IMAGE,
        beside(layers.ZeroPadding2D(1), layers.Cropping2D(1)),
    ),
    "`Flatten`, `Reshape`, `Permute`": (
        WINDOW,
        chain(layers.Permute((2, 1)), layers.Reshape((16, 3)), layers.Flatten()),
    ),
    "`RepeatVector`": (ROW, layers.RepeatVector(3)),
    "`Add`, `Subtract`, `Multiply`, `Average`, `Maximum`, `Minimum`, `Concatenate`": (ROW, merged),
    "`Dot`": (WINDOW, lambda x: layers.Dot(2)([x, x])),
    "`MultiHeadAttention`, `Attention`, `AdditiveAttention`": (WINDOW, attention),
    "`GroupQueryAttention`": (WINDOW, lambda x: layers.GroupQueryAttention(4, 2, 1)(x, x)),
    "`Embedding`": (ROW, chain(keras.ops.abs, layers.Embedding(8, 3))),
    "`LSTM`": (STEPS, layers.LSTM(3)),
    "`GRU`": (STEPS, layers.GRU(3)),
    "`SimpleRNN`": (STEPS, layers.SimpleRNN(3)),
    "`LSTM` with `unroll=True`": (STEPS, layers.LSTM(3, unroll=True)),
    "`GRU` with `unroll=True`": (STEPS, layers.GRU(3, unroll=True)),
    "`SimpleRNN` with `unroll=True`": (STEPS, layers.SimpleRNN(3, unroll=True)),
    "`Bidirectional` of such": (STEPS, layers.Bidirectional(layers.GRU(3, unroll=True))),
    "such with `return_sequences=True`": (
        STEPS,
        layers.GRU(3, unroll=True, return_sequences=True),
    ),
    "a layer that draws at random": (ROW, Noise()),
}


def table():
    """By the first cell of each row: the others."""
    rows = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| ")]
    return {first: tuple(rest) for first, *rest in rows[1:]}


def known_of(shape, begin):
    keras.utils.set_random_seed(0)
    x, z = keras.Input(shape), keras.Input((2,))
    h = layers.Dense(4, "tanh")(layers.Flatten()(begin(x)))
    encoder = keras.Model(x, [layers.Dense(2)(h), layers.Dense(2)(h)])
    decoder = keras.Model(z, layers.Reshape(shape)(layers.Dense(int(np.prod(shape)))(z)))
    rows = np.random.default_rng(0).normal(size=(40, *shape)).astype(np.float32)
    given = {"calibration": rows, "test": rows, "training": rows}
    source = of_models(Models(encoder, decoder, likelihood="gaussian", alpha=0.1, **given))
    scores = np.zeros(len(rows))  # nothing is asked of them here
    fed = {"x": rows}, network_feeds(source.vae, rows)
    return Evidence(
        source, *fed, error_scales={}, references={"score": Reference(scores, scores, 0.0)}
    )


def verdicts(known):
    """ "yes", or why not; an int8 file of what is refused in float32 is not tried."""
    vae, x = known.source.vae, known.source.training["x"]
    encoder, network = build_graphs(vae, "float32")[0], build_networks(vae)[0]
    material = Material({"model": "a layer"}, {"x": x}, known.network_feeds)
    found = {}
    for column in COLUMNS:
        variant = next(v for v in VARIANTS if (v.format, v.precision) == column)
        if found.get((variant.format, "fp32"), "yes") != "yes":
            found[column] = "not in float32"
            continue
        graph = network if variant.networks else encoder
        try:
            examine(artefacts.make(graph, variant, known, material), CONVERSION)
            found[column] = "yes"
        except ExportError as error:
            found[column] = str(error)
    return found


def test_every_row_of_the_document_is_tried():
    assert set(table()) == set(LAYERS)
    assert "docs/layers.md" in (Path(__file__).parents[2] / "README.md").read_text()


@pytest.mark.parametrize("name", LAYERS)
def test_it_converts_where_the_document_says(name):
    found = verdicts(known_of(*LAYERS[name]))
    for (column, received), said in zip(found.items(), table()[name], strict=True):
        if said == "yes" or received == "yes":
            assert received == said, column
        for word in re.findall(r"`(.+?)`", said):
            assert word in received, column
        assert said in ("yes", "no") or "`" in said
