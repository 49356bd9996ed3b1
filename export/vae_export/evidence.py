"""What Keras answers on calibration and test rows: every file is measured against it.

Training never saw these rows. Where calibration is by folds, it saw those of calibration: a file
can be compared with Keras on them as well as on any others, but how good the model is, and which
verdicts it gives, is a matter of the test rows alone.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from vae_keras.evaluate import classify_rows, score_rows
from vae_runtime.calibration import SCORE_RTOL

from .errors import ExportError
from .faults import gross_faults
from .graphs import Array, Arrays, network_feeds
from .source import Source

NOISE_SAMPLES = 3  # more than one, to catch a graph that ignores how many there are


@dataclass(frozen=True)
class Evidence:
    """Keras's answers.

    Args:
        source: the model, its rows and what is said of them.
        feeds: inputs to compare tensors on. `x` are the calibration rows without the tenth that
            scores highest: one wild row among them would have errors on all others be small by
            comparison. `z` are latents of such rows and draws from the prior, `noise`
            a few draws.
        network_feeds: the same as the networks alone take them; `z` are latents of rows only.
        units: for outputs in nats, the least magnitude that an error is a share of, see `_units`.
        calibration, test: (rows,) scores in nats.
        rounding: nats by which a score may depend on its batch beyond `SCORE_RTOL` of itself.
    """

    source: Source
    feeds: Arrays
    network_feeds: Arrays
    units: dict[str, float]
    calibration: Array
    test: Array
    rounding: float

    @property
    def is_crossed(self) -> bool:
        """Whether calibration is by folds: the model has seen the calibration rows."""
        return "cross_score" in self.source.calibration

    def conformal(self, calibration: Array) -> Array:
        """The scores that p-values rank among, from a file's scores of the calibration rows.

        With folds, what another model said of each row when it had not seen it, plus what the file
        adds to Keras's score of the row: rounding, or the loss of lower precision.

        Returns:
            (rows,), nats, in the order of the rows.
        """
        if not self.is_crossed:
            return calibration
        crossed = self.source.calibration["cross_score"].astype(np.float64)
        return np.asarray(crossed + (calibration - self.calibration.astype(np.float64)))

    @cached_property
    def unseen(self) -> Arrays:
        """All rows that training never saw, test last: x, score and, if there are any, labels."""
        parts = [{**self.source.test, "score": self.test}]
        if not self.is_crossed:
            parts.insert(0, {**self.source.calibration, "score": self.calibration})
        shared = [key for key in ("x", "score", "labels") if all(key in part for part in parts)]
        return {key: np.concatenate([part[key] for part in parts]) for key in shared}

    @cached_property
    def faults(self) -> Array:
        """Rows with gross faults that Keras scores above all calibration rows."""
        x = gross_faults(self.source)
        score = score_rows(self.source.vae, x)["score"] if len(x) else np.empty(0)
        return np.asarray(x[score > self.calibration.max()])

    @cached_property
    def probabilities(self) -> Array:
        """(unseen rows, classes), of a model with a classifier."""
        return classify_rows(self.source.vae, self.unseen["x"])


def gather(source: Source) -> Evidence:
    """Asks Keras.

    Raises:
        ExportError: the scores that were kept of the calibration rows are not this model's.
    """
    terms = score_rows(source.vae, source.calibration["x"])
    _check_fresh(source, terms["score"])
    usual = terms["score"] <= np.quantile(terms["score"], 0.9)
    feeds = _feeds(source.vae, source.calibration["x"][usual])
    return Evidence(
        source=source,
        feeds=feeds,
        network_feeds=network_feeds(source.vae, feeds["x"]),
        units=_units(source.vae, feeds["x"], _size(terms)[usual]),
        calibration=terms["score"],
        test=score_rows(source.vae, source.test["x"])["score"],
        rounding=SCORE_RTOL * float(np.maximum(_size(terms) - np.abs(terms["score"]), 0.0).max()),
    )


def _check_fresh(source: Source, score: Array) -> None:
    """A run whose model was trained on, or replaced, must be calibrated anew."""
    if not np.isfinite(score).all():
        raise ExportError(
            "calibration: expected finite scores from the model. Received: "
            f"{np.sum(~np.isfinite(score))} of {len(score)} rows without one. Train it again."
        )
    crossed = source.calibration.get("cross_score")
    if crossed is not None and not (crossed.shape == score.shape and np.isfinite(crossed).all()):
        raise ExportError(
            "calibration: expected a finite cross_score for each row. Received: "
            f"{np.isfinite(crossed).sum()} for {len(score)} rows. Train it again."
        )
    kept = source.calibration.get("score")
    if kept is None or np.allclose(kept, score, rtol=1e-3, atol=1e-3):
        return
    worst = int(np.argmax(np.abs(kept - score)))
    raise ExportError(
        "calibration: expected the scores that this model gives. Received stale ones: row "
        f"{worst} was {kept[worst]:g} nats, and is {score[worst]:g} now. Train the run again."
    )


def _feeds(vae: Any, x: Array) -> Arrays:
    rng, latent_dim = np.random.default_rng(0), vae.latent_dim
    prior = rng.standard_normal((len(x), latent_dim), np.float32)
    posterior = np.asarray(vae.encode(x)[0])
    return {
        "x": x,
        "z": np.stack([posterior, prior], 1).reshape(-1, latent_dim),
        "noise": rng.standard_normal((NOISE_SAMPLES, latent_dim), np.float32),
    }


def _units(vae: Any, x: Array, size: Array) -> dict[str, float]:
    """What float32 can be held to, for outputs in nats: the size of what they are made of.

    A decoder's parameters are right to within a share of the largest of them; what that is in nats
    depends on how steeply nll falls there: a logit of 50 that fits costs nothing, and is not known
    to better than 1e-5. A score is a sum of terms of either sign, and no better than their sizes.
    """
    inputs = vae.preprocessing(tf.constant(x))
    parameters = vae.decoder(vae.encode(x)[0])
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        nll = tf.reduce_sum(vae.likelihood.feature_nll(inputs, parameters))
    slope = float(tf.reduce_max(tf.abs(tape.gradient(nll, parameters))))
    feature_nll = max(slope * float(tf.reduce_max(tf.abs(parameters))), 1.0)
    whole = max(float(size.max()), feature_nll)
    return {"feature_nll": feature_nll, **dict.fromkeys(("score", "nll", "log_px"), whole)}


def _size(terms: Arrays) -> Array:
    """Nats of all terms of each row's score, whatever their sign."""
    absolute = np.abs(terms["feature_nll"]).reshape(len(terms["kl"]), -1)
    return np.asarray(absolute.sum(1) + terms["kl"])
