"""Models of other floats are made again with all that they were given: functions, classes."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from vae_export import Models, export
from vae_export.graphs.float32 import in_float32, policies
from vae_runtime import Runner

HALF = "mixed_float16"
SHARE = 0.5


def gain(x):
    return ops.tanh(x) * SHARE


def shifts(first, second):
    """Two lambdas that differ by what they hold alone."""

    def make(x):
        for by in (first, second):
            x = layers.Lambda(lambda t, by=by: t + by, dtype=HALF)(x)
        return x

    return make


def held(by):
    return lambda t: t * by


class Ones(keras.initializers.Initializer):
    """Of the user, and not registered."""

    def __call__(self, shape, dtype=None):
        return 0.01 * ops.ones(shape, dtype)

    def get_config(self):
        return {}


class Difference(keras.losses.Loss):
    """Cannot be made again: it asks for more than its config says."""

    def __init__(self, power=1.0):
        super().__init__()
        self.power = power

    def call(self, y, out):
        return ops.mean(out - y) ** self.power

    @classmethod
    def from_config(cls, config):
        raise TypeError("no power")


class Dense(layers.Dense):
    """Named as one of Keras's."""

    def call(self, x):
        return 2.0 * super().call(x)


def lambda_of(function, **options):
    return lambda x: layers.Lambda(function, dtype=HALF, **options)(x)


def dense(*arguments, **options):
    return lambda x: layers.Dense(*arguments, dtype=HALF, **options)(x)


def within(x):
    inner = keras.Sequential([keras.Input((6,)), layers.Lambda(gain, dtype=HALF)])
    return inner(x)


def both_dense(x):
    return dense(4)(Dense(4, dtype=HALF)(dense(4)(x)))


LAYERS = {
    "a lambda of modules": lambda_of(lambda t: ops.tanh(t) * SHARE),
    "a named function": lambda_of(gain),
    "what lambdas hold": shifts(1.0, 2.0),
    "a closure": lambda_of(held(3.0)),
    "a shape of its own": lambda_of(lambda t: t[:, :3], output_shape=lambda shape: (shape[0], 3)),
    "arguments": lambda_of(lambda t, by: t * by, arguments={"by": 3.0}),
    "an activation": dense(4, gain),
    "a lambda as activation": dense(4, lambda t: ops.tanh(t) * SHARE),
    "an Activation": lambda x: layers.Activation(lambda t: ops.tanh(t), dtype=HALF)(x),
    "an initializer": dense(4, kernel_initializer=Ones()),
    "a function as initializer": dense(4, kernel_initializer=lambda shape, dtype: Ones()(shape)),
    "a class of Keras's name": both_dense,
    "within a model": within,
}


@pytest.fixture(params=LAYERS)
def model(request):
    keras.utils.set_random_seed(0)
    x = keras.Input((6,))
    return keras.Model(x, layers.Dense(2, dtype=HALF)(LAYERS[request.param](x)))


def functions_of(model):
    return [
        (value, value.__name__)
        for layer in model._flatten_layers()
        for value in vars(layer).values()
        if isinstance(value, type(gain))
    ]


def test_a_model_is_made_again_with_what_it_was_given(model):
    names = functions_of(model)
    copy = in_float32("encoder", model)
    assert (policies(model), policies(copy)) == ((HALF,), ())
    x = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    found, expected = (np.asarray(each(x), np.float32) for each in (copy, model))
    assert copy(x).dtype == "float32"
    np.testing.assert_allclose(found, expected, atol=1e-2 * np.abs(expected).max())
    assert [function.__name__ for function, _ in names] == [name for _, name in names]


def test_a_model_that_is_compiled_is_made_again_without_its_loss():
    x = keras.Input((6,))
    model = keras.Model(x, layers.Dense(2, dtype=HALF)(x))
    model.compile("adam", loss=Difference())
    copy = in_float32("encoder", model)
    assert not copy.compiled
    assert policies(copy) == ()


def test_lambdas_of_half_precision_export(tmp_path):
    keras.utils.set_random_seed(0)
    rows = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
    x, z = keras.Input((6,)), keras.Input((2,))
    h = layers.Lambda(lambda t: ops.tanh(t) * SHARE, dtype=HALF)(layers.Dense(8, dtype=HALF)(x))
    encoder = keras.Model(x, [layers.Dense(2, dtype=HALF)(h) for _ in range(2)])
    h = layers.Lambda(lambda t: ops.silu(t), dtype=HALF)(layers.Dense(8, dtype=HALF)(z))
    tiny = keras.initializers.RandomNormal(stddev=0.1, seed=0)
    decoder = keras.Model(z, layers.Dense(6, dtype=HALF, kernel_initializer=tiny)(h))
    models = Models(encoder, decoder, "gaussian", rows[:200], rows[200:], alpha=0.05)
    runner = Runner.load(export(models, tmp_path / "x", log=lambda line: None))
    assert runner.selftest().passed
    assert {file.format for file in runner.manifest.files if file.role == "scorer"} == {
        "onnx",
        "tflite",
    }
    expected = np.asarray(encoder(rows)[0], np.float32)
    np.testing.assert_allclose(runner.encode(rows), expected, atol=5e-3)
