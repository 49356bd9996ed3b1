"""Scorer of a bundle, by its graphs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_runtime.backends.chunks import Feeds
from vae_runtime.backends.graphs import Graphs
from vae_runtime.bundle.manifest import SCORES
from vae_runtime.rows import latents

from .alarms import AboveThreshold, Alarm

TERMS = {"score": ("score",), "neg_elbo": ("nll", "kl")}  # outputs that each score is the sum of


class Scorer:
    """Scores rows, each for itself.

    Args:
        graphs: of the bundle.
        score: one of `SCORES`.
    """

    def __init__(self, graphs: Graphs, score: str) -> None:
        if score not in SCORES:
            raise ValueError(f"expected a score of {', '.join(SCORES)}. Received: {score!r:.60}.")
        self._terms, self._graphs = TERMS[score], graphs

    def score(self, x: ArrayLike, shared: Feeds | None = None) -> NDArray[np.float32]:
        """Scores of rows, in nats: float32 (batch,); `shared` are inputs that all rows have."""
        return _sum(self._graphs.ask("scorer", self._terms, x, shared))

    def drawn(
        self,
        x: ArrayLike,
        samples: int | None,
        *,
        seed: int | None,
        latent_dim: int,
        alarm: Alarm,
    ) -> NDArray[np.float32]:
        """Scores with an nll averaged over draws, for which there is no calibration.

        Raises:
            ValueError: `samples` is missing or invalid, or the alarm asks for a calibration.
        """
        if samples is None:
            raise ValueError(
                "expected samples with a seed, which is of their draws. Received: a seed alone; "
                "the score at the posterior mean draws nothing."
            )
        if not isinstance(alarm, AboveThreshold):
            raise ValueError(
                "expected a threshold (nats) with samples. Received: none; the bundle is "
                "calibrated for the score without draws, which is lower. Take a high quantile of "
                "such scores of normal rows."
            )
        return self.score(x, {"noise": latents.noise(samples, latent_dim, seed)})


def each_score(
    graphs: Graphs, scores: Sequence[str], x: ArrayLike
) -> dict[str, NDArray[np.float32]]:
    """Scores by several of `SCORES`, by name, from one pass over the rows: float32 (batch,)."""
    terms = tuple(dict.fromkeys(term for score in scores for term in TERMS[score]))
    answers = dict(zip(terms, graphs.ask("scorer", terms, x), strict=True))
    return {score: total(answers, score) for score in scores}


def total(answers: Mapping[str, NDArray[Any]], score: str) -> NDArray[Any]:
    """Score by one of `SCORES`, from a scorer's outputs by name: (batch,)."""
    return _sum([answers[term] for term in TERMS[score]])


def _sum(terms: Sequence[NDArray[Any]]) -> NDArray[Any]:
    first, *others = terms
    for term in others:
        first = first + term
    return first
