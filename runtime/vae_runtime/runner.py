"""The runner: a bundle's graphs as plain functions of numpy arrays.

Everything a model knows (pre-processing, likelihood, weights) is inside the graphs; this module
only feeds them, draws noise from a seeded numpy generator, and turns scores into verdicts.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_runtime.backends.graphs import Graphs
from vae_runtime.explain.attribution import Attribution
from vae_runtime.rows.arrays import RowCheck
from vae_runtime.verdicts.alarms import Verdicts
from vae_runtime.verdicts.machines import Fleet, MachineVerdicts
from vae_runtime.verdicts.scorer import Scorer

from .backends import DEFAULT, Backend, backend_of, bench, selftest
from .bundle import Bundle, open_bundle
from .errors import BundleError
from .explain import features
from .rows import latents


class Scores(NamedTuple):
    """Verdicts on rows; each field has shape (batch,).

    `score` is in nats, float32, higher is more anomalous, see `Manifest.score`; `p_value` is
    float64, small is more anomalous; `is_anomaly` is bool.

    >>> score, p_value, is_anomaly = runner.score(x)
    >>> is_anomaly.tolist()
    [False, False, False, False, False, False, True, True]
    """

    score: NDArray[np.float32]
    p_value: NDArray[np.float64]
    is_anomaly: NDArray[np.bool_]


class Runner:
    """Scores, explains, classifies, encodes, decodes, reconstructs and samples.

    Safe to share between threads.

    >>> runner = Runner.load("artifacts/sensors")
    >>> runner.score(x).is_anomaly.tolist()
    [False, False, False, False, False, False, True, True]
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        precision: str = "fp32",
        backend: str | Backend = DEFAULT,
        machine: str | None = None,
        score: str = "score",
        missing_values: str = "refuse",
    ) -> None:
        self.manifest, self.precision, self.machine = bundle.manifest, precision, machine
        self._bundle = bundle
        self._check = RowCheck(bundle.manifest.model)
        self._graphs = Graphs(bundle, backend_of(backend), precision)
        pooled = bundle.manifest.calibration_of(self._graphs.format, precision, score)
        self._verdicts = Verdicts(pooled) if machine is None else MachineVerdicts(pooled, machine)
        self._fleet, self.calibration = Fleet(pooled, machine), self._verdicts.calibration
        self._scorer = Scorer(self._graphs, score)
        self._attribution = Attribution(self.manifest, self._graphs, self._scorer)
        self._missing = None
        if missing_values == "expect":
            from .explain.missing_values import MissingValues  # most never ask for it

            self._missing = MissingValues(self.manifest, self._graphs)
        elif missing_values != "refuse":
            raise ValueError(
                f"expected missing_values of refuse or expect. Received: {missing_values!r:.60}."
            )

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        precision: str = "fp32",
        backend: str | Backend = DEFAULT,
        key: str | Path | None = None,
        machine: str | None = None,
        score: str = "score",
        missing_values: str = "refuse",
    ) -> "Runner":
        """Opens a bundle, after every file in it has been checked against its sha256.

        Args:
            path: the bundle: its directory, or the file that holds all of it (.vaeb).
            precision: "fp32", or another that the bundle has: "int8", "fp16", "dynamic". Its alarm
                level is calibrated on its own scores.
            backend: name of one of `backends.names()`, as it comes, or one with settings:
                `OnnxRuntime("server")`.
            key: the public key (PEM) of whoever must have signed it; signatures are not looked at
                where None.
            machine: the one whose rows will be judged, by its own calibration and no other, where
                the bundle has machines.
            score: "score", all terms that the bundle's score has, or "neg_elbo", nll + kl alone,
                by a calibration of its own. They are the same where there is no mixture.
            missing_values: "refuse" rows with a NaN, or "expect" in its place what the other values
                of the row lead the score's mixture to expect.

        Raises:
            BundleError: it is missing, incomplete, altered, of another format version, has no
                files of that precision, or is not signed with that key.
            ValueError: there is no such backend, machine or score, or the key is no file that holds
                one.

        >>> runner = Runner.load("artifacts/sensors")
        >>> runner.manifest.model.feature_names
        ('temperature', 'vibration', 'pressure', 'flow', 'current', 'speed')
        """
        bundle = open_bundle(path, key=key)
        bundle.verify()
        return cls(
            bundle,
            precision=precision,
            backend=backend,
            machine=machine,
            score=score,
            missing_values=missing_values,
        )

    @property
    def expects_missing(self) -> bool:
        """True where rows may have missing values, NaN.

        >>> runner.expects_missing
        False
        """
        return self._missing is not None

    def score(
        self,
        x: ArrayLike,
        *,
        alpha: float | None = None,
        threshold: float | None = None,
        fdr: float | None = None,
        samples: int | None = None,
        seed: int | None = None,
        machines: ArrayLike | None = None,
    ) -> Scores:
        """Scores rows: the bundle's score at the posterior mean, p-value and verdict of each.

        Args:
            x: (batch, *input_shape), in the data's own units; or a table whose columns have names
                (pandas, Polars, pyarrow, a structured array), which are matched by name.
            alpha: alarm where p_value <= alpha; the bundle's own level where nothing is given.
            threshold: alarm where score > threshold (nats) instead.
            fdr: alarm, among the rows of this call, so that at most this share of the alarms is
                false (Benjamini-Hochberg).
            samples: the nll is the mean over as many draws from the posterior (reconstruction
                probability), which scores higher than the mean that the bundle is calibrated for:
                needs a threshold of your own, and p-values are NaN.
            seed: of the draws, which all rows share: the same seed gives the same scores.
            machines: (batch,), the name of each row's machine, by whose calibration it is judged.
                Where they are left out, a bundle with machines judges by all their scores
                together, which promises alpha on average over the machines.

        Raises:
            ValueError: x does not fit, alpha is finer than the calibration rows resolve, a machine
                is not known, or what is given contradicts itself.

        >>> runner.score(x[6:]).is_anomaly.tolist()
        [True, True]
        >>> runner.score(x[6:], threshold=1e6).is_anomaly.tolist()
        [False, False]
        """
        x = self._whole(x)
        rows = x if machines is None else self._check.as_array(x)
        verdicts = self._verdicts if machines is None else self._fleet.of_rows(machines, rows)
        alarm = verdicts.alarm(alpha, threshold, fdr)
        if samples is None and seed is None:
            score = self._scorer.score(rows)
            p = verdicts.p_values(score)
        else:
            latent_dim = self.manifest.model.latent_dim
            score = self._scorer.drawn(rows, samples, seed=seed, latent_dim=latent_dim, alarm=alarm)
            p = np.full(len(score), np.nan)
        return Scores(score, p, alarm.raised(score, p))

    def explain(self, x: ArrayLike, *, by: str | None = None) -> NDArray[np.float32]:
        """Contribution of each value to its row's score, in nats; of x's own shape.

        Where the score has a mixture, as of tables and windows: by how much it falls when the value
        alone is replaced by what the others lead one to expect, below 0 where it rises; that takes
        a score for each value. (A one-hot group is replaced whole; its nats are where it is 1.)
        Elsewhere, as of images, each value's share of the nll.

        Args:
            x: (batch, *input_shape), in the data's own units.
            by: "nll" for the share of the nll in any case, which is cheap, but can be the larger of
                features that are right where another is wrong.

        >>> nats = runner.explain(x)
        >>> nats.shape, nats.dtype
        ((8, 6), dtype('float32'))
        """
        return self._attribution.of_values(self._whole(x), by)

    def top_features(self, x: ArrayLike, k: int = 3) -> features.TopFeatures:
        """Names of the k features that add most to each row's score, largest first.

        Of a window with named channels, a feature is a channel over all of it, replaced whole.

        >>> runner.top_features(x[6:], 1).names.tolist()
        [['current'], ['current']]
        """
        return features.top(self._attribution.of_features(self._whole(x)), self.manifest.model, k)

    def classify(self, x: ArrayLike) -> NDArray[np.float32]:
        """The probability of each class: float32 (batch, classes), rows that sum to 1.

        `manifest.model.classes` are their names, in this order.

        Raises:
            BundleError: the model was trained without classes.

        >>> best = runner.classify(x).argmax(axis=1)
        >>> [runner.manifest.model.classes[i] for i in best[:6]]
        ['half', 'half', 'idle', 'idle', 'full', 'full']
        """
        if self.manifest.model.classes is None:
            raise BundleError(
                "expected a bundle with a classifier. Received: one of a model without classes. "
                "Train with `vae-keras train --classes COLUMN ...`, and export that run."
            )
        return self._graphs.ask("classifier", ("probabilities",), self._whole(x))[0]

    def encode(
        self, x: ArrayLike, *, draws: int | None = None, seed: int | None = None
    ) -> NDArray[np.float32]:
        """The posterior of each row: its mean, float32 (batch, latent_dim), or draws from it.

        Args:
            x: (batch, *input_shape), in the data's own units.
            draws: as many from each row's posterior: float32 (batch, draws, latent_dim).
            seed: of the draws; all rows share the noise, so that none depends on its neighbours.

        >>> runner.encode(x).shape, runner.encode(x, draws=5, seed=0).shape
        ((8, 3), (8, 5, 3))
        """
        x = self._whole(x)
        if draws is None and seed is None:
            return self._graphs.ask("encoder", ("z_mean",), x)[0]
        noise = latents.noise(draws, self.manifest.model.latent_dim, seed)
        z_mean, z_log_var = self._graphs.ask("encoder", ("z_mean", "z_log_var"), x)
        return latents.draw(z_mean, z_log_var, noise)

    def decode(self, z: ArrayLike) -> NDArray[np.float32]:
        """The mean of x given z, in the data's own units: float32 (batch, *input_shape).

        >>> runner.decode(np.zeros((1, 3))).shape
        (1, 6)
        """
        return self._graphs.ask("decoder", ("x_mean",), z)[0]

    def reconstruct(self, x: ArrayLike) -> NDArray[np.float32]:
        """Reconstructs each row: `decode(encode(x))`.

        >>> residuals = x - runner.reconstruct(x)
        >>> residuals.shape
        (8, 6)
        """
        return self.decode(self.encode(x))

    def expect(self, x: ArrayLike) -> NDArray[np.float32]:
        """Values as the others of their rows lead one to expect them, in the data's own units.

        Where the score has a mixture: each feature as the rest of its row tells it, a channel of a
        window as the other channels do. Elsewhere, as of images, it is the reconstruction.

        Args:
            x: (batch, *input_shape), in the data's own units.

        Returns:
            float32 (batch, *input_shape).

        >>> difference = x - runner.expect(x)
        >>> bool(abs(difference[6, 4]) > abs(difference[0, 4]))  # current of a broken machine
        True
        """
        x = self._whole(x)
        return self._attribution.expected(x) if self._attribution.expects else self.reconstruct(x)

    def sample(self, n: int, *, seed: int | None = None) -> NDArray[np.float32]:
        """Draws n latents from the prior N(0, I) and decodes them.

        The same seed gives the same samples, and the first rows of a longer draw are those of a
        shorter one. Without a seed each call draws anew.

        Returns:
            float32 (n, *input_shape), in the data's own units.

        >>> runner.sample(4, seed=0).shape
        (4, 6)
        """
        z = latents.noise(n, self.manifest.model.latent_dim, seed, most=None)
        return self.decode(z)

    def interpolate(
        self, start: ArrayLike, end: ArrayLike, *, steps: int = 8, method: str = "spherical"
    ) -> NDArray[np.float32]:
        """Decodes points between the latent means of two rows, both ends included.

        Args:
            start, end: one row each, of input_shape.
            steps: from 2.
            method: "spherical", along the arc between them, or "linear".

        Returns:
            float32 (steps, *input_shape), in the data's own units.

        >>> runner.interpolate(x[0], x[1], steps=5).shape
        (5, 6)
        """
        rows, shape = [*map(self._check.as_array, (start, end))], self.manifest.model.input_shape
        if any(row.shape != shape for row in rows):
            raise ValueError(
                f"expected start and end as one row each, of shape {shape}. Received: "
                f"{rows[0].shape} and {rows[1].shape}."
            )
        ends = self.encode(np.stack(rows))
        return self.decode(latents.interpolate(ends[0], ends[1], steps, method))

    def selftest(self) -> selftest.SelftestReport:
        """Replays the bundle's probe rows on this device, and compares its answers with Keras's.

        >>> runner.selftest().passed
        True
        """
        roles = selftest.roles_of(self.manifest, self._graphs.format)
        sessions = {role: self._graphs.session(role) for role in roles}
        return selftest.replay(self._bundle, sessions, precision=self.precision)

    def bench(
        self, sizes: Sequence[int] = bench.SIZES, *, seconds: float = bench.SECONDS
    ) -> bench.BenchReport:
        """Measures latency and memory of `score` on this device; see `bench.measure`.

        >>> report = runner.bench([1, 16], seconds=0.1)
        >>> [timing.rows for timing in report.timings]  # `p50` and more are in microseconds
        [1, 16]
        """
        return bench.measure(self.score, self.probe_rows(), sizes, seconds=seconds)

    def _whole(self, x: ArrayLike) -> ArrayLike:
        """Rows as given, or with expected values in place of missing ones."""
        return x if self._missing is None else self._missing.filled(x)

    def probe_rows(self) -> NDArray[Any]:
        """Real rows that the bundle keeps for its self-test: (rows, *input_shape).

        >>> runner.probe_rows().shape
        (16, 6)
        """
        return selftest.probe_rows(self._bundle)
