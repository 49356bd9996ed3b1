"""By how much a score may differ where nothing but its batch does.

Matrix kernels add in an order that depends on the batch, so that a score is known up to a share of
the terms that it is the sum of: that is at times much more than a share of itself, because terms of
either sign cancel. Scores that close count as tied.
"""

from typing import Any

import numpy as np

from vae_keras._base.arrays import Array, Arrays
from vae_runtime.verdicts.calibration import SCORE_RTOL

from .scoring import BATCH

USUAL = 0.9  # of rows: of a wild one's terms, nearly all are its score


def rounding(score: Array, size: Array) -> float:
    """Nats, beyond `SCORE_RTOL` of a score itself, within which usual rows' scores are tied.

    Args:
        score: (rows,), of normal rows.
        size: (rows,), see `sizes`.
    """
    return SCORE_RTOL * float(np.maximum(size - np.abs(score), 0.0)[usual(score)].max())


def usual(score: Array) -> Array:
    """Which rows are not of the tenth that scores highest."""
    return np.asarray(score <= np.quantile(score, USUAL))


def sizes(vae: Any, x: Array, terms: Arrays) -> Arrays:
    """Nats of all terms of each row, whatever their sign: (rows,) for each score there is.

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
