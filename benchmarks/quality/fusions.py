"""Other ways to make one score of a model's terms, for the ablation.

Each takes what the model says of its training rows and of test rows, and gives a score for each
test row, higher for anomalies.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors

Array = NDArray[np.float64]
Terms = dict[str, Array]


def neg_elbo(_: Terms, test: Terms) -> Array:
    """The VAE alone: nll + kl."""
    return test["nll"] + test["kl"]


def equal_spread(train: Terms, test: Terms) -> Array:
    """Negative ELBO and mixture, each as a share of its own spread over training rows."""
    elbo, mixture = _spread(neg_elbo(train, train)), _spread(train["mixture_nll"])
    return neg_elbo(train, test) / elbo + test["mixture_nll"] / mixture


def rarer_tail(train: Terms, test: Terms) -> Array:
    """The larger of both, each as the logarithm of how few training rows reach it."""
    elbo = _surprise(neg_elbo(train, train), neg_elbo(train, test))
    return np.maximum(elbo, _surprise(train["mixture_nll"], test["mixture_nll"]))


def feature_errors(train: Terms, test: Terms) -> Array:
    """The sum of each feature's nll in deviations of it over training rows."""
    errors, ours = (each["feature_nll"].reshape(len(each["nll"]), -1) for each in (train, test))
    return np.asarray(((ours - errors.mean(0)) / (errors.std(0) + 1e-6)).sum(1))


def worst_feature(train: Terms, test: Terms) -> Array:
    """The largest nll of a feature, in deviations of it over training rows."""
    errors, ours = (each["feature_nll"].reshape(len(each["nll"]), -1) for each in (train, test))
    return np.asarray(((ours - errors.mean(0)) / (errors.std(0) + 1e-6)).max(1))


def latent_distance(train: Terms, test: Terms) -> Array:
    """nll, and the distance to where training rows are in latent space, at equal spread."""
    found = KMeans(min(64, len(train["z"]) // 2), n_init=1, random_state=0).fit(train["z"])
    own, theirs = (found.transform(each["z"]).min(1) for each in (train, test))
    return np.asarray(test["nll"] / _spread(train["nll"]) + theirs / _spread(own))


def whole_training_set(train: Terms, test: Terms) -> Array:
    """Negative ELBO and the distance to the fifth nearest of all training rows, at equal spread."""
    near = NearestNeighbors(n_neighbors=6).fit(train["u"])
    own, theirs = near.kneighbors(train["u"])[0][:, 5], near.kneighbors(test["u"])[0][:, 4]
    spread = _spread(neg_elbo(train, train))
    return np.asarray(neg_elbo(train, test) / spread + theirs / _spread(own))


def with_mixture(centres: int, width: float) -> Callable[[Terms, Terms], Array]:
    """The score with another mixture: so many centres at most, sigma in usual distances."""

    def fuse(train: Terms, test: Terms) -> Array:
        u, v = (each["u"].reshape(len(each["u"]), -1).astype(float) for each in (train, test))
        order = np.random.default_rng(0).permutation(len(u))
        held_back, rows = u[order[: len(u) // 5]], u[order[len(u) // 5 :]]
        count = max(min(centres, len(rows) // 2, 65_536 // u.shape[1]), 1)
        found = KMeans(count, n_init=1, max_iter=30, random_state=0).fit(rows)
        shares = np.maximum(np.bincount(found.labels_, minlength=count) / len(rows), 1e-30)
        variance = np.square(found.transform(held_back)).min(1).mean() / u.shape[1] * width**2
        logits = np.log(shares) - np.square(found.transform(v)) / (2 * max(variance, 0.01))
        return np.asarray(neg_elbo(train, test) - logsumexp(logits, axis=1))

    return fuse


FUSIONS: dict[str, Callable[[Terms, Terms], Array]] = {
    "score": lambda _, test: test["score"],
    "negative ELBO": neg_elbo,
    "nll": lambda _, test: test["nll"],
    "kl": lambda _, test: test["kl"],
    "mixture": lambda _, test: test["mixture_nll"],
    "both at equal spread": equal_spread,
    "the rarer of both": rarer_tail,
    "features' nll, standardised": feature_errors,
    "worst feature's": worst_feature,
    "nll and latent distance": latent_distance,
    "negative ELBO and KNN5": whole_training_set,
    **{f"mixture of {n} centres": with_mixture(n, 2.0) for n in (16, 64, 128, 256, 512)},
    **{f"mixture of 256, sigma {w:g} distances": with_mixture(256, w) for w in (1.0, 3.0)},
}


def _spread(values: Array) -> float:
    """The range of the middle half."""
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low) + 1e-6


def _surprise(reference: Array, values: Array) -> Array:
    """-log of the share of reference values that are as large; beyond all, by how far."""
    above = len(reference) - np.searchsorted(np.sort(reference), values)
    beyond = np.maximum(values - reference.max(), 0.0) / _spread(reference)
    return np.asarray(np.log1p(beyond) - np.log((above + 1) / (len(reference) + 1)))
