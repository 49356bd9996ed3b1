"""VAEs that something else trained: they export whole, and what does not fit is said plainly."""

import dataclasses

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from keras import layers, ops

from vae_export import ExportError, Models, export
from vae_export.graphs.foreign_models import of_models
from vae_keras import Gaussian, Scaling
from vae_keras.data.digits import load_digits
from vae_runtime import Runner

QUIET = {"log": lambda line: None}


@keras.saving.register_keras_serializable(package="tests")
class Sampling(layers.Layer):
    """As in the example on keras.io: draws z, always."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        z_mean, z_log_var = inputs
        epsilon = keras.random.normal(ops.shape(z_mean), seed=self.seed_generator)
        return z_mean + ops.exp(0.5 * z_log_var) * epsilon


class Elsewhere(keras.Model):
    """Trains a pair without any of this project."""

    def __init__(self, encoder, decoder, nll):
        super().__init__()
        self.encoder, self.decoder, self.nll = encoder, decoder, nll
        self.sampling = Sampling()
        self.built = True

    def call(self, x, training=False):
        z_mean, z_log_var, *drawn = self.encoder(x, training=training)
        z = drawn[0] if drawn else self.sampling([z_mean, z_log_var])
        nll = self.nll(x, self.decoder(z, training=training))
        self.add_loss(ops.mean(nll) + ops.mean(kl(z_mean, z_log_var)))
        return z_mean


def kl(z_mean, z_log_var):
    each = ops.square(z_mean) + ops.exp(z_log_var) - 1.0 - z_log_var
    return 0.5 * ops.sum(each, axis=-1)


def cross_entropy(x, probability):
    each = x * ops.log(probability + 1e-7) + (1 - x) * ops.log(1 - probability + 1e-7)
    return -ops.sum(each, axis=(1, 2, 3))


def divergence(x, probability):
    """What a reconstruction costs more than a perfect one would."""
    return cross_entropy(x, probability) - cross_entropy(x, x)


def half_square(x, x_mean):
    each = 0.5 * ops.square(x - x_mean) + 0.5 * np.log(2 * np.pi)
    return ops.sum(ops.reshape(each, (ops.shape(each)[0], -1)), axis=-1)


def trained(encoder, decoder, nll, x, epochs):
    keras.utils.set_random_seed(0)
    model = Elsewhere(encoder, decoder, nll)
    model.compile(keras.optimizers.Adam(3e-3))
    model.fit(x, epochs=epochs, batch_size=64, verbose=0)
    return encoder, decoder


@pytest.fixture(scope="module")
def images():
    """The convolutional VAE of keras.io, on 8 x 8 digits between 0 and 1."""
    data = load_digits()
    x, y = data.x / 16.0, data.y
    inputs, latents = keras.Input((8, 8, 1)), keras.Input((2,))
    h = layers.Conv2D(8, 3, activation="relu", strides=2, padding="same")(inputs)
    h = layers.Conv2D(16, 3, activation="relu", strides=2, padding="same")(h)
    h = layers.Dense(16, activation="relu")(layers.Flatten()(h))
    z_mean, z_log_var = layers.Dense(2, name="z_mean")(h), layers.Dense(2, name="z_log_var")(h)
    z = Sampling()([z_mean, z_log_var])
    encoder = keras.Model(inputs, [z_mean, z_log_var, z], name="encoder")
    h = layers.Reshape((2, 2, 16))(layers.Dense(64, activation="relu")(latents))
    h = layers.Conv2DTranspose(16, 3, activation="relu", strides=2, padding="same")(h)
    h = layers.Conv2DTranspose(8, 3, activation="relu", strides=2, padding="same")(h)
    outputs = layers.Conv2DTranspose(1, 3, activation="sigmoid", padding="same")(h)
    decoder = keras.Model(latents, outputs, name="decoder")
    trained(encoder, decoder, cross_entropy, x[:1200], epochs=8)
    rows = {"training": x[:300], "calibration": x[1200:1500], "test": x[1500:], "test_y": y[1500:]}
    return Models(encoder, decoder, likelihood="bernoulli", name="keras.io", **rows)


@pytest.fixture(scope="module")
def table():
    """Normalization in the encoder and, inverted, in the decoder; BatchNormalization, Dropout."""
    rng = np.random.default_rng(0)
    load = rng.uniform(0.0, 1.0, (1500, 1))
    x = np.float32(load * [30.0, -20.0, 10.0, 5.0, 8.0, 0.0] + [20, 50, 0, 9, -5, 7])
    x += rng.normal(0.0, 1.0, x.shape).astype(np.float32)
    broken = x[1400:] + np.float32([0, 0, 0, 12, 0, 0])
    normalize, restore = layers.Normalization(), layers.Normalization(invert=True)
    normalize.adapt(x[:900])
    restore.adapt(x[:900])
    inputs, latents = keras.Input((6,)), keras.Input((2,))
    h = layers.Dense(24)(normalize(inputs))
    h = layers.BatchNormalization()(h)
    h = layers.Dropout(0.1)(keras.activations.gelu(h, approximate=True))
    encoder = keras.Model(inputs, [layers.Dense(2)(h), layers.Dense(2)(h)])
    h = layers.Dropout(0.1)(layers.Dense(24, activation="gelu")(latents))
    decoder = keras.Model(latents, restore(layers.Dense(6)(h)))
    trained(encoder, decoder, half_square, x[:900], epochs=12)
    return Models(
        encoder,
        decoder,
        likelihood="gaussian",
        calibration=x[900:1200],
        test=np.concatenate([x[1200:1400], broken]),
        test_y=np.arange(300) >= 200,
        feature_names=tuple("abcdef"),
        alpha=0.05,
        versions={"keras": keras.__version__},
    )


@pytest.fixture(scope="module")
def windows():
    """Conv1D and attention over windows of two channels, in standardised units."""
    rng = np.random.default_rng(0)
    phase = np.arange(16)[None] * 0.5 + rng.uniform(0, 6, (900, 1))
    x = np.stack([300.0 + 10.0 * np.sin(phase), 5.0 + np.sin(phase - 1.0)], axis=2)
    x = (x + rng.normal(0, 1, x.shape) * [1.0, 0.1]).astype(np.float32)
    inputs, latents = keras.Input((16, 2)), keras.Input((3,))
    h = layers.Conv1D(8, 3, padding="same", activation="silu")(inputs)
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 4)(h, h))
    h = layers.GlobalAveragePooling1D()(layers.Conv1D(16, 3, 2, activation="silu")(h))
    encoder = keras.Model(inputs, [layers.Dense(3)(h), layers.Dense(3)(h)])
    h = layers.Reshape((8, 8))(layers.Dense(64, activation="silu")(latents))
    h = layers.UpSampling1D(2)(h)
    decoder = keras.Model(latents, layers.Conv1D(2, 3, padding="same")(h))
    scaling = Scaling([300.0, 5.0], [7.0, 0.7])
    trained(encoder, decoder, half_square, (x[:600] - [300, 5]) / [7, 0.7], epochs=3)
    rows = {"calibration": x[600:750], "test": x[750:]}
    return Models(encoder, decoder, likelihood="gaussian", preprocessing=scaling, stride=4, **rows)


def score(models, nll):
    """nll + kl of the test rows, from the models as they were trained."""
    x = models.test
    if models.preprocessing:
        x = np.asarray(models.preprocessing(x))
    z_mean, z_log_var, *_ = models.encoder(x)
    return np.asarray(nll(x, models.decoder(z_mean)) + kl(z_mean, z_log_var))


@pytest.mark.parametrize(
    ("name", "nll", "precisions"),
    [
        ("images", divergence, ("fp32", "int8")),
        ("table", half_square, ("fp32",)),
        ("windows", half_square, ("fp32",)),
    ],
)
def test_a_model_that_was_trained_elsewhere_scores_on_the_device(
    name, nll, precisions, request, tmp_path
):
    models = request.getfixturevalue(name)
    out = export(models, tmp_path / "x.vaeb", precisions=precisions, allow_degraded=True, **QUIET)
    runner = Runner.load(out)
    assert runner.selftest().passed
    np.testing.assert_allclose(runner.score(models.test).score, score(models, nll), rtol=2e-4)
    rate = runner.score(models.test[: 180 if models.test_y is not None else None]).is_anomaly.mean()
    assert rate < 3 * models.alpha + 0.03
    assert {f.precision for f in runner.manifest.files} == set(precisions)


def test_what_is_known_of_it_is_in_the_manifest(table, images, windows):
    card, source = of_models(table).card, of_models(table)
    assert card.feature_names == tuple("abcdef")
    assert (source.alpha, source.versions) == (0.05, {"keras": keras.__version__})
    assert (card.rows, card.fingerprint, card.value_range) == ({"train": 0}, "", None)
    card = of_models(images).card
    assert (card.rows, len(card.fingerprint)) == ({"train": 300}, 64)
    assert (card.value_range, card.name) == ((0.0, 1.0), "keras.io")
    assert of_models(windows).card.stride == 4


def test_logits_are_those_of_the_sigmoid_that_was_taken_away(images):
    vae = of_models(images).vae
    z = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    np.testing.assert_allclose(vae.decode(z), images.decoder(z), rtol=1e-5)
    assert vae.decoder(z).numpy().min() < 0
    assert images.decoder(z).numpy().min() >= 0  # the user's own is as it was


@pytest.mark.parametrize(
    "end",
    [
        lambda x: layers.Activation("sigmoid")(x),
        lambda x: layers.Reshape((8, 8, 1))(layers.Flatten()(layers.Activation("sigmoid")(x))),
    ],
)
def test_a_sigmoid_of_its_own_is_taken_away_as_well(images, end):
    logits = of_models(images).vae.decoder
    decoder = keras.Model(logits.input, end(logits.output))
    z = np.ones((1, 2), np.float32)
    found = of_models(dataclasses.replace(images, decoder=decoder)).vae.decoder
    np.testing.assert_allclose(found(z), logits(z), rtol=1e-6)


def test_a_sigmoid_within_a_nested_model_is_taken_away(images):
    decoder = keras.Sequential([keras.Input((2,)), images.decoder])
    z = np.ones((1, 2), np.float32)
    vae = of_models(dataclasses.replace(images, decoder=decoder)).vae
    np.testing.assert_allclose(vae.decode(z), images.decoder(z), rtol=1e-5)


def test_bytes_are_taken_as_bytes(images):
    rows = {r: (16 * getattr(images, r)).astype(np.uint8) for r in ("calibration", "test")}
    given = dataclasses.replace(images, **rows, training=None, preprocessing=Scaling(0.0, 16.0))
    source = of_models(given)
    assert source.card.input_dtype == "uint8"
    assert source.card.value_range == (0.0, 16.0)


def test_a_sigma_of_ones_own_counts(table):
    likelihood = Gaussian("shared")
    likelihood.build((None, 6))
    likelihood.log_sigma.assign(np.log(2.0))
    source = of_models(dataclasses.replace(table, likelihood=likelihood))
    np.testing.assert_allclose(source.vae.likelihood.deviation(), 2.0, rtol=2e-3)


def probabilities(models):
    """A decoder that squashes where nothing can see it."""
    inputs = keras.Input((2,))
    return keras.Model(inputs, ops.clip(models.decoder(inputs), 0.0, 1.0))


WRONG = {
    "rows of another shape": (
        lambda m: {"test": m.test[:, :4]},
        r"test: expected rows of the shape.*\(rows, 8, 8, 1\)\. Received: \(697, 4, 8, 1\)",
    ),
    "no rows": (lambda m: {"calibration": m.calibration[:0]}, "calibration: expected rows"),
    "NaN": (
        lambda m: {"training": np.where(m.training > 0.99, np.nan, m.training)},
        "training: expected finite numbers. Received: .* of 300 rows",
    ),
    "too few for alpha": (
        lambda m: {"calibration": m.calibration[:50]},
        "alpha=0.01 needs at least 99 calibration rows. Received: 50",
    ),
    "labels of other rows": (
        lambda m: {"test_y": m.test_y[1:]},
        "test_y: expected 0 or 1 for each of 697",
    ),
    "labels that are none": (lambda m: {"test_y": m.test_y + 1}, r"values \[1, 2\]"),
    "other units": (
        lambda m: {"calibration": 16 * m.calibration},
        r"expected values within 0 and 1 after pre-processing.*Received: 0 to 16.*Scaling\(",
    ),
    "hidden probabilities": (
        lambda m: {"decoder": probabilities(m)},
        "expected a decoder that gives logits.*probabilities",
    ),
    "a layer as pre-processing": (
        lambda m: {"preprocessing": layers.Rescaling(2.0)},
        "expected a vae_keras.Scaling as preprocessing.*Received: Rescaling.*in the encoder",
    ),
    "one output": (
        lambda m: {"encoder": keras.Model(m.encoder.input, m.encoder.output[0])},
        "expected an encoder with the two outputs z_mean and z_log_var",
    ),
    "no model": (lambda m: {"decoder": len}, "expected a keras.Model as decoder"),
    "a likelihood of no name": (lambda m: {"likelihood": "poisson"}, "expected a likelihood of"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_said(images, case):
    change, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        of_models(dataclasses.replace(images, **change(images)))


def test_columns_that_have_names_are_matched_by_them(table):
    def frame(x):
        return pd.DataFrame(x, columns=list("abcdef"))[list("fbadce")].assign(note=1.0)

    given = dataclasses.replace(table, calibration=frame(table.calibration), test=frame(table.test))
    found, expected = of_models(given), of_models(table)
    np.testing.assert_array_equal(found.calibration["x"], expected.calibration["x"])
    np.testing.assert_array_equal(found.test["x"], expected.test["x"])
    with pytest.raises(ValueError, match=r"test: expected a column 'd'\. Received: a pandas"):
        of_models(dataclasses.replace(given, test=given.test.drop(columns="d")))
    with pytest.raises(ValueError, match=r"calibration: expected an array.*\.to_numpy\(\)"):
        of_models(dataclasses.replace(given, feature_names=None))
    masked = np.ma.masked_greater(table.calibration, 30.0)
    with pytest.raises(ValueError, match=r"calibration: expected an array\. Received: a masked"):
        of_models(dataclasses.replace(table, calibration=masked))


def test_rows_in_other_units_than_the_models_are_noticed(windows):
    with pytest.raises(ValueError, match=r"expected reconstructions nearer.*Scaling\(mean"):
        of_models(dataclasses.replace(windows, preprocessing=None))


def test_int8_needs_rows_that_were_trained_on(table, tmp_path):
    with pytest.raises(
        ValueError, match=r"expected 32 rows at least .*\(training=\)\. Received: 0"
    ):
        export(table, tmp_path / "bundle", precisions=("fp32", "int8"), **QUIET)
    assert not list(tmp_path.iterdir())


def test_sampling_within_the_first_two_outputs_is_refused_with_what_to_do(images, tmp_path):
    _, z_log_var, z = images.encoder.output
    encoder = keras.Model(images.encoder.input, [z, z_log_var])
    with pytest.raises(ExportError, match=r"draws at random.*end the encoder on z_mean and z_log"):
        export(dataclasses.replace(images, encoder=encoder), tmp_path / "bundle", **QUIET)
    assert not list(tmp_path.iterdir())


def small(policy, x, end="linear"):
    """An untrained pair for six columns about 0, which decodes to about 0."""
    keras.utils.set_random_seed(0)
    normalize = layers.Normalization(dtype=policy)
    normalize.adapt(x)
    inputs, latents = keras.Input((6,)), keras.Input((2,))
    h = layers.Rescaling(0.5, dtype=policy)(normalize(inputs))
    body = [layers.Dense(8, "silu", dtype=policy), layers.BatchNormalization(dtype=policy)]
    h = keras.Sequential([keras.Input((6,)), *body])(h)
    z = [layers.Dense(2, dtype=policy, name=name)(h) for name in ("z_mean", "z_log_var")]
    out = layers.Dense(6, end, dtype=policy, kernel_initializer=TINY)(latents)
    return keras.Model(inputs, z), keras.Model(latents, out)


TINY = keras.initializers.RandomNormal(stddev=0.1, seed=0)


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(0.0, 1.0, (400, 6)).astype(np.float32)


def as_models(pair, rows, **more):
    given = {"calibration": rows[:200], "test": rows[200:], "alpha": 0.05, **more}
    return Models(*pair, likelihood=given.pop("likelihood", "gaussian"), **given)


@pytest.fixture
def defaults():
    """Keras's, as they were."""
    given = keras.config.floatx(), keras.config.dtype_policy(), keras.config.image_data_format()
    yield
    keras.config.set_floatx(given[0])
    keras.config.set_dtype_policy(given[1])
    keras.config.set_image_data_format(given[2])


