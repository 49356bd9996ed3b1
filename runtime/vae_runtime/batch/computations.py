"""Computations on rows: scores, shares of features, classes, latents, rows of latents."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle.manifest import Model
from vae_runtime.explain.features import TopFeatures
from vae_runtime.rows.arrays import ArrayCheck, LatentCheck, RowCheck
from vae_runtime.rows.blocks import Column
from vae_runtime.runner import Runner


class Computation(Protocol):
    """Computation on rows. It consists of plain values, so that it can go to another machine."""

    def check(self, runner: Runner) -> ArrayCheck:
        """Check that good rows pass."""

    def __call__(
        self, runner: Runner, x: NDArray[Any], machines: NDArray[np.str_] | None
    ) -> dict[str, Column]:
        """Columns of results, each (rows, ...).

        `is_anomaly` is among them where rows are judged, `class` where they are classified.
        """

    def __hash__(self) -> int:
        """Equal computations compute the same."""


class OfRows(ABC):
    """Tasks on rows of the data."""

    @abstractmethod
    def __call__(
        self, runner: Runner, x: NDArray[Any], machines: NDArray[np.str_] | None
    ) -> dict[str, Column]:
        """See `Computation`."""

    def check(self, runner: Runner) -> ArrayCheck:
        """See `Computation`."""
        return RowCheck(runner.manifest.model, allow_missing=runner.expects_missing)

    def check_options(self, runner: Runner) -> None:
        """Raises ValueError or BundleError where they do not fit the bundle, of a row it holds."""
        self(runner, runner.probe_rows()[:1], None)


@dataclass(frozen=True)
class Scoring(OfRows):
    """Scores, p-values and verdicts, and what goes with them.

    Args:
        alpha, threshold, samples, seed: see `Runner.score`.
        top: how many features that say most are named beside.
        latents: whether the posterior's mean is given, as `z`.
        reconstruction: whether what the model makes of the row is given, as `x_mean`.
    """

    alpha: float | None = None
    threshold: float | None = None
    samples: int | None = None
    seed: int | None = None
    top: int | None = None
    latents: bool = False
    reconstruction: bool = False

    def __call__(
        self, runner: Runner, x: NDArray[Any], machines: NDArray[np.str_] | None
    ) -> dict[str, Column]:
        """See `Computation`."""
        scores = runner.score(
            x,
            alpha=self.alpha,
            threshold=self.threshold,
            samples=self.samples,
            seed=self.seed,
            machines=machines,
        )
        columns: dict[str, Column] = scores._asdict()
        if self.top is not None:
            columns |= top_columns(runner.top_features(x, self.top))
        if self.latents:
            columns["z"] = runner.encode(x)
        if self.reconstruction:
            columns["x_mean"] = runner.reconstruct(x)
        return columns


@dataclass(frozen=True)
class Explaining(OfRows):
    """Share of each feature in a score, in nats; see `Runner.explain`.

    Args:
        by_name: whether each feature of a table is a column of its name; else, as of rows that are
            no table, `nats` is all of them.
    """

    by_name: bool = False

    def __call__(
        self, runner: Runner, x: NDArray[Any], machines: NDArray[np.str_] | None
    ) -> dict[str, Column]:
        """See `Computation`."""
        nats, names = runner.explain(x), runner.manifest.model.feature_names
        if self.by_name and names is not None and nats.ndim == 2:
            return dict(zip(names, nats.T, strict=True))
        return {"nats": nats}


@dataclass(frozen=True)
class MappingPixels(OfRows):
    """Share of each pixel in a score, in nats, and the rows themselves, for heat maps."""

    def __call__(
        self, runner: Runner, x: NDArray[Any], machines: NDArray[np.str_] | None
    ) -> dict[str, Column]:
        """See `Computation`."""
        return {"nats": runner.explain(x), "x": x}


@dataclass(frozen=True)
class Classifying(OfRows):
    """The likeliest class, its probability, and `p_NAME` of each; see `Runner.classify`."""

    def __call__(
        self, runner: Runner, x: NDArray[Any], machines: NDArray[np.str_] | None
    ) -> dict[str, Column]:
        """See `Computation`."""
        probabilities, names = runner.classify(x), np.array(runner.manifest.model.classes)
        each = {f"p_{name}": p for name, p in zip(names, probabilities.T, strict=True)}
        likeliest = names[probabilities.argmax(axis=1)]
        return {"class": likeliest, "probability": probabilities.max(axis=1), **each}


@dataclass(frozen=True)
class Encoding(OfRows):
    """Latents; see `Runner.encode`."""

    draws: int | None = None
    seed: int | None = None

    def __call__(
        self, runner: Runner, x: NDArray[Any], machines: NDArray[np.str_] | None
    ) -> dict[str, Column]:
        """See `Computation`."""
        return {"z": runner.encode(x, draws=self.draws, seed=self.seed)}


@dataclass(frozen=True)
class Reconstructing(OfRows):
    """Reconstructions of rows by the model; see `Runner.reconstruct`."""

    def __call__(
        self, runner: Runner, x: NDArray[Any], machines: NDArray[np.str_] | None
    ) -> dict[str, Column]:
        """See `Computation`."""
        return {"x_mean": runner.reconstruct(x)}


@dataclass(frozen=True)
class Decoding:
    """The rows that latents stand for."""

    def check(self, runner: Runner) -> ArrayCheck:
        """See `Computation`."""
        return LatentCheck(runner.manifest.model)

    def __call__(
        self, runner: Runner, x: NDArray[Any], machines: NDArray[np.str_] | None
    ) -> dict[str, Column]:
        """See `Computation`."""
        return {"x_mean": runner.decode(x)}


def latents_of(model: Model) -> Model:
    """Model whose rows are latents, a table `z_0`, `z_1`, ..., to read what `Encoding` gives."""
    return replace(
        model,
        input_shape=(model.latent_dim,),
        input_dtype="float32",
        feature_names=tuple(f"z_{i}" for i in range(model.latent_dim)),
        value_range=None,
        one_hot=(),
        stride=None,
    )


def top_columns(top: TopFeatures) -> dict[str, Column]:
    """`top_1`, `nats_1`, `top_2`, ...: names and nats, largest first."""
    columns: dict[str, Column] = {}
    for i, (names, nats) in enumerate(zip(top.names.T, top.nats.T, strict=True), 1):
        columns |= {f"top_{i}": names, f"nats_{i}": nats}
    return columns
