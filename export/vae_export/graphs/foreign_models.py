"""The source of an export whose models something else trained: checked, and made one VAE."""

from typing import Any

import keras
import numpy as np

from vae_export.models import Models
from vae_keras import VAE, Scaling, likelihoods
from vae_keras.data import fingerprint
from vae_keras.model.check_networks import last_operation
from vae_keras.run import DataCard
from vae_runtime.rows.arrays import as_array
from vae_runtime.verdicts.calibration import check_alpha

from .float32 import in_float32, policies
from .functions import Array, Arrays
from .in_memory import normalize_models
from .source import Source

# Of the rows' spread, that reconstructions may be off by, root mean square. One that knows nothing
# but the mean is off by 1; what is far beyond was given rows in other units than it was trained on.
MOST_OFF_SHARE = 3.0


def of_models(models: Models) -> Source:
    """The model and its rows, checked.

    Raises:
        ValueError: the two models are no VAE, or the rows are not what they take; says what to do.
    """
    models = normalize_models(models)
    vae = _vae(models)
    rows = _rows(models, vae)
    check_alpha(models.alpha, len(rows["calibration"]))
    _check_units(vae, rows["calibration"])
    computes = ", ".join(_policies(models))
    training = rows.get("training", rows["calibration"][:0])
    return Source(
        vae=vae,
        card=_card(models, vae, training),
        likelihood=likelihoods.title_of(vae.likelihood),
        alpha=models.alpha,
        training={"x": training},
        calibration={"x": rows["calibration"]},
        test={"x": rows["test"], "y": _labels(models)},
        versions=models.versions | _policy(computes),
        history={},
        notes=(_note(computes),) if computes else (),
    )


def _policies(models: Models) -> tuple[str, ...]:
    """Float types of both models beside float32."""
    both = (*policies(models.encoder), *policies(models.decoder))
    return tuple(dict.fromkeys(both))


def _policy(computes: str) -> dict[str, str]:
    """Float types as an entry for manifest and report, beside the tools' versions."""
    return {"dtype policy": f"{computes}, exported in float32"} if computes else {}


def _note(computes: str) -> str:
    return f"the models compute in {computes}: exported in float32, which is the reference"


def _vae(models: Models) -> VAE:
    if not isinstance(models.preprocessing, (Scaling, type(None))):
        raise ValueError(
            "expected a vae_keras.Scaling as preprocessing, which devices can state and undo. "
            f"Received: {type(models.preprocessing).__name__}. Put other layers in the encoder."
        )
    encoder = in_float32("encoder", models.encoder)
    decoder = in_float32("decoder", models.decoder)
    likelihood = likelihoods.standard(models.likelihood)
    if likelihoods.applied_by(likelihood) == "sigmoid":
        decoder = _without_sigmoid(decoder)
    return VAE(encoder, decoder, likelihood=likelihood, preprocessing=models.preprocessing)


def _without_sigmoid(decoder: Any) -> Any:
    """Decoder that gives logits; unchanged where it gives them already."""
    last = last_operation(decoder) if isinstance(decoder, keras.Model) else None
    is_model = isinstance(last, keras.Model)
    activation = getattr(last, "activation", None)
    if not is_model and activation is not keras.activations.sigmoid:
        return decoder

    def replaced(layer: Any) -> Any:
        if layer is not last:
            return layer
        return _without_sigmoid(layer) if is_model else _linear(layer)

    return keras.models.clone_model(decoder, clone_function=replaced)


def _linear(layer: Any) -> Any:
    """Copy of a layer with the same weights and no activation."""
    copy = type(layer).from_config({**layer.get_config(), "activation": "linear"})
    copy.build_from_config(layer.get_build_config())
    copy.set_weights(layer.get_weights())
    return copy


def _rows(models: Models, vae: VAE) -> Arrays:
    """Rows of each role that is given; columns with names are taken by name.

    All are uint8 where those for calibration are, else float32.
    """
    given = {"calibration": models.calibration, "test": models.test, "training": models.training}
    names, shape = models.feature_names, tuple(vae.encoder.input_shape[1:])
    rows = {r: as_array(x, names, r) for r, x in given.items() if x is not None}
    dtype = np.uint8 if rows["calibration"].dtype == np.uint8 else np.float32
    return {r: _checked(r, np.asarray(x, dtype), shape) for r, x in rows.items()}