def test_half_precision_is_exported_in_float32_and_that_is_said(rows, tmp_path):
    models, said = as_models(small("mixed_float16", rows), rows), []
    out = export(models, tmp_path / "x", formats=("onnx",), log=said.append)
    assert said[0] == (
        "the models compute in mixed_float16: exported in float32, which is the reference"
    )
    runner = Runner.load(out)
    assert runner.selftest().passed
    assert runner.manifest.training.versions["dtype policy"] == "mixed_float16, exported in float32"
    plain = of_models(as_models(small("float32", rows), rows)).vae  # of the same weights
    scores = np.asarray(plain.score(rows[200:])["score"])
    np.testing.assert_allclose(runner.score(rows[200:]).score, scores, rtol=1e-4)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float64", "float16"])
def test_any_policy_becomes_the_same_weights_in_float32(policy, rows):
    encoder, decoder = small(policy, rows, end="sigmoid")
    given = as_models((encoder, decoder), (rows > 0).astype(np.float32), likelihood="bernoulli")
    source = of_models(given)
    assert source.notes[0].startswith(f"the models compute in {policy}: ")
    vae = source.vae
    kept = {w.dtype for w in (*vae.encoder.weights, *vae.decoder.weights)}
    assert kept == {"float32", "int64"}  # of how many rows a Normalization saw
    near = {"mixed_bfloat16": 3e-2, "float64": 1e-5, "float16": 5e-3}[policy]
    z = np.ones((3, 2), np.float32)
    np.testing.assert_allclose(vae.decode(z), np.asarray(decoder(z), np.float32), atol=near)
    means = np.asarray(encoder(rows[:9])[0], np.float32)
    np.testing.assert_allclose(vae.encoder(rows[:9])[0], means, atol=near)
    assert encoder.layers[-1].dtype_policy.name == policy  # the user's own is as it was


