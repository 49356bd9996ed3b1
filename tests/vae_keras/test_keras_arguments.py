"""What Keras's methods take: each argument has an effect, or is refused by its name."""

import inspect

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from vae_keras import VAE, mlp_pair
from vae_keras.keras_arguments import UNUSED

X = np.random.default_rng(0).normal(size=(64, 6)).astype(np.float32)
LABELS = np.where(np.arange(64) % 4 == 0, np.arange(64) % 3, -1)


def vae(classifier=None, *, compiled=True):
    keras.utils.set_random_seed(0)
    made = VAE(*mlp_pair((6,), 2, (8,)), likelihood="gaussian", classifier=classifier)
    if compiled:
        made.compile(keras.optimizers.Adam(1e-2))
    return made


# What is given for an argument that a VAE has no use for.
GIVEN = {
    "loss": "mse",
    "loss_weights": [1.0],
    "metrics": ["mae"],
    "weighted_metrics": ["mae"],
    "class_weight": {0: 1.0, 1: 2.0},
    "sample_weight": np.ones(64),
}
CALLS = {
    "compile": (),
    "fit": (X,),
    "evaluate": (X,),
    "train_on_batch": (X,),
    "test_on_batch": (X,),
}


@pytest.mark.parametrize("classifier", [None, 3])
@pytest.mark.parametrize(
    ("method", "argument"),
    [
        (method, name)
        for method in CALLS
        for name in inspect.signature(getattr(keras.Model, method)).parameters
        if name in UNUSED
    ],
)
def test_what_a_vae_has_no_use_for_is_refused_by_name(method, argument, classifier):
    rows = CALLS[method] if classifier is None or not CALLS[method] else (X, LABELS)
    with pytest.raises(ValueError, match=f"{method}: expected no {argument}, which a VAE does not"):
        getattr(vae(classifier), method)(*rows, **{argument: GIVEN[argument]})


def test_an_argument_by_position_is_refused_by_name_too():
    with pytest.raises(ValueError, match="compile: expected no loss, "):
        vae(compiled=False).compile("adam", "mse")
    with pytest.raises(ValueError, match="train_on_batch: expected no sample_weight"):
        vae(3).train_on_batch(X, LABELS, np.ones(64))


def test_nothing_given_for_them_is_no_reason_to_refuse():
    made = vae(compiled=False)
    made.compile(
        "adam",
        None,
        **{name: None for name in GIVEN if name not in ("loss", "class_weight", "sample_weight")},
    )
    made.fit(X, None, class_weight=None, sample_weight=None, verbose=0)
    assert made.evaluate(X, sample_weight=None, verbose=0, return_dict=True)["nll"] > 0


def test_what_keras_does_not_know_is_an_error_as_ever():
    with pytest.raises(TypeError, match="unexpected keyword argument 'epoch'"):
        vae().fit(X, epoch=3)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("batch_size", 16),
        ("epochs", 3),
        ("validation_split", 0.25),
        ("shuffle", False),
        ("steps_per_epoch", 1),
        ("callbacks", [keras.callbacks.LearningRateScheduler(lambda epoch: 1.0)]),
    ],
)
def test_what_is_taken_has_an_effect(argument, value):
    plain, other = vae(), vae()
    before = plain.fit(X, verbose=0).history
    after = other.fit(X, verbose=0, **{argument: value}).history
    weights = zip(plain.get_weights(), other.get_weights(), strict=True)
    assert before.keys() != after.keys() or any(not np.array_equal(a, b) for a, b in weights)


@pytest.mark.parametrize("argument", ["validation_steps", "validation_batch_size"])
def test_how_to_validate_on_nothing_is_refused(argument):
    with pytest.raises(ValueError, match=f"validation_split beside {argument}. Received: neither"):
        vae().fit(X, verbose=0, **{argument: 1})
    history = vae().fit(X, validation_data=X, verbose=0, **{argument: 1}).history
    assert "val_loss" in history


ROWS = {
    "array": lambda x: x,
    "tuple": lambda x: (x,),
    "tuple with nothing": lambda x: (x, None),
    "tuple with no weights": lambda x: (x, None, None),
    "list": lambda x: [x],
    "tensor": tf.constant,
    "data frame": pd.DataFrame,
    "data set": lambda x: tf.data.Dataset.from_tensor_slices(x).batch(32),
}


@pytest.mark.parametrize("kind", ROWS)
def test_rows_to_validate_on_are_given_as_people_write_them(kind):
    made = vae()
    history = made.fit(X[:32], validation_data=ROWS[kind](X[32:]), verbose=0).history
    expected = made.evaluate(X[32:], verbose=0, return_dict=True)
    assert history["val_kl"][0] == pytest.approx(expected["kl"], rel=1e-5)  # no noise in it


def test_labels_to_validate_on_are_checked():
    made, known = vae(3), np.abs(LABELS)
    assert "val_accuracy" in made.fit(X, LABELS, validation_data=(X, known), verbose=0).history
    with pytest.raises(ValueError, match="expected labels from 0 to 2"):
        made.fit(X, LABELS, validation_data=(X, known + 1), verbose=0)
    with pytest.raises(ValueError, match=r"\(rows, labels\). Received: 3 entries"):
        made.fit(X, LABELS, validation_data=(X, known, np.ones(64)), verbose=0)


@pytest.mark.parametrize("labels", [LABELS + 1, tf.constant(LABELS + 1), pd.Series(LABELS + 1)])
def test_labels_of_any_kind_are_checked(labels):
    with pytest.raises(ValueError, match="expected labels from 0 to 2, and -1 where unknown"):
        vae(3).fit(X, labels, verbose=0)


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_x_is_no_target_of_a_vae(method):
    with pytest.raises(ValueError, match=rf"{method}: expected x alone, .* Call {method}\(x\)"):
        getattr(vae(), method)(X, X)
    with pytest.raises(ValueError, match="expected x alone"):
        vae().fit(X, validation_data=(X, X), verbose=0)


def test_targets_and_weights_of_batches_are_refused_with_what_to_do():
    pairs = tf.data.Dataset.from_tensor_slices((X, X)).batch(32)
    with pytest.raises(ValueError, match=r"Received: x and y.*\.map\(lambda x, y: x\)"):
        vae().fit(pairs, shuffle=False, verbose=0)
    weighted = tf.data.Dataset.from_tensor_slices((X, LABELS, np.ones(64))).batch(32)
    with pytest.raises(ValueError, match="Received: sample weights too"):
        vae(3).fit(weighted, shuffle=False, verbose=0)
