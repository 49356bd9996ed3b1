"""Training step and test step for each of Keras's backends.

Both call `vae.objective(x, training, y)`, a dict of scalars with `loss`; they differ in who holds
the weights. TensorFlow changes them in place; JAX is given them and returns new ones.
"""

from typing import Any

import keras

from vae_keras._base import replicas
from vae_keras._base.arrays import Array, Tensor

Losses = dict[str, Tensor]


def train_step(vae: Any, *arguments: Any) -> Any:
    """Runs one training step, in the form that the backend's trainer calls."""
    return _backend("train_step")(vae, *arguments)


def test_step(vae: Any, *arguments: Any) -> Any:
    """Computes the losses of a batch without training, in the form that the trainer calls."""
    return _backend("test_step")(vae, *arguments)


def _backend(step: str) -> Any:
    name = keras.backend.backend()
    steps = {
        ("tensorflow", "train_step"): _tensorflow_train_step,
        ("tensorflow", "test_step"): _tensorflow_test_step,
        ("jax", "train_step"): _jax_train_step,
        ("jax", "test_step"): _jax_test_step,
    }
    if (name, step) not in steps:
        raise ValueError(f"expected a backend of tensorflow or jax. Received: {name}.")
    return steps[name, step]


def _tensorflow_train_step(vae: Any, data: Any) -> Losses:
    import tensorflow as tf

    x, y = _rows(vae, data)
    with tf.GradientTape() as tape:
        losses = vae.objective(x, training=True, y=y)
        loss = vae.optimizer.scale_loss(losses["loss"] + sum(vae.losses)) / replicas.count()
    weights = vae.trainable_variables
    gradients = tape.gradient(loss, [w.value for w in weights])
    vae.optimizer.apply(replicas.sum_before_clipping(gradients, vae.optimizer), weights)
    return vae.track(losses, x)


def _tensorflow_test_step(vae: Any, data: Any) -> Losses:
    x, y = _rows(vae, data)
    return vae.track(vae.objective(x, training=False, y=y), x)


def _jax_train_step(vae: Any, state: Any, data: Any) -> Any:
    import jax

    x, y = _rows(vae, data)
    trainable, non_trainable, optimizer, metrics = state

    def loss(trainable: Any) -> Any:
        losses, non_trainable_after, penalty = _jax_objective(
            vae, (x, y), trainable, non_trainable, optimizer, training=True
        )
        return vae.optimizer.scale_loss(losses["loss"] + penalty), (losses, non_trainable_after)

    gradient = jax.value_and_grad(loss, has_aux=True)
    (_, (losses, non_trainable)), gradients = gradient(trainable)
    trainable, optimizer = vae.optimizer.stateless_apply(optimizer, gradients, trainable)
    logs, metrics = _jax_track(vae, losses, x, metrics)
    return logs, (trainable, non_trainable, optimizer, metrics)


def _jax_test_step(vae: Any, state: Any, data: Any) -> Any:
    x, y = _rows(vae, data)
    trainable, non_trainable, metrics = state
    losses, non_trainable, _ = _jax_objective(
        vae, (x, y), trainable, non_trainable, (), training=False
    )
    logs, metrics = _jax_track(vae, losses, x, metrics)
    return logs, (trainable, non_trainable, metrics)


def _jax_objective(
    vae: Any, rows: Any, trainable: Any, non_trainable: Any, optimizer: Any, *, training: bool
) -> Any:
    """Computes `objective` as a pure function: losses, updated variables, penalties."""
    pairs = [
        *zip(vae.trainable_variables, trainable, strict=True),
        *zip(vae.non_trainable_variables, non_trainable, strict=True),
        *(zip(vae.optimizer.variables, optimizer, strict=True) if training else ()),
    ]
    with keras.StatelessScope(state_mapping=pairs, collect_losses=True) as scope:
        losses = vae.objective(rows[0], training=training, y=rows[1])
        penalty = sum(vae.losses)
    after = [scope.get_current_value(v) for v in vae.non_trainable_variables]
    return losses, after, penalty


def _jax_track(vae: Any, losses: Losses, x: Array, metrics: Any) -> tuple[Losses, Any]:
    pairs = zip(vae.metrics_variables, metrics, strict=True)
    with keras.StatelessScope(state_mapping=pairs) as scope:
        logs = vae.track(losses, x)
    return logs, [scope.get_current_value(v) for v in vae.metrics_variables]


def _rows(vae: Any, data: Any) -> tuple[Array, Array | None]:
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    if sample_weight is not None or (y is not None and vae.classifier is None):
        raise ValueError(
            "expected x alone, as in fit(x), or x and labels of a VAE with a classifier. "
            "Received: targets or sample weights too."
        )
    return x, y
