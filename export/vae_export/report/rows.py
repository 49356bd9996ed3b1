"""Rows for the report's pictures: unseen rows with their reconstructions, and samples."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vae_export.graphs.evidence import Evidence
from vae_export.graphs.functions import Array
from vae_keras.pages.curves import evenly_spaced

MOST_ROWS = 800  # rows of a kind in a picture


@dataclass(frozen=True)
class Rows:
    """Rows with Keras's answers.

    Args:
        x, x_mean: (rows, *input_shape) observed and reconstructed, in the data's units.
        z_mean: (rows, latent_dim).
        score: (rows,) nats.
        labels: (rows,) numbers of classes, -1 if unknown; None where there are no classes.
    """

    x: Array
    x_mean: Array
    z_mean: Array
    score: Array
    labels: Array | None


def normal_rows(known: Evidence) -> Rows:
    """Normal rows among those that training never saw."""
    normal = np.ones(len(known.unseen["x"]), bool)
    normal[_first_test_row(known) :] = ~known.source.test["y"]
    return _rows(known, np.flatnonzero(normal))


def anomalies(known: Evidence) -> Rows:
    """Anomalies of the test rows; none where there are no labels."""
    return _rows(known, _first_test_row(known) + np.flatnonzero(known.source.test["y"]))


def samples(vae: Any, count: int) -> Array:
    """Samples that the decoder makes from the prior: (count, *input_shape), in the data's units."""
    z = np.random.default_rng(0).standard_normal((count, vae.latent_dim), np.float32)
    return np.asarray(vae.decode(z))


def _rows(known: Evidence, numbers: Array) -> Rows:
    """Rows with these numbers among the unseen rows, at most `MOST_ROWS` of them."""
    chosen = numbers[evenly_spaced(len(numbers), MOST_ROWS)]
    source, x = known.source, known.unseen["x"][chosen]
    labels = known.unseen["labels"][chosen] if "labels" in known.unseen else None
    z_mean = np.zeros((0, source.vae.latent_dim), np.float32)
    x_mean = np.zeros((0, *x.shape[1:]), np.float32)
    if len(x):
        z_mean = np.asarray(source.vae.encode(x)[0])
        x_mean = np.asarray(source.vae.decode(z_mean))
    return Rows(x, x_mean, z_mean, known.unseen["score"][chosen], labels)


def _first_test_row(known: Evidence) -> int:
    """Number of the first test row among the unseen rows."""
    return len(known.unseen["x"]) - len(known.test)
