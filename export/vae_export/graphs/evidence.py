"""Evidence: Keras's answers on calibration and test rows, which every file is compared with.

Training never saw these rows. Where calibration is by folds, it saw those of calibration: a file
can be compared with Keras on them as well as on any others, but how good the model is, and which
verdicts it gives, is a matter of the test rows alone.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from vae_export.errors import ExportError
from vae_keras.alike_rows import alike_share, independent_share
from vae_keras.evaluate import calibration_scores, classify_rows, score_rows
from vae_keras.model.score_tolerance import rounding, usual
from vae_keras.model.score_tolerance import sizes as sizes_of
from vae_runtime.verdicts.scorer import total

from .error_scales import error_scales_of
from .faults import gross_faults
from .float_graphs import answered_feeds
from .functions import Array, Arrays, Graph, answers, network_feeds
from .source import Source

NOISE_SAMPLES = 3  # more than one, to catch a graph that ignores how many there are


@dataclass(frozen=True)
class Reference:
    """Keras's answers by one of the model's scores, all in nats.

    Args:
        calibration, test: (rows,).
        rounding: what a score may depend on its batch by beyond `SCORE_RTOL` of itself, as usual
            rows tell: of a wild one's, nearly all is its own score.
        crossed: (calibration rows,), with folds what another model said of each row when it had not
            seen it; None where these rows were held back.
        faults: rows with gross faults that Keras scores above all calibration rows.
    """

    calibration: Array
    test: Array
    rounding: float
    crossed: Array | None = None
    faults: Array = field(default_factory=lambda: np.empty(0, np.float32))

    def conformal(self, calibration: Array) -> Array:
        """Scores that p-values rank among, from a file's scores of the calibration rows.

        With folds, what another model said of each row when it had not seen it, plus what the file
        adds to Keras's score of the row: rounding, or the loss of lower precision.

        Returns:
            (rows,), nats, in the order of the rows.
        """
        if self.crossed is None:
            return calibration
        keras = self.calibration.astype(np.float64)
        return np.asarray(self.crossed.astype(np.float64) + (calibration - keras))


@dataclass(frozen=True)
class Evidence:
    """Keras's answers on all rows that files are compared on.

    Args:
        source: the model, its rows and their description.
        feeds: inputs to compare tensors on. `x` are the calibration rows without the tenth that
            scores highest: one wild row among them would have errors on all others be small by
            comparison. `z` are latents of such rows and draws from the prior, `noise`
            a few draws. `u`, `z_mean`, `z_log_var` and `parameters` are what is made of `x`.
        network_feeds: the same as the networks alone take them; `z` are latents of rows only.
        error_scales: for outputs in nats, the least magnitude that an error is a share of, see
            `error_scales_of`.
        references: by name the scores that verdicts can be given by: `score` and, where there is a
            mixture, `neg_elbo` without it.
        drawn: inputs of the bundle's probe where its rows are drawn from the model: a device
            compares tensors on these.
    """

    source: Source
    feeds: Arrays
    network_feeds: Arrays
    error_scales: dict[str, float]
    references: Mapping[str, Reference]
    drawn: Arrays = field(default_factory=dict)
    _answered: dict[Any, Arrays] = field(default_factory=dict, init=False, repr=False)

    @property
    def calibration(self) -> Array:
        """Keras's scores of the calibration rows, all terms together: (rows,), nats."""
        return self.references["score"].calibration

    @property
    def test(self) -> Array:
        """Keras's scores of the test rows, all terms together: (rows,), nats."""
        return self.references["score"].test

    @property
    def is_crossed(self) -> bool:
        """True where calibration is by folds, so that the model has seen the calibration rows."""
        return "cross_score" in self.source.calibration

    def answers(self, graph: Graph, feeds: Arrays) -> Arrays:
        """Asks Keras, once for all files of a graph.

        Args:
            graph: which is asked.
            feeds: its inputs, by name.
        """
        key = (graph.function, *((name, *_identity(value)) for name, value in feeds.items()))
        if key not in self._answered:
            self._answered[key] = answers(graph, feeds)
        return self._answered[key]

    @cached_property
    def network_drawn(self) -> Arrays:
        """Drawn inputs in the networks' own form; empty where there are none."""
        return network_feeds(self.source.vae, self.drawn["x"]) if self.drawn else {}

    @cached_property
    def independent(self) -> float:
        """Share of the test rows that are independent, see `independent_share`."""
        windows = self.source.card.stride is not None
        return independent_share(self.source.test["x"], windows=windows)

    @cached_property
    def alike(self) -> float:
        """Share of the normal test rows that count, see `alike_share`."""
        source = self.source
        known = calibration_scores({"score": self.calibration, **source.calibration})
        return alike_share(known, source.calibration, source.test, source.alpha)

    @cached_property
    def unseen(self) -> Arrays:
        """Rows that training never saw, test last: x, score and, if there are any, labels."""
        parts = [{**self.source.test, "score": self.test}]
        if not self.is_crossed:
            parts.insert(0, {**self.source.calibration, "score": self.calibration})
        shared = [key for key in ("x", "score", "labels") if all(key in part for part in parts)]
        return {key: np.concatenate([part[key] for part in parts]) for key in shared}

    @cached_property
    def probabilities(self) -> Array:
        """Class probabilities of the unseen rows: (rows, classes)."""
        return classify_rows(self.source.vae, self.unseen["x"])


