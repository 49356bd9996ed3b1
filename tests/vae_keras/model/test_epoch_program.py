"""A whole epoch as one program: it trains what steps train, and is not compiled anew."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_keras import VAE, TrainConfig, mlp_pair
from vae_keras.data.offsets import Windows
from vae_keras.fit.early_stopping import Stopping
from vae_keras.fit.loop import fit
from vae_keras.fit.orders import in_order
from vae_keras.model.epoch_program import Epochs, Programs, bytes_on_device, cut, on_device, take
from vae_keras.model.preprocessing import Scaling, standardize
from vae_keras.model.schedules import Warmup
from vae_runtime.rows.windows.windows import one_of

ROWS = np.random.default_rng(0).normal(3.0, 2.0, (170, 6)).astype(np.float32)
LABELS = {"train": np.arange(110) % 4 - 1, "validation": np.arange(60) % 4 - 1}

# Sums in another order, in float32, over some twenty steps of Adam; relative to the largest weight.
ROUNDING = 1e-5
# Networks that compute in bfloat16, which has 8 bits, and whose products each way rounds elsewhere.
BFLOAT16 = 0.05


def model(**options):
    keras.utils.set_random_seed(0)
    shape = options.pop("shape", (6,))
    pair = mlp_pair(shape, 2, (8,), dtype=options.pop("dtype", "float32"))
    return VAE(*pair, likelihood="gaussian", **options)


def trained(path, program, vae, *, x=ROWS[:110], validation=ROWS[110:], labels=None, **options):
    config = TrainConfig(epochs=5, batch_size=32, learning_rate=1e-2, program=program, **options)
    stopping = Stopping(path / f"{program}.npz", {}, 30)
    fit(vae, x, validation, config, stopping=stopping, labels=labels, log=lambda _: None)
    return vae.get_weights(), stopping.history


@pytest.fixture
def silent(monkeypatch):
    """No noise: TensorFlow draws other numbers in programs that XLA compiles."""
    monkeypatch.setattr(keras.random, "normal", lambda shape, **_: keras.ops.zeros(shape))


SERIES = Windows(ROWS, np.arange(107), 4, one_of(107, 4))
CASES = {
    "plain": ({}, {}),
    "classes": ({"classifier": 3}, {"labels": LABELS}),
    "contaminated": ({"trim": 0.1, "free_bits": 0.1}, {}),
    "scheduled": ({"beta": Warmup(1.0, 12)}, {"decay": "cosine", "clip_norm": 0.5}),
    "windows": ({"shape": (4, 6)}, {"x": SERIES, "validation": SERIES[:30]}),
    "bfloat16": ({"dtype": "mixed_bfloat16"}, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_whole_epoch_trains_what_its_steps_train(case, silent, tmp_path):
    parts, options = CASES[case]
    by_steps, steps_history = trained(tmp_path, "steps", model(**parts), **options)
    by_epoch, epoch_history = trained(tmp_path, "epoch", model(**parts), **options)
    tolerance = BFLOAT16 if case == "bfloat16" else ROUNDING
    for a, b in zip(by_steps, by_epoch, strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=tolerance * max(np.abs(a).max(), 1.0))
    assert list(epoch_history) == list(steps_history)
    for name, values in steps_history.items():
        np.testing.assert_allclose(epoch_history[name], values, rtol=tolerance, atol=tolerance)


UNDER_JAX = """
import sys, tempfile
from pathlib import Path
import keras
import numpy as np
from vae_keras import VAE, TrainConfig, mlp_pair
from vae_keras.fit.early_stopping import Stopping
from vae_keras.fit.loop import fit

rows = np.random.default_rng(0).normal(3.0, 2.0, (170, 6)).astype(np.float32)

def run(program, **options):
    keras.utils.set_random_seed(0)
    vae = VAE(*mlp_pair((6,), 2, (8,)), likelihood="gaussian", corruption=0.1)
    config = TrainConfig(epochs=5, batch_size=32, learning_rate=1e-2, program=program)
    with tempfile.TemporaryDirectory() as here:
        stopping = Stopping(Path(here) / "c.npz", {}, 30)
        fit(vae, rows[:110], rows[110:], config, stopping=stopping, log=said.append, verbose=True)
    return vae.get_weights(), stopping.history

said = []
(a, steps), (b, epoch) = run("steps"), run("epoch")
assert "one compiled program an epoch: asked for" in said, said
for one, other in zip(a, b, strict=True):
    np.testing.assert_allclose(other, one, rtol=0, atol=ROUNDING * max(np.abs(one).max(), 1.0))