@pytest.mark.parametrize(("floatx", "policy"), [("float32", "mixed_float16"), ("float64", None)])
def test_policies_that_hold_for_all_of_keras_are_none_of_exports(
    floatx, policy, rows, tmp_path, defaults
):
    """As Keras's guide has it: a global policy, and the last layers in float32."""
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy or floatx)
    inputs, latents = keras.Input((6,)), keras.Input((2,))
    h = layers.Dense(8, "silu")(inputs)
    encoder = keras.Model(inputs, [layers.Dense(2, dtype="float32")(h) for _ in range(2)])
    last = layers.Dense(6, dtype="float32", kernel_initializer=TINY)
    decoder = keras.Model(latents, last(layers.Dense(8, "silu")(latents)))
    out = export(as_models((encoder, decoder), rows), tmp_path / "x", formats=("onnx",), **QUIET)
    assert Runner.load(out).selftest().passed
    assert (keras.config.floatx(), keras.config.dtype_policy().name) == (floatx, policy or floatx)


def test_a_cast_within_a_float32_model_is_undone(rows):
    encoder, decoder = small("float32", rows)
    half = keras.Model(decoder.input, ops.cast(decoder.output, "float16"))
    source = of_models(as_models((encoder, half), rows))
    assert source.notes[0].startswith("the models compute in float16: ")
    assert source.vae.decoder.output.dtype == "float32"


