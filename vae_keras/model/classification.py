"""Classifier on z_mean that learns from few labels and many unlabelled rows, and its loss terms.

Labels are int (batch,), -1 where the class is not known.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from vae_keras._base.arrays import Tensor
from vae_keras._base.keras_defaults import with_keras_defaults
from vae_keras._base.replicas import batch_mean, batch_normal

from .networks import ACTIVATION

LABELLED_METRICS = ("cross_entropy", "accuracy")  # means over the rows with a label
METRICS = (*LABELLED_METRICS, "consistency")

HIDDEN = 64  # neurons between z_mean and the classes

# Of the noise that a row's class must outlast, in the model's units: standard deviations of a
# column, or shares of an image's range.
NOISE_DEVIATION = 0.4

# Below 1, a prediction is asked to become more certain than it is (Grandvalet & Bengio 2005,
# "Semi-supervised learning by entropy minimization").
TEMPERATURE = 0.5

TINY_SHARE = 1e-9  # of labelled rows, less than in any batch: 0 / TINY_SHARE is 0, not NaN


def get(classifier: Any, latent_dim: int) -> tuple[Any, int]:
    """Makes the classifier; returns it and its number of classes, (None, 0) for None.

    Args:
        classifier: a number of classes for the default head, or a layer.
        latent_dim: of z_mean.

    Raises:
        ValueError: it does not answer a row of z_mean with two logits or more.
    """
    if classifier is None:
        return None, 0
    if isinstance(classifier, int):
        classifier = head(latent_dim, classifier)
    if not classifier.built:
        classifier.build((None, latent_dim))
    shape = classifier.compute_output_shape((None, latent_dim))
    if len(shape) != 2 or shape[-1] < 2:
        raise ValueError(
            "expected a classifier from z_mean to logits (batch, classes), of two classes or more. "
            f"Received: outputs of shape {shape}."
        )
    return classifier, int(shape[-1])


@with_keras_defaults()
def head(latent_dim: int, classes: int, *, activation: str = ACTIVATION) -> keras.Model:
    """Classifier with one hidden layer between z_mean and the logits."""
    z_mean = keras.Input((latent_dim,), name="z_mean")
    h = layers.Dense(HIDDEN, activation)(z_mean)
    return keras.Model(z_mean, layers.Dense(classes, name="logits")(h), name="classifier")


def disturb(x: Tensor, seed: Any) -> Tensor:
    """Adds noise to pre-processed rows, small enough that their classes stay the same."""
    return x + NOISE_DEVIATION * batch_normal(ops.shape(x), seed)


def terms(logits: Tensor, noisy_logits: Tensor, y: Tensor) -> dict[str, Tensor]:
    """Loss terms of a classifier on a batch of labelled and unlabelled rows.

    Args:
        logits, noisy_logits: float32 (batch, classes), of rows as they are and as `disturb`ed.
        y: int (batch,), the rows' classes, -1 where not known.

    Returns:
        Scalars. Over the rows with a label, 0 where there is none: `cross_entropy` in nats and
        `accuracy`; `labelled`, how many they are on this device. Over all rows: `consistency`, the
        cross-entropy in nats from the class that a row has (its label, else the sharpened
        prediction, which is not trained) to that of the same row with noise. So rows without
        labels tell where the borders between classes are not: where there are many of them.
    Source: Laine & Aila 2017, "Temporal ensembling for semi-supervised learning", the pi-model.
    """
    y = ops.reshape(ops.cast(y, "int32"), (-1,))
    label = ops.one_hot(y, logits.shape[-1])  # zeros where y is -1
    known = ops.cast(y >= 0, "float32")
    share = known / ops.maximum(batch_mean(known), TINY_SHARE)
    right = ops.cast(ops.equal(ops.cast(ops.argmax(logits, axis=-1), "int32"), y), "float32")
    sharp = ops.softmax(logits / TEMPERATURE, axis=-1)
    target = ops.stop_gradient(ops.where(known[:, None] > 0, label, sharp))
    return {
        "cross_entropy": batch_mean(share * cross_entropy(label, logits)),
        "accuracy": batch_mean(share * right),
        "consistency": batch_mean(cross_entropy(target, noisy_logits)),
        "labelled": ops.sum(known),
    }


def cross_entropy(target: Tensor, logits: Tensor) -> Tensor:
    """Cross-entropy of each row in nats: target and logits (batch, classes) to (batch,)."""
    return -ops.sum(target * ops.log_softmax(logits, axis=-1), axis=-1)


def check_labels(y: Any, classes: int) -> None:
    """Raises ValueError where labels are not numbers of classes or -1."""
    if y is None or not classes:
        return
    y = np.asarray(y)
    if y.shape not in ((len(y),), (len(y), 1)):
        raise ValueError(
            "expected labels as whole numbers, one a row: (rows,). Received: shape "
            f"{y.shape}. Of one-hot labels, give y.argmax(axis=1)."
        )
    if y.dtype.kind not in "iu" or y.min() < -1 or y.max() >= classes:
        raise ValueError(
            f"expected labels from 0 to {classes - 1}, and -1 where unknown. "
            f"Received: {y.dtype} from {y.min()} to {y.max()}."
        )
