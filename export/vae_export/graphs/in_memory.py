"""Normal form of a user's `Models`: data sets as arrays, models with known shapes."""

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from vae_export.errors import reason
from vae_export.models import Models
from vae_keras.model.check_networks import check_encoder
from vae_runtime.rows.arrays import as_array

POSTERIOR = ("z_mean", "z_log_var")
INPUT_NAMES = {"encoder": "the rows of calibration", "decoder": "latents z"}


def normalize_models(models: Models) -> Models:
    """Converts `Models` to arrays and to models whose inputs and outputs have shapes."""
    test, test_y = _rows_and_labels(models)
    models = dataclasses.replace(
        models,
        calibration=_rows("calibration", models.calibration),
        test=test,
        test_y=test_y,
        training=_rows("training", models.training),
    )
    x = as_array(models.calibration, models.feature_names, "calibration")
    encoder = _posterior(_wrapped("encoder", models.encoder, np.shape(x)[1:]))
    check_encoder(encoder)
    decoder = _wrapped("decoder", models.decoder, encoder.output_shape[0][1:])
    return dataclasses.replace(models, encoder=encoder, decoder=decoder)


def _rows(role: str, given: Any) -> Any:
    return _read(role, given)[0] if isinstance(given, tf.data.Dataset) else given


def _rows_and_labels(models: Models) -> tuple[Any, Any]:
    if not isinstance(models.test, tf.data.Dataset):
        return models.test, models.test_y
    x, y = _read("test", models.test)
    return x, y if models.test_y is None else models.test_y


def _read(role: str, given: Any) -> tuple[Any, Any]:
    """Reads all x of a tf.data.Dataset, and y if there are any, in one pass, as it may shuffle."""
    spec = given.element_spec
    parts = spec if isinstance(spec, tuple) else (spec,)
    if len(parts) not in (1, 2) or not all(isinstance(part, tf.TensorSpec) for part in parts):
        raise ValueError(
            f"{role}: expected a tf.data.Dataset of batches x or (x, y). Received: {spec}. Map it "
            "to these: dataset.map(lambda row: row['x'])."
        )
    if given.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            f"{role}: expected a tf.data.Dataset that ends. Received: one that repeats for ever. "
            "Leave repeat() away."
        )
    batches = [batch if isinstance(batch, tuple) else (batch,) for batch in given]
    if not batches or not np.ndim(batches[0][0]):
        raise ValueError(f"{role}: expected batches of rows. Received: {len(batches)} of {spec}.")
    x, *y = (
        np.concatenate([np.asarray(each) for each in part]) for part in zip(*batches, strict=True)
    )
    return x, y[0] if y else None


def _wrapped(role: str, model: Any, row: tuple[int | None, ...]) -> Any:
    """Wraps a subclassed model, which does not know its shapes, in a functional one."""
    if not isinstance(model, keras.Model) or hasattr(model, "output") or None in row:
        return model
    if not model.built:
        raise ValueError(
            f"expected as {role} a model that was trained. Received: {type(model).__name__}, which "
            "has no weights yet: it was never called. Load them after a call on some rows."
        )
    inputs = keras.Input(row, dtype="float32")
    try:
        return keras.Model(inputs, model(inputs), name=model.name)
    except Exception as error:  # whatever the code of a model raises
        raise ValueError(
            f"expected as {role} a model that takes {INPUT_NAMES[role]}, of shape {inputs.shape}. "
            f"Received: {type(model).__name__}, which fails on them ({reason(error)}). "
            "Give it what it was trained on, in the same shape."
        ) from error


def _posterior(encoder: Any) -> Any:
    """Cuts an encoder that goes on to draw z, to its outputs z_mean and z_log_var."""
    outputs = getattr(encoder, "output", None)
    if isinstance(outputs, dict) and set(POSTERIOR) <= outputs.keys():
        outputs = [outputs[name] for name in POSTERIOR]
    elif not isinstance(outputs, (list, tuple)) or len(outputs) != len(POSTERIOR) + 1:
        return encoder
    return keras.Model(encoder.input, list(outputs[:2]), name=encoder.name)
