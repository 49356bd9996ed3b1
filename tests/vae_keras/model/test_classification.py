"""The terms of the classifier, against closed forms."""

import keras
import numpy as np
import pytest
from keras import ops

from vae_keras.model import classification

FLOAT32 = 1e-6
LOGITS = np.log(np.float32([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]))
NOISY = np.log(np.float32([[0.4, 0.4, 0.2], [0.1, 0.7, 0.2], [0.1, 0.3, 0.6]]))


def terms(y, logits=LOGITS, noisy=NOISY):
    found = classification.terms(ops.array(logits), ops.array(noisy), ops.array(y))
    return {name: float(value) for name, value in found.items()}


def test_cross_entropy_and_accuracy_are_means_over_the_rows_with_a_label():
    found = terms([0, 2, -1])
    assert found["cross_entropy"] == pytest.approx(-(np.log(0.5) + np.log(0.1)) / 2, rel=FLOAT32)
    assert found["accuracy"] == 0.5
    assert found["labelled"] == 2.0


def test_without_a_label_in_the_batch_they_are_zero_and_nothing_is_nan():
    found = terms([-1, -1, -1])
    assert (found["cross_entropy"], found["accuracy"], found["labelled"]) == (0.0, 0.0, 0.0)
    assert np.isfinite(found["consistency"])


def test_consistency_asks_for_the_label_where_there_is_one_else_for_the_sharpened_prediction():
    sharp = np.exp(LOGITS / classification.TEMPERATURE)
    target = sharp / sharp.sum(1, keepdims=True)
    target[1] = [0, 0, 1]
    expected = -(target * NOISY).sum(1).mean()
    assert terms([-1, 2, -1])["consistency"] == pytest.approx(expected, rel=FLOAT32)


def test_sharpening_makes_certain_predictions_more_so():
    assert 0.0 < classification.TEMPERATURE < 1.0


def test_targets_of_consistency_are_not_trained():
    """Else a prediction could agree with its noisy self by following it."""
    import tensorflow as tf

    logits, noisy = tf.constant(LOGITS), tf.constant(NOISY)
    with tf.GradientTape() as tape:
        tape.watch([logits, noisy])
        loss = classification.terms(logits, noisy, tf.constant([-1, -1, -1]))["consistency"]
    of_target, of_noisy = tape.gradient(loss, [logits, noisy])
    assert of_target is None
    assert np.abs(of_noisy).max() > 0


def test_labels_may_stand_in_a_column_of_their_own():
    assert terms([[0], [2], [-1]]) == terms([0, 2, -1])


def test_wild_logits_stay_finite():
    wild = np.float32([[1e4, -1e4, 0.0]] * 3)
    assert all(np.isfinite(value) for value in terms([1, -1, 0], wild, -wild).values())


def test_noise_is_added_in_the_units_of_the_model():
    seed = keras.random.SeedGenerator(0)
    moved = np.asarray(classification.disturb(np.ones((1000, 20), np.float32), seed)) - 1.0
    assert moved.std() == pytest.approx(classification.NOISE_DEVIATION, rel=0.03)
    assert abs(moved.mean()) < 0.02


@pytest.mark.parametrize("classifier", [3, keras.layers.Dense(3), classification.head(2, 3)])
def test_a_number_a_layer_and_a_model_are_classifiers(classifier):
    layer, classes = classification.get(classifier, 2)
    assert classes == 3
    assert layer(np.zeros((5, 2), np.float32)).shape == (5, 3)


def test_no_classifier_is_none():
    assert classification.get(None, 2) == (None, 0)


@pytest.mark.parametrize("classifier", [1, keras.layers.Dense(1), keras.layers.Reshape((2, 1))])
def test_what_tells_nothing_apart_is_refused(classifier):
    with pytest.raises(ValueError, match=r"logits \(batch, classes\), of two classes or more"):
        classification.get(classifier, 2)