def gather(source: Source) -> Evidence:
    """Computes Keras's answers on a source's rows.

    Raises:
        ExportError: the scores that were kept of the calibration rows are not this model's.
    """
    vae, x = source.vae, source.calibration["x"]
    terms = score_rows(vae, x)
    _check_fresh(source, terms["score"])
    sizes = sizes_of(vae, x, terms)
    tame = usual(terms["score"])
    feeds = feeds_of(vae, x[tame])
    return Evidence(
        source=source,
        feeds=feeds,
        network_feeds=network_feeds(vae, feeds["x"]),
        error_scales=error_scales_of(
            vae, feeds["x"], {name: size[tame] for name, size in sizes.items()}
        ),
        references=_references(source, terms, sizes),
    )


def _references(source: Source, terms: Arrays, sizes: Arrays) -> dict[str, Reference]:
    """Keras's answers by each score, from the terms of the calibration rows."""
    vae, x = source.vae, gross_faults(source)
    test = score_rows(vae, source.test["x"])
    faulty = score_rows(vae, x) if len(x) else dict.fromkeys(terms, np.empty(0))
    made = {}
    for name, size in sizes.items():
        score = total(terms, name)
        made[name] = Reference(
            calibration=score,
            test=total(test, name),
            rounding=rounding(score, size),
            crossed=source.calibration.get(f"cross_{name}"),
            faults=x[total(faulty, name) > score.max()],
        )
    return made


def _check_fresh(source: Source, score: Array) -> None:
    """Raises ExportError where the model was changed after its calibration."""
    if not np.isfinite(score).all():
        raise ExportError(
            "calibration: expected finite scores from the model. Received: "
            f"{np.sum(~np.isfinite(score))} of {len(score)} rows without one. Train it again."
        )
    for name in ("cross_score", "cross_neg_elbo"):
        crossed = source.calibration.get(name, score)
        if crossed.shape != score.shape or not np.isfinite(crossed).all():
            raise ExportError(
                f"calibration: expected a finite {name} for each row. Received: "
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


def _identity(value: Array) -> tuple[Any, ...]:
    """Shape and digest of an array: real and drawn rows come in batches of one size."""
    return value.shape, hashlib.sha256(value.tobytes()).digest()


def feeds_of(vae: Any, x: Array) -> Arrays:
    """Inputs on which tensors are compared, made from these rows: see `Evidence`."""
    rng, latent_dim = np.random.default_rng(0), vae.latent_dim
    prior = rng.standard_normal((len(x), latent_dim), np.float32)
    answered = answered_feeds(vae, x)
    return {
        "x": x,
        **answered,
        "z": np.stack([answered["z_mean"], prior], 1).reshape(-1, latent_dim),
        "noise": rng.standard_normal((NOISE_SAMPLES, latent_dim), np.float32),
    }
