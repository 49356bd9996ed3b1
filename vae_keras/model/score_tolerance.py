"""Tolerance within which the scores of one row in different batches count as tied.

Matrix kernels add in an order that depends on the batch, so that a score is known up to a share of
the terms that it is the sum of: that is at times much more than a share of itself, because terms of
either sign cancel. Scores that close count as tied.
"""

from typing import Any

import numpy as np

from vae_keras._base.arrays import Array, Arrays
from vae_runtime.verdicts.calibration import SCORE_RTOL

from .scoring import BATCH

USUAL_SHARE = 0.9  # of rows: of a wild one's terms, nearly all are its score


def rounding(score: Array, size: Array) -> float:
    """Nats, beyond `SCORE_RTOL` of a score itself, within which scores of normal rows are tied.

    Args:
        score: (rows,), of normal rows.
        size: (rows,), see `sizes`.
    """
    return SCORE_RTOL * float(np.maximum(size - np.abs(score), 0.0)[usual(score)].max())


def usual(score: Array) -> Array:
    """Mask of all rows but the tenth with the highest scores: bool (rows,)."""
    return np.asarray(score <= np.quantile(score, USUAL_SHARE))


def sizes(vae: Any, x: Array, terms: Arrays) -> Arrays:
    """Sums of the absolute values of the terms of each row's scores, in nats: (rows,) each.

    Args:
        vae: the model.
        x: (rows, *input_shape), in the data's units.
        terms: what `VAE.score` says of them.
    """
    alone = np.abs(terms["feature_nll"]).reshape(len(x), -1).sum(1) + terms["kl"]
    if vae.mixture is None:
        return {"score": alone}
    blocks = (x[start : start + BATCH] for start in range(0, len(x), BATCH))
    mixture = [np.asarray(vae.mixture.magnitude(vae.preprocessing(rows))) for rows in blocks]
    return {"score": alone + np.concatenate(mixture), "neg_elbo": alone}
