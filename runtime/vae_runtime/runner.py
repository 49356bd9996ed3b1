"""The runner: a bundle's graphs as plain functions of numpy arrays.

Everything a model knows (pre-processing, likelihood, weights) is inside the graphs; this module
only feeds them, draws noise from a seeded numpy generator, and turns scores into verdicts.
"""

import math
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import selftest
from .arrays import check_latents, check_rows
from .bundle import Bundle, open_bundle
from .calibration import check_alpha, p_values
from .errors import BundleError
from .session import Session

# Rows given to onnxruntime at a time: memory stays flat however long x is, and 1,024 rows are
# within the range (1,024 to 4,096) where small networks score fastest.
CHUNK = 1024


class Scores(NamedTuple):
    """Verdicts on rows; each field has shape (batch,).

    `score` is nll + kl in nats, float32, higher is more anomalous; `p_value` is float64, small is
    more anomalous; `is_anomaly` is bool.
    """

    score: NDArray[np.float32]
    p_value: NDArray[np.float64]
    is_anomaly: NDArray[np.bool_]


class Runner:
    """Scores, explains, classifies, encodes, decodes, reconstructs and samples.

    Safe to share between threads.

    >>> runner = Runner.load("artifacts/digits")
    >>> scores = runner.score(x)
    >>> scores.is_anomaly
    """

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        self.manifest = bundle.manifest
        self._bundle = bundle
        self._threads = threads
        self._calibration = bundle.manifest.calibration["fp32"]
        self._calibration_scores = np.array(self._calibration.scores)

    @classmethod
    def load(cls, path: str | Path, *, threads: int = 1) -> "Runner":
        """Opens a bundle after every file in it has been checked against its sha256.

        Args:
            path: the bundle: its directory, or the file that holds all of it (.vaeb).
            threads: threads that one call may use.

        Raises:
            BundleError: it is missing, incomplete, altered, or of another format version.
        """
        bundle = open_bundle(path)
        bundle.verify()
        return cls(bundle, threads=threads)

    def score(
        self, x: ArrayLike, *, alpha: float | None = None, threshold: float | None = None
    ) -> Scores:
        """How anomalous each row is, as the deterministic negative ELBO at the posterior mean.

        Args:
            x: (batch, *input_shape), in the data's own units.
            alpha: alarm where p_value <= alpha; the bundle's own level where not given.
            threshold: alarm where score > threshold (nats) instead.

        Raises:
            ValueError: x does not fit, alpha is finer than the calibration rows resolve, or both
                alpha and threshold are given.
        """
        if alpha is not None and threshold is not None:
            raise ValueError("expected alpha or threshold. Received: both.")
        if threshold is not None and math.isnan(threshold):
            raise ValueError("expected a threshold in nats. Received: NaN.")
        alpha = self._calibration.alpha if alpha is None else alpha
        if threshold is None:
            check_alpha(alpha, len(self._calibration_scores))
        score = self._per_row(self._scorer, "score", check_rows(x, self.manifest.model))
        p_value = p_values(score, self._calibration_scores, self._calibration.rounding)
        # a NaN score is no proof of normality: it alarms, here as in p_values
        is_anomaly = p_value <= alpha if threshold is None else ~(score <= threshold)
        return Scores(score, p_value, is_anomaly)

    def explain(self, x: ArrayLike) -> NDArray[np.float32]:
        """Each feature's share of the nll, in nats: float32 of x's own shape."""
        return self._per_row(self._scorer, "feature_nll", check_rows(x, self.manifest.model))

    def classify(self, x: ArrayLike) -> NDArray[np.float32]:
        """The probability of each class: float32 (batch, classes), rows that sum to 1.

        `manifest.model.classes` are their names, in this order.

        Raises:
            BundleError: the model was trained without classes.
        """
        if self.manifest.model.classes is None:
            raise BundleError(
                "expected a bundle with a classifier. Received: one of a model without classes. "
                "Train with `vae-keras train --classes COLUMN ...`, and export that run."
            )
        return self._per_row(self._classifier, "probabilities", check_rows(x, self.manifest.model))

    def encode(self, x: ArrayLike) -> NDArray[np.float32]:
        """The posterior mean of each row: float32 (batch, latent_dim)."""
        return self._per_row(self._encoder, "z_mean", check_rows(x, self.manifest.model))

    def decode(self, z: ArrayLike) -> NDArray[np.float32]:
        """The mean of x given z, in the data's own units: float32 (batch, *input_shape)."""
        z = check_latents(z, self.manifest.model.latent_dim)
        return self._per_row(self._decoder, "x_mean", z, name="z")

    def reconstruct(self, x: ArrayLike) -> NDArray[np.float32]:
        """What the model makes of each row: `decode(encode(x))`."""
        return self.decode(self.encode(x))

    def sample(self, n: int, *, seed: int | None = None) -> NDArray[np.float32]:
        """Draws n latents from the prior N(0, I) and decodes them.

        The same seed gives the same samples, and the first rows of a longer draw are those of a
        shorter one. Without a seed each call draws anew.

        Returns:
            float32 (n, *input_shape), in the data's own units.
        """
        if n < 1 or (seed is not None and seed < 0):
            raise ValueError(f"expected n from 1 and a seed from 0. Received: n={n}, seed={seed}.")
        shape = (n, self.manifest.model.latent_dim)
        return self.decode(np.random.default_rng(seed).standard_normal(shape, np.float32))

    def selftest(self) -> "selftest.Report":
        """Replays the bundle's probe rows on this device: does it answer as Keras did?"""
        sessions = {"encoder": self._encoder, "decoder": self._decoder, "scorer": self._scorer}
        if self.manifest.model.classes is not None:
            sessions["classifier"] = self._classifier
        return selftest.replay(self._bundle, sessions)

    @cached_property
    def _encoder(self) -> Session:
        return Session(self._bundle, "encoder", threads=self._threads)

    @cached_property
    def _decoder(self) -> Session:
        return Session(self._bundle, "decoder", threads=self._threads)

    @cached_property
    def _scorer(self) -> Session:
        return Session(self._bundle, "scorer", threads=self._threads)

    @cached_property
    def _classifier(self) -> Session:
        return Session(self._bundle, "classifier", threads=self._threads)

    def _per_row(
        self, session: Session, output: str, rows: NDArray[Any], *, name: str = "x"
    ) -> NDArray[np.float32]:
        """One output of a graph for all rows, computed CHUNK rows at a time."""
        chunks = (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))
        return np.concatenate([session.run((output,), {name: chunk})[0] for chunk in chunks])
