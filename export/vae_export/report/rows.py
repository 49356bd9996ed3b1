"""Rows that training never saw, what the model makes of them, and what it makes up."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vae_export.evidence import Evidence
from vae_export.graphs import Array

from .curves import thinned

MOST = 800  # rows of a kind in a picture


@dataclass(frozen=True)
class Rows:
    """Some rows and Keras's answers.

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
    """Of calibration and test, those that are no anomalies."""
    source = known.source
    y = np.concatenate([np.zeros(len(known.calibration), bool), source.test["y"]])
    return _rows(known, np.flatnonzero(~y))


def anomalies(known: Evidence) -> Rows:
    """Of test; none where there are no labels."""
    return _rows(known, len(known.calibration) + np.flatnonzero(known.source.test["y"]))


def samples(vae: Any, count: int) -> Array:
    """(count, *input_shape): the decoder's answers to draws from the prior, in the data's units."""
    z = np.random.default_rng(0).standard_normal((count, vae.latent_dim), np.float32)
    return np.asarray(vae.decode(z))


def _rows(known: Evidence, numbers: Array) -> Rows:
    """Of the unseen rows, at most `MOST` of those with these numbers."""
    chosen = numbers[thinned(len(numbers), MOST)]
    source, x = known.source, known.unseen[chosen]
    labels = None
    if "labels" in source.calibration and "labels" in source.test:
        labels = np.concatenate([source.calibration["labels"], source.test["labels"]])[chosen]
    z_mean = np.zeros((0, source.vae.latent_dim), np.float32)
    x_mean = np.zeros((0, *x.shape[1:]), np.float32)
    if len(x):
        z_mean = np.asarray(source.vae.encode(x)[0])
        x_mean = np.asarray(source.vae.decode(z_mean))
    score = np.concatenate([known.calibration, known.test])[chosen]
    return Rows(x, x_mean, z_mean, score, labels)