class Nameless(layers.Layer):
    """Cannot say what it was made from."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def call(self, x):
        return x

    def get_config(self):
        raise NotImplementedError("no config")


def test_what_cannot_be_made_again_is_refused_by_policy_with_the_remedy(rows):
    encoder, decoder = small("mixed_float16", rows)
    odd = keras.Model(decoder.input, Nameless(len, dtype="float16")(decoder.output))
    with pytest.raises(ValueError, match=r"mixed_float16, float16.*no config.*set_weights") as told:
        of_models(as_models((encoder, odd), rows))
    assert "\n" not in str(told.value)
    plain = small("float32", rows)
    plain[1].layers[-1].quantize("int8")
    with pytest.raises(
        ValueError, match=r"decoder a model in floats.*int8_from_float32.*before quantize"
    ):
        of_models(as_models(plain, rows))


def test_data_sets_of_tensorflow_are_taken(rows):
    pair, y = small("float32", rows), np.arange(200) % 3 == 0
    batches = tf.data.Dataset.from_tensor_slices(rows[:200]).batch(64)
    labelled = tf.data.Dataset.from_tensor_slices((rows[200:], y)).batch(64)
    given = as_models(pair, rows, calibration=batches, training=batches, test=labelled)
    source = of_models(given)
    np.testing.assert_array_equal(source.calibration["x"], rows[:200])
    np.testing.assert_array_equal(source.training["x"], rows[:200])
    np.testing.assert_array_equal(source.test["x"], rows[200:])
    np.testing.assert_array_equal(source.test["y"], y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.batch(9).repeat(), "calibration: expected a tf.data.Dataset that ends"),
        (lambda d: d.map(lambda x: {"x": x}).batch(9), r"batches x or \(x, y\)"),
        (lambda d: d.take(0).batch(9), "calibration: expected batches of rows"),
        (lambda d: d, r"calibration: expected rows of the shape"),
    ],
)
def test_data_sets_that_are_no_batches_of_rows_are_refused(change, message, rows):
    given = change(tf.data.Dataset.from_tensor_slices(rows))
    with pytest.raises(ValueError, match=message):
        of_models(as_models(small("float32", rows), rows, calibration=given))


class Subclassed(keras.Model):
    """Knows no shapes of its own."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, x):
        return self.inner(x)


def test_subclassed_models_are_wrapped(rows, tmp_path):
    pair = small("float32", rows)
    whole = tuple(Subclassed(part) for part in pair)
    with pytest.raises(ValueError, match=r"encoder a model that was trained.*never called"):
        of_models(as_models(whole, rows))
    whole[0](rows[:1])
    whole[1](rows[:1, :2])
    out = export(as_models(whole, rows), tmp_path / "x", formats=("onnx",), **QUIET)
    np.testing.assert_allclose(
        Runner.load(out).score(rows[200:]).score,
        of_models(as_models(pair, rows)).vae.score(rows[200:])["score"],
        rtol=1e-4,
    )