for name, values in steps.items():
    np.testing.assert_allclose(epoch[name], values, rtol=ROUNDING, atol=ROUNDING)
"""


def test_under_jax_the_noise_is_the_same_too():
    code = UNDER_JAX.replace("ROUNDING", str(ROUNDING))
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class Counted(VAE):
    """Counts how often its objective is traced."""

    traces = 0

    def objective(self, *arguments, **options):
        type(self).traces += 1
        return super().objective(*arguments, **options)


def test_a_model_is_trained_anew_on_other_rows_by_the_programs_that_it_has(tmp_path):
    """As the models of folds are: of other rows, another number of them, another scaling."""
    config = TrainConfig(epochs=3, batch_size=32, program="epoch")
    parts = [(ROWS[:110], ROWS[110:]), (ROWS[60:], ROWS[:60]), (ROWS[:101], ROWS[101:])]

    def run(vae, rows, compiled=None):
        scaling = standardize(rows[0])
        vae.preprocessing.offset, vae.preprocessing.scale = scaling.offset, scaling.scale
        stopping = Stopping(tmp_path / "c.npz", {}, 30)
        options = {"log": lambda _: None, "compiled": compiled, "room": 110}
        return fit(vae, *rows, config, stopping=stopping, **options), vae.get_weights()

    def fresh():
        keras.utils.set_random_seed(0)
        scaling = Scaling(0.0, 1.0, -50.0, 50.0, name="preprocessing")
        return Counted(*mlp_pair((6,), 2, (8,)), likelihood="gaussian", preprocessing=scaling)

    alone = [run(fresh(), rows)[1] for rows in parts]
    vae, compiled, traces = fresh(), None, []
    for rows, expected in zip(parts, alone, strict=True):
        compiled, weights = run(vae, rows, compiled)
        traces.append(Counted.traces)
        for a, b in zip(expected, weights, strict=True):
            np.testing.assert_allclose(b, a, rtol=0, atol=ROUNDING * max(np.abs(a).max(), 1.0))
    once_for_any_size = 2  # of the last batch, and of validation
    assert traces[-1] - traces[0] <= once_for_any_size


def test_what_xla_cannot_compile_is_said_with_what_to_type():
    x = keras.Input((4,))
    h = keras.layers.Resizing(1, 8, interpolation="nearest")(keras.ops.reshape(x, (-1, 1, 4, 1)))
    h = keras.layers.Dense(3)(keras.ops.reshape(h, (-1, 8)))
    z_mean, z_log_var = (keras.layers.Dense(2)(h) for _ in range(2))
    z = keras.Input((2,))
    resized = keras.layers.Resizing(1, 4, interpolation="nearest")(
        keras.ops.reshape(keras.layers.Dense(2)(z), (-1, 1, 2, 1))
    )
    decoder = keras.Model(z, keras.ops.reshape(resized, (-1, 4)))
    vae = VAE(keras.Model(x, [z_mean, z_log_var]), decoder, likelihood="gaussian")
    vae.compile("adam")
    rows = Epochs(on_device(ROWS[:64, :4]), 32)
    with (
        Programs(vae).running(rows, rows),
        pytest.raises(tf.errors.InvalidArgumentError, match="unsupported operations") as caught,
    ):
        vae.fit(in_order(64), steps_per_epoch=1, shuffle=False, verbose=0)
    assert "--program steps" in caught.value.__notes__[0]
    assert vae.train_function is None  # Keras's own is made again
    vae.fit(ROWS[:64, :4], verbose=0)


def test_an_order_is_cut_into_batches_of_one_size_and_the_last():
    assert [part.shape for part in cut(np.arange(100), 32)] == [(3, 32), (1, 4)]
    assert [part.shape for part in cut(np.arange(96), 32)] == [(3, 32)]
    assert [part.shape for part in cut(np.arange(5), 32)] == [(1, 5)]


def test_rows_and_windows_are_taken_by_their_numbers():
    order = np.array([5, 0, 7], np.int32)
    for x in (ROWS, SERIES):
        found, numbers = take(on_device(x, np.arange(len(x)), room=200), order)
        np.testing.assert_array_equal(found, x[order])
        np.testing.assert_array_equal(numbers, order)


def test_memory_is_that_of_the_rows_or_of_the_table_of_windows():
    assert bytes_on_device(ROWS, LABELS["train"]) == ROWS.nbytes + LABELS["train"].nbytes
    assert bytes_on_device(SERIES) == ROWS.nbytes + SERIES.starts.nbytes
