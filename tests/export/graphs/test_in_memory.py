"""Pairs as people have them: subclassed, with a sample or names among the outputs, with several."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from keras import layers, ops

from vae_export import ExportError, Models, export
from vae_export.graphs.foreign_models import of_models
from vae_export.graphs.functions import answers, build_graphs
from vae_runtime import Runner

QUIET = {"log": lambda line: None}
TINY = keras.initializers.RandomNormal(stddev=0.1, seed=0)


class Sampling(layers.Layer):
    """As in the example on keras.io: draws z, always."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        z_mean, z_log_var = inputs
        noise = keras.random.normal(ops.shape(z_mean), dtype=z_mean.dtype, seed=self.seed_generator)
        return z_mean + ops.exp(0.5 * z_log_var) * noise


class SamplingOfTensorFlow(layers.Layer):
    """The same as older examples have it."""

    def call(self, inputs):
        z_mean, z_log_var = inputs
        noise = tf.random.normal(tf.shape(z_mean), dtype=z_mean.dtype)
        return z_mean + tf.exp(0.5 * z_log_var) * noise


ENDS = {
    "three": lambda m, v, z: (m, v, z),
    "list of three": lambda m, v, z: [m, v, z],
    "dict": lambda m, v, z: {"z_log_var": v, "z_mean": m},
    "dict of three": lambda m, v, z: {"z": z, "z_mean": m, "z_log_var": v},
    "other names": lambda m, v, z: {"loc": m, "scale": v},
    "one": lambda m, v, z: m,
    "both in one": lambda m, v, z: ops.concatenate([m, v], axis=-1),
    "four": lambda m, v, z: [m, v, z, z],
    "drawn": lambda m, v, z: (z, v),
}


class Encoder(keras.Model):
    """A subclass, which knows no shapes of its own."""

    def __init__(self, end="three", sampling=Sampling, **kwargs):
        super().__init__(**kwargs)
        self.end, self.body = end, layers.Dense(8, "silu")
        self.mean, self.log_var, self.sampling = layers.Dense(2), layers.Dense(2), sampling()

    def call(self, x):
        h = self.body(x)
        z_mean, z_log_var = self.mean(h), self.log_var(h)
        return ENDS[self.end](z_mean, z_log_var, self.sampling([z_mean, z_log_var]))

    def get_config(self):
        return {**super().get_config(), "end": self.end}