def _checked(role: str, x: Array, shape: tuple[int, ...]) -> Array:
    if x.shape[1:] != shape or not len(x):
        raise ValueError(
            f"{role}: expected rows of the shape that the encoder takes, (rows, "
            f"{', '.join(map(str, shape))}). Received: {x.shape}."
        )
    bad = np.flatnonzero(~np.isfinite(x).reshape(len(x), -1).all(1))
    if len(bad):
        raise ValueError(
            f"{role}: expected finite numbers. Received: {len(bad)} of {len(x)} rows with NaN or "
            f"infinity, the first of them row {bad[0]}. Leave such rows out."
        )
    return x


def _labels(models: Models) -> Array:
    """Bool (rows of test,), True for anomalies."""
    rows = len(models.test)
    y = np.zeros(rows, bool) if models.test_y is None else np.asarray(models.test_y)
    if y.shape != (rows,) or not np.isin(y, (0, 1)).all():
        raise ValueError(
            f"test_y: expected 0 or 1 for each of {rows} test rows, 1 for anomalies. Received: "
            f"shape {y.shape}, values {np.unique(y)[:5].tolist()}."
        )
    return y.astype(bool)


def _check_units(vae: VAE, x: Array) -> None:
    """Checks that normal rows are within the likelihood's limits, and near the decoder's output."""
    inside = np.asarray(vae.preprocessing(x))
    low, high = vae.likelihood.support or (-np.inf, np.inf)
    if inside.min() < low or inside.max() > high:
        raise ValueError(
            f"calibration: expected values within {low:g} and {high:g} after pre-processing, where "
            f"the likelihood is defined. Received: {inside.min():g} to {inside.max():g}. Name what "
            "maps them there, such as preprocessing=Scaling(0, 255) for bytes."
        )
    some = x[np.linspace(0, len(x) - 1, min(len(x), 256)).astype(int)]
    parameters = np.asarray(vae.decoder(vae.encode(some)[0]))
    logits = likelihoods.applied_by(vae.likelihood) == "sigmoid"
    if logits and 0 <= parameters.min() and parameters.max() <= 1:
        raise ValueError(
            "expected a decoder that gives logits, as the "
            f"{type(vae.likelihood).__name__} likelihood applies the sigmoid itself. Received: "
            f"{parameters.min():g} to {parameters.max():g} on the calibration rows: "
            "probabilities? Leave its last activation away."
        )
    inside = np.asarray(vae.preprocessing(some))
    spread = _size(inside - inside.mean(axis=0))
    error = _size(inside - np.asarray(vae.likelihood.mean(parameters)))
    if error > MOST_OFF_SHARE * spread > 0:
        raise ValueError(
            f"calibration: expected reconstructions nearer to the rows. Received: off by {error:g} "
            f"where rows vary by {spread:g}. Are they in other units than the model was trained "
            "on? preprocessing=Scaling(mean, deviation) would map them there."
        )


def _size(x: Array) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


def _card(models: Models, vae: VAE, training: Array) -> DataCard:
    return DataCard(
        name=models.name,
        input_shape=tuple(vae.encoder.input_shape[1:]),
        input_dtype=str(training.dtype),
        feature_names=models.feature_names and tuple(models.feature_names),
        value_range=_value_range(vae),
        one_hot=(),
        rows={"train": len(training)},
        fingerprint=fingerprint(training) if len(training) else "",
        license=models.license,
        stride=models.stride,
    )


def _value_range(vae: VAE) -> tuple[float, float] | None:
    """Lowest and highest value the likelihood allows, in the data's units; None without limits."""
    if vae.likelihood.support is None:
        return None
    low, high = (vae.preprocessing.inverse(np.float32(end)) for end in vae.likelihood.support)
    return float(np.min(low)), float(np.max(high))
