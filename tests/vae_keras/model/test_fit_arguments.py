"""Each argument of Keras's methods has an effect on a VAE, or is refused by name."""

import inspect
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_keras import VAE, mlp_pair

X = np.random.default_rng(0).normal(size=(48, 6)).astype(np.float32)
WEIGHTS = np.full(48, 2.0, np.float32)
LABELS = np.arange(48) % 3

REFUSED = {
    "fit": {"class_weight": {0: 2.0}, "sample_weight": WEIGHTS},
    "evaluate": {"sample_weight": WEIGHTS},
    "train_on_batch": {"class_weight": {0: 2.0}, "sample_weight": WEIGHTS},
    "test_on_batch": {"sample_weight": WEIGHTS},
    "predict": {},
    "compile": {
        "loss": "mse",
        "loss_weights": [2.0],
        "metrics": ["mae"],
        "weighted_metrics": ["mae"],
    },
}
USED = {  # each is shown to have an effect below, or is Keras's own affair: who is told, and when
    "fit": {
        *("x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_split"),
        *("validation_data", "shuffle", "initial_epoch", "steps_per_epoch", "validation_steps"),
        *("validation_batch_size", "validation_freq"),
    },
    "evaluate": {
        *("x", "y", "batch_size", "verbose", "steps", "callbacks", "return_dict", "kwargs")
    },
    "train_on_batch": {"x", "y", "return_dict"},
    "test_on_batch": {"x", "y", "return_dict"},
    "predict": {"x", "batch_size", "verbose", "steps", "callbacks"},
    "compile": {
        *("optimizer", "run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss")
    },
}


class Count(keras.callbacks.Callback):
    """How many batches there were."""

    def __init__(self):
        super().__init__()
        self.trained, self.judged, self.asked = 0, 0, 0

    def on_train_batch_end(self, batch, logs=None):
        self.trained += 1

    def on_test_batch_end(self, batch, logs=None):
        self.judged += 1

    def on_predict_batch_end(self, batch, logs=None):
        self.asked += 1


def made(classifier=None, **options):
    keras.utils.set_random_seed(0)
    vae = VAE(*mlp_pair((6,), 2, (8,)), likelihood="gaussian", classifier=classifier)
    vae.compile(**{"optimizer": "adam", **options})
    return vae


@pytest.mark.parametrize("method", REFUSED)
def test_every_argument_is_used_or_refused(method):
    names = set(inspect.signature(getattr(keras.Model, method)).parameters) - {"self"}
    assert names == {*REFUSED[method], *USED[method]}


@pytest.mark.parametrize(
    ("method", "name"), [(method, name) for method in REFUSED for name in REFUSED[method]]
)
def test_what_has_no_effect_is_refused_by_name(method, name):
    rows = () if method == "compile" else (X,)
    with pytest.raises(ValueError, match=rf"^{name}: VAE\.{method} does not use it, as"):
        getattr(made(), method)(*rows, **{name: REFUSED[method][name]})


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
@pytest.mark.parametrize(
    ("y", "said"), [(X, "x itself: a VAE learns to reconstruct x alone"), (LABELS, "targets")]
)
def test_y_without_a_classifier_is_refused(method, y, said):
    with pytest.raises(ValueError, match=rf"y: expected x alone.*Received: {said}"):
        getattr(made(), method)(X, y)


def batches(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays if arrays[1:] else arrays[0]).batch(16)