class Decoder(keras.Model):
    """Its layers are not in the order in which they are called."""

    def __init__(self, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.out = layers.Dense(6, activation, kernel_initializer=TINY)
        self.gate = layers.Dense(8, "sigmoid")

    def call(self, z):
        return self.out(self.gate(z))


def subclassed(end, **options):
    keras.utils.set_random_seed(0)
    encoder, decoder = Encoder(end, **options), Decoder()
    encoder(np.zeros((1, 6), np.float32))
    decoder(np.zeros((1, 2), np.float32))
    return encoder, decoder


def functional(end):
    """A pair of the same layers, whose inputs and outputs are known."""
    keras.utils.set_random_seed(0)
    inputs, latents = keras.Input((6,)), keras.Input((2,))
    h = layers.Dense(8, "silu")(inputs)
    z_mean, z_log_var = layers.Dense(2)(h), layers.Dense(2)(h)
    encoder = keras.Model(inputs, ENDS[end](z_mean, z_log_var, Sampling()([z_mean, z_log_var])))
    h = layers.Dense(8, "sigmoid")(latents)
    return encoder, keras.Model(latents, layers.Dense(6, kernel_initializer=TINY)(h))


def nested(end):
    """An encoder that is one piece within another."""
    encoder, decoder = functional(end)
    inputs = keras.Input((6,))
    return keras.Model(inputs, encoder(inputs)), decoder


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(0.0, 1.0, (400, 6)).astype(np.float32)


def as_models(pair, rows, **more):
    given = {"calibration": rows[:200], "test": rows[200:], "alpha": 0.05, **more}
    return Models(*pair, likelihood=given.pop("likelihood", "gaussian"), **given)


def posterior(encoder, x):
    """z_mean and z_log_var as the encoder that was handed over gives them."""
    answer = encoder(x)
    return [answer[n] for n in ("z_mean", "z_log_var")] if isinstance(answer, dict) else answer[:2]


@pytest.mark.parametrize(
    ("pair", "formats"),
    [
        (subclassed("three"), ("onnx", "tflite")),
        (subclassed("three", dtype="mixed_float16"), ("onnx", "tflite")),
        (subclassed("list of three", sampling=SamplingOfTensorFlow), ("onnx",)),
        (subclassed("dict of three"), ("onnx",)),
        (nested("three"), ("onnx", "tflite")),
        (functional("dict"), ("onnx",)),
    ],
    ids=["three", "half", "tensorflow", "dict", "nested", "functional dict"],
)
def test_a_sample_is_left_out_and_names_are_read(pair, formats, rows, tmp_path):
    models = as_models(pair, rows)
    runner = Runner.load(export(models, tmp_path / "x", formats=formats, **QUIET))
    assert runner.selftest().passed
    half = pair[0].compute_dtype == "float16"
    expected = posterior(pair[0], rows)[0]
    np.testing.assert_allclose(
        runner.encode(rows), expected, rtol=1e-4, atol=5e-3 if half else 1e-5
    )


@pytest.mark.parametrize("end", ["dict", "dict of three", "list of three"])
@pytest.mark.parametrize("make", [functional, subclassed, nested])
def test_the_posterior_is_found_in_what_an_encoder_gives(make, end, rows):
    pair = make(end)
    found = of_models(as_models(pair, rows)).vae.encode(rows)
    for value, expected in zip(found, posterior(pair[0], rows), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [functional, subclassed])
@pytest.mark.parametrize(
    ("end", "message"),
    [
        ("other names", r"Received: a dict of loc, scale\. \(Give both as a list: "),
        ("one", r"shape \(None, 2\)\. \(An autoencoder, which has no z_log_var, is no VAE"),
        ("both in one", r"shape \(None, 4\)\. .*keras\.ops\.split\(encoder\.output, 2"),
        ("four", r"\(Leave others out: keras\.Model\(encoder\.input, encoder\.output\[:2\]\)"),
    ],
)
def test_other_outputs_are_refused_in_a_line_with_what_to_do(make, end, message, rows):
    with pytest.raises(ValueError, match=message) as told:
        of_models(as_models(make(end), rows))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("sampling", [Sampling, SamplingOfTensorFlow])
def test_a_subclass_that_gives_the_sample_as_mean_is_refused(sampling, rows, tmp_path):
    models = as_models(subclassed("drawn", sampling=sampling), rows)
    with pytest.raises(ExportError, match=r"draws at random.*end the encoder on z_mean"):
        export(models, tmp_path / "x", **QUIET)
    assert not list(tmp_path.iterdir())


def test_graphs_write_no_state_of_a_generator(rows):
    encoder, decoder = subclassed("three")
    vae = of_models(as_models((encoder, decoder), rows)).vae
    state = encoder.sampling.seed_generator.state
    before = ops.convert_to_numpy(state).copy()
    for graph in build_graphs(vae, "float32"):
        answers(graph, {"x": rows[:4], "z": rows[:4, :2]})
    np.testing.assert_array_equal(ops.convert_to_numpy(state), before)


def several(name):
    """A functional decoder with outputs in a structure."""
    z = keras.Input((2,))
    mean, other = layers.Dense(6)(z), layers.Dense(6)(z)
    return keras.Model(z, {"list": [mean, other], "dict": {"x": mean, "s": other}}[name])


@pytest.mark.parametrize(("name", "place"), [("list", "0"), ("dict", "'x'")])
def test_a_decoder_with_two_outputs_is_refused_with_what_to_do(name, place, rows):
    message = rf"keras\.Model\(decoder\.input, decoder\.output\[{place}\]\); a standard deviation"
    with pytest.raises(ValueError, match=message):
        of_models(as_models((functional("three")[0], several(name)), rows))


def test_a_decoder_that_names_its_only_output_is_refused_as_well(rows):
    z = keras.Input((2,))
    named = keras.Model(z, {"x_mean": layers.Dense(6)(z)})
    with pytest.raises(ValueError, match=r"decoder\.output\['x_mean'\]"):
        of_models(as_models((functional("three")[0], named), rows))


def test_parts_of_a_conditional_vae_are_refused_with_what_to_do(rows):
    encoder, decoder = functional("three")
    z, condition = keras.Input((2,)), keras.Input((3,))
    more = keras.Model([z, condition], layers.Dense(6)(layers.Concatenate()([z, condition])))
    with pytest.raises(ValueError, match=r"Received: \[.*into x, as further columns"):
        of_models(as_models((encoder, more), rows))
    conditional = keras.Model([encoder.input, condition], encoder.output)
    with pytest.raises(ValueError, match=r"one input x.*into x, as further columns"):
        of_models(as_models((conditional, decoder), rows))


def test_rows_that_a_subclass_does_not_take_are_refused_in_a_line(rows):
    few = {"calibration": rows[:200, :4], "test": rows[200:, :4]}
    message = r"takes the rows of calibration, of shape \(None, 4\).*Encoder, which fails.*value 6"
    with pytest.raises(ValueError, match=message) as told:
        of_models(as_models(subclassed("three"), rows, **few))
    assert "\n" not in str(told.value)


def test_columns_of_a_frame_that_a_subclass_does_not_take_are_left(rows):
    def frame(x):
        return pd.DataFrame(x, columns=list("abcdef"))[list("fbadce")].assign(note=1.0)

    pair = subclassed("three")
    tables = {"calibration": frame(rows[:200]), "test": frame(rows[200:])}
    source = of_models(as_models(pair, rows, **tables, feature_names=tuple("abcdef")))
    np.testing.assert_array_equal(source.calibration["x"], rows[:200])


def test_what_a_subclassed_decoder_ends_on_is_judged_by_what_it_gives(rows):
    """The layer that it names last, a sigmoid, is not its last."""
    bits = (rows > 0).astype(np.float32)
    given = {"likelihood": "bernoulli", "calibration": bits[:200], "test": bits[200:]}
    encoder, decoder = subclassed("three")
    vae = of_models(as_models((encoder, decoder), rows, **given)).vae
    np.testing.assert_allclose(vae.decoder(rows[:3, :2]), decoder(rows[:3, :2]), rtol=1e-6)
    squashed = Decoder("sigmoid")
    squashed(rows[:1, :2])
    with pytest.raises(ValueError, match=r"a decoder that gives logits.*last activation away"):
        of_models(as_models((encoder, squashed), rows, **given))
