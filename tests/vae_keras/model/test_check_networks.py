"""A pair that does not fit is refused before it is trained, with what is wrong."""

import math

import keras
import pytest
from keras import layers, ops

from vae_keras import VAE, Bernoulli, Categorical, Gaussian, conv_pair
from vae_keras.model.check_networks import check_logits, check_pair

ROW = (9, 9, 1)


def encoder(outputs=2, sizes=(2, 2, 2), shape=ROW):
    x = keras.Input(shape)
    h = layers.Flatten()(x)
    return keras.Model(x, [layers.Dense(size)(h) for size in sizes[:outputs]])


def decoder(latents=2, shape=ROW, activation=None):
    z = keras.Input((latents,))
    h = layers.Dense(math.prod(shape), activation)(z)
    return keras.Model(z, layers.Reshape(shape)(h))


def named_encoder():
    x = keras.Input(ROW)
    h = layers.Flatten()(x)
    return keras.Model(x, {"z_mean": layers.Dense(2)(h), "z_log_var": layers.Dense(2)(h)})


def feature_map_encoder():
    x = keras.Input(ROW)
    return keras.Model(x, [layers.Conv2D(2, 3)(x), layers.Conv2D(2, 3)(x)])


def sizeless_encoder():
    x = keras.Input((None, None, 1))
    h = layers.GlobalAveragePooling2D()(x)
    return keras.Model(x, [layers.Dense(2)(h), layers.Dense(2)(h)])


def two_input_encoder():
    inputs = [keras.Input((3,)), keras.Input((3,))]
    return keras.Model(inputs, [layers.Dense(2)(x) for x in inputs])


class Subclassed(keras.Model):
    def call(self, x):
        return x, x


SHAPELESS = keras.Sequential([layers.Dense(81), layers.Reshape(ROW)])


@pytest.mark.parametrize(
    ("encoder", "decoder", "message"),
    [
        (encoder(1), decoder(), r"two outputs z_mean.*\(None, 2\)\. \(An autoencoder, which"),
        (encoder(3), decoder(), "two outputs z_mean.*samples z itself: leave the third output out"),
        (encoder(sizes=(2, 3)), decoder(), r"two outputs.*\[\(None, 2\), \(None, 3\)\]\.$"),
        (named_encoder(), decoder(), "list in that order.*Received: a dict of.*as a list: keras"),
        (
            encoder(4, sizes=(2,) * 4),
            decoder(),
            r"two outputs.*Leave others out: .*encoder\.output\[:2\]",
        ),
        (feature_map_encoder(), decoder(), r"each \(batch, latent_dim\).*\(None, 7, 7, 2\)"),
        (sizeless_encoder(), decoder(), r"shape that is known.*\(None, None, None, 1\)"),
        (two_input_encoder(), decoder(shape=(3,)), r"one input x.*\[\(None, 3\), \(None, 3\)\]"),
        (Subclassed(), decoder(), "model as encoder that knows its shapes.*keras.Input"),
        (encoder(), SHAPELESS, "model as decoder that knows its shapes.*keras.Input"),
        (layers.Dense(3), decoder(), "keras.Model as encoder. Received: Dense"),
        (encoder(), decoder(3), r"whose input has.*z_mean shape \(None, 2\).*\(None, 3\)"),
        (encoder(), decoder(shape=(81,)), r"output has x's shape.*Received: \(None, 81\).$"),
        (encoder(), decoder(shape=(9, 9, 3, 1)), r"Received: \(None, 9, 9, 3, 1\).$"),
        (encoder(), decoder(shape=(10, 10, 1)), "Received.*halved and doubled.*crop them"),
    ],
)
def test_a_pair_that_does_not_fit_is_refused_with_what_is_wrong(encoder, decoder, message):
    with pytest.raises(ValueError, match=message):
        check_pair(encoder, decoder)


def test_a_decoder_of_several_outputs_is_refused_with_what_to_do():
    z = keras.Input((2,))
    out = layers.Reshape(ROW)(layers.Dense(81)(z))
    for outputs, place in (({"x": out}, r"\['x'\]"), ([out, out], r"\[0\]")):
        with pytest.raises(ValueError, match=rf"output has x's shape.*decoder\.output{place}\)"):
            check_pair(encoder(), keras.Model(z, outputs))


def test_a_subclass_ends_on_no_layer_that_is_known():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.out, self.gate = layers.Dense(81), layers.Dense(9, "sigmoid")

        def call(self, z):
            return ops.reshape(self.out(self.gate(z)), (-1, *ROW))

    z = keras.Input((2,))
    check_logits(keras.Model(z, Own()(z)), Bernoulli())


def test_a_pair_of_ones_own_fits():
    check_pair(encoder(), decoder())
    sequential = keras.Sequential([keras.Input((2,)), layers.Dense(81), layers.Reshape(ROW)])
    check_pair(encoder(), sequential)


@pytest.mark.parametrize(
    ("activation", "likelihood"), [("sigmoid", Bernoulli()), ("softmax", Categorical((2, 1)))]
)
def test_probabilities_where_logits_are_wanted_are_refused(activation, likelihood):
    with pytest.raises(ValueError, match=f"ends on logits.*Received: .*{activation}"):
        check_logits(decoder(activation=activation), likelihood)


def test_the_last_activation_is_found_in_a_model_within_a_model():
    outer = keras.Sequential([keras.Input((2,)), decoder(activation="sigmoid")])
    with pytest.raises(ValueError, match="ends on a sigmoid"):
        VAE(encoder(), outer, likelihood="bernoulli")


def test_the_last_activation_is_found_among_functions_of_keras_ops():
    z = keras.Input((2,))
    probabilities = ops.sigmoid(layers.Dense(81)(z))
    by_ops = keras.Model(z, ops.expand_dims(ops.reshape(probabilities, (-1, 9, 9)), -1))
    with pytest.raises(ValueError, match="ends on a sigmoid"):
        check_logits(by_ops, Bernoulli())


@pytest.mark.parametrize(
    ("decoder", "likelihood"),
    [
        (decoder(), Bernoulli()),
        (decoder(activation="relu"), Bernoulli()),
        (decoder(activation="sigmoid"), Gaussian()),  # rows between 0 and 1 with noise
        (conv_pair(ROW, 2, activation="softplus")[1], Bernoulli()),
    ],
)
def test_other_endings_are_taken(decoder, likelihood):
    check_logits(decoder, likelihood)