class Loader(keras.utils.PyDataset):
    """Batches of 16 rows, as an object of Keras."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return (X[16 * index : 16 * index + 16],)


VALIDATION = {
    "an array": X,
    "a tuple of one": (X,),
    "a tensor": tf.constant(X),
    "x and nothing": (X, None),
    "a Dataset": batches(X),
    "a PyDataset": Loader(),
}


@pytest.mark.parametrize("kind", VALIDATION)
def test_validation_rows_are_taken_as_people_write_them(kind):
    history = made().fit(X, validation_data=VALIDATION[kind], verbose=0).history
    expected = made().fit(X, validation_data=(X,), verbose=0).history
    assert history["val_kl"] == pytest.approx(expected["val_kl"], rel=1e-5)


def test_validation_rows_with_labels_are_taken_where_there_is_a_classifier():
    history = made(3).fit(X, LABELS, validation_data=(X, LABELS), verbose=0).history
    assert "val_accuracy" in history
    with pytest.raises(ValueError, match="expected labels from 0 to 2"):
        made(3).fit(X, LABELS, validation_data=(X, LABELS + 1), verbose=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation_data": (X, None, WEIGHTS)}, "validation_data: .*sample weights too"),
        ({"validation_data": (X, X)}, "y of validation_data: .*x itself"),
        ({"validation_data": (X, LABELS)}, "y of validation_data: .*targets"),
        ({"validation_batch_size": 8}, "validation_batch_size: .*without validation rows"),
        ({"validation_steps": 8}, "validation_steps: .*without validation rows"),
        ({"validation_freq": 2}, "validation_freq: .*without validation rows"),
        ({"validation_data": X, "validation_split": 0.5}, "Received: both"),
        (
            {"validation_data": batches(X), "validation_batch_size": 8},
            "validation_batch_size: .*comes in batches already",
        ),
        ({"x": batches(X), "batch_size": 8}, "batch_size: .*comes in batches already"),
        ({"x": Loader(), "batch_size": 8}, r"batch_size: .*already \(Loader\)"),
        ({"x": batches(X), "validation_split": 0.5}, "validation_split"),
    ],
)
def test_what_would_be_ignored_of_validation_and_batches_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        made().fit(**{"x": X, "verbose": 0, **options})


@pytest.mark.parametrize(
    "y", [np.eye(3, dtype=int)[LABELS], np.eye(3, dtype=int)[LABELS][..., None]]
)
def test_labels_of_another_shape_are_refused(y):
    with pytest.raises(ValueError, match=r"one a row: \(rows,\)\. Received: shape \(48, 3"):
        made(3).fit(X, y, verbose=0)


@pytest.mark.parametrize("y", [LABELS[:, None], tf.constant(LABELS)])
def test_labels_may_be_a_column_or_a_tensor(y):
    assert "accuracy" in made(3).fit(X, y, verbose=0).history


@pytest.mark.parametrize(
    ("options", "trained", "judged"),
    [
        ({"batch_size": 8}, 6, 0),
        ({"batch_size": 8, "epochs": 3, "initial_epoch": 1}, 12, 0),
        ({"batch_size": 8, "steps_per_epoch": 2}, 2, 0),
        ({"batch_size": 8, "validation_split": 0.5}, 3, 3),
        ({"batch_size": 8, "validation_data": X, "validation_batch_size": 4}, 6, 12),
        ({"batch_size": 8, "validation_data": X, "validation_steps": 2}, 6, 2),
        ({"batch_size": 8, "validation_data": X, "validation_freq": 2, "epochs": 2}, 12, 6),
    ],
)
def test_what_fit_takes_changes_what_it_does(options, trained, judged):
    count = Count()
    made().fit(X, callbacks=[count], verbose=0, **options)
    assert (count.trained, count.judged) == (trained, judged)


def test_what_evaluate_and_predict_take_changes_what_they_do():
    count, options = Count(), {"batch_size": 8, "steps": 2, "verbose": 0}
    answers = made().evaluate(X, callbacks=[count], return_dict=True, **options)
    assert isinstance(answers, dict)
    assert made().predict(X, callbacks=[count], **options).shape == (16, 6)
    assert (count.judged, count.asked) == (2, 2)


def test_shuffling_changes_what_is_trained():
    first, second = (
        made().fit(X, shuffle=shuffle, batch_size=8, verbose=0).history["loss"]
        for shuffle in (True, False)
    )
    assert first != second


def test_a_batch_is_trained_on_and_judged():
    vae = made()
    before = vae.test_on_batch(X, return_dict=True)
    assert set(before) == {"loss", "nll", "kl", "elbo"}
    weights = [np.array(w) for w in vae.get_weights()]
    assert set(vae.train_on_batch(X, return_dict=True)) == set(before)
    assert any((a != b).any() for a, b in zip(weights, vae.get_weights(), strict=True))


def test_what_compile_takes_is_what_is_used():
    vae = made(optimizer=keras.optimizers.SGD(0.1), run_eagerly=True)
    assert isinstance(vae.optimizer, keras.optimizers.SGD)
    assert vae.run_eagerly
    vae = made(steps_per_execution=3, jit_compile=False)
    assert (vae.steps_per_execution, vae.jit_compile) == (3, False)


def test_a_saved_model_is_compiled_as_it_was(tmp_path):
    vae = made(optimizer=keras.optimizers.SGD(0.25), jit_compile=False)
    vae.fit(X, verbose=0)
    vae.save(tmp_path / "x.keras")
    again = keras.models.load_model(tmp_path / "x.keras")
    assert again.optimizer.learning_rate == 0.25
    assert int(again.optimizer.iterations) == int(vae.optimizer.iterations)
    assert not again.jit_compile
    again.fit(X, verbose=0)


UNDER_JAX = """
import numpy as np
from vae_keras import VAE, mlp_pair

x = np.random.default_rng(0).normal(size=(48, 6)).astype("float32")
vae = VAE(*mlp_pair((6,), 2, (8,)), likelihood="gaussian")
vae.compile("adam")
history = vae.fit(x, validation_data=x, batch_size=8, validation_batch_size=4, verbose=0).history
assert "val_kl" in history
vae.train_on_batch(x), vae.test_on_batch(x), vae.predict(x, verbose=0)
for method, options in {
    "compile": {"loss": "mse"},
    "fit": {"x": x, "sample_weight": np.ones(48)},
    "evaluate": {"x": x, "y": x},
    "train_on_batch": {"x": x, "class_weight": {0: 1.0}},
    "test_on_batch": {"x": x, "sample_weight": np.ones(48)},
}.items():
    try:
        getattr(vae, method)(**options)
    except ValueError as error:
        print(method, str(error).split(":")[0])
"""


def test_it_is_the_same_under_jax():
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    code = [sys.executable, "-c", UNDER_JAX]
    done = subprocess.run(code, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "compile loss",
        "fit sample_weight",
        "evaluate y",
        "train_on_batch class_weight",
        "test_on_batch sample_weight",
    ]
