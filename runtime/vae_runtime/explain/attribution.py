"""What of a row's score each feature is to blame for.

A reading that is wrong spoils the latents as well, and features that are right are then badly
reconstructed: theirs can be the larger share of the nll. So where a bundle's score has a mixture,
each feature in turn is replaced by what the others lead that mixture to expect, and the row is
scored again: the feature is to blame for the nats by which the score falls. (Below 0, it fits
better than what is expected of it.)

Source: Robnik-Sikonja & Kononenko 2008, "Explaining classifications for individual instances";
Zintgraf et al. 2017, "Visualizing deep neural network decisions: prediction difference analysis",
whose replacements depend on the other features as well.
"""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_runtime.backends import chunks
from vae_runtime.backends.graphs import Graphs
from vae_runtime.bundle import Bundle
from vae_runtime.bundle.manifest import Model, Tensor
from vae_runtime.likelihoods import Scaling
from vae_runtime.mixture import Mixture, Places, read_mixture
from vae_runtime.rows.arrays import RowCheck
from vae_runtime.verdicts.scorer import Scorer

AT_ONCE = 4096  # changed rows that are in memory together
BYTES = 8 * 2**20  # that they may take, but for a single one

Array = NDArray[np.float32]
Score = Callable[[NDArray[Any]], Array]


class Attribution:
    """Explains the scores of one bundle. Safe to share between threads.

    Args:
        bundle: what the mixture is read from, when first it is needed.
        graphs: of the bundle.
        scorer: whose score is explained.
        at_once: changed rows in memory together, at most.
    """

    def __init__(
        self, bundle: Bundle, graphs: Graphs, scorer: Scorer, *, at_once: int = AT_ONCE
    ) -> None:
        self._bundle, self._model = bundle, bundle.manifest.model
        self._graphs, self._scorer = graphs, scorer
        self._check = RowCheck(self._model)
        self._at_once = max(1, min(at_once, BYTES // (4 * math.prod(self._model.input_shape))))

    def of_values(self, x: ArrayLike, by: str | None = None) -> Array:
        """The nats of each value: float32 (batch, *input_shape); see `Runner.explain`."""
        if by not in (None, "nll"):
            raise ValueError(f'expected by="nll", or none. Received: by={by!r:.60}.')
        if by == "nll" or self._mixture is None:
            return self._graphs.ask("scorer", ("feature_nll",), x)[0]
        x, groups = self._check.as_array(x), list(_groups(self._model))
        falls = self._falls(x, self._mixture, [*_numbers(self._model), *groups])
        if groups:
            falls = _at_the_ones(falls, x, groups)
        return falls.reshape(-1, *self._model.input_shape)

    def of_features(self, x: ArrayLike) -> Array:
        """As `features.top` takes them: of windows with names float32 (batch, channels)."""
        shape, names = self._model.input_shape, self._model.feature_names
        if self._mixture is None or names is None or len(shape) == 1:
            return self.of_values(x)
        channels = np.arange(math.prod(shape)).reshape(-1, shape[-1]).T
        return self._falls(x, self._mixture, [*channels])

    @functools.cached_property
    def _mixture(self) -> Mixture | None:
        return read_mixture(self._bundle)

    def _falls(self, x: ArrayLike, mixture: Mixture, features: Sequence[Places]) -> Array:
        """Nats by which each row's score falls without each feature: (batch, features)."""
        score, at_once = self._scorer.score, self._at_once
        session = Replacing(self._model, mixture, score, features=features, at_once=at_once)
        question = chunks.Question(session, ("nats",), "x", self._check)
        chunk = max(1, at_once // (1 + len(features)))
        return chunks.ask(question, self._check.as_array(x), chunk=chunk)[0]


class Replacing:
    """Scores rows with and without each feature; see `protocol.Session`.

    Args:
        model: whose rows they are.
        mixture: what is expected of a feature.
        score: of rows.
        features: the places of each in the flattened row; all of it together.
        at_once: changed rows in memory together, where there are no more rows than that.
    """

    parity: Mapping[str, float] = {}

    def __init__(
        self,
        model: Model,
        mixture: Mixture,
        score: Score,
        *,
        features: Sequence[Places],
        at_once: int,
    ) -> None:
        self._model, self._mixture, self._score = model, mixture, score
        self._features, self._at_once = features, at_once
        self.inputs: tuple[Tensor, ...] = (
            Tensor("x", model.input_dtype, ("batch", *model.input_shape)),
        )
        self.outputs: tuple[Tensor, ...] = (Tensor("nats", "float32", ("batch", len(features))),)

    def run(self, outputs: tuple[str, ...], feeds: Mapping[str, NDArray[Any]]) -> list[Array]:
        """The fall of each score without each feature, float32 (batch, features)."""
        x = feeds["x"]
        expected = self._expected(x)
        each = [np.arange(0), *self._features]  # first of all, unchanged rows
        step = max(1, self._at_once // len(x))
        blocks = (each[start : start + step] for start in range(0, len(each), step))
        scores = np.concatenate([self._scores(x, expected, block) for block in blocks])
        with np.errstate(invalid="ignore"):  # where both are infinite, nothing falls
            falls = np.nan_to_num(scores[0] - scores[1:], nan=0.0, posinf=np.inf, neginf=-np.inf)
        return [np.ascontiguousarray(falls.T) for _ in outputs]

    def _scores(self, x: NDArray[Any], expected: NDArray[Any], block: Sequence[Places]) -> Array:
        """Of all rows, without each feature of the block: (features, batch)."""
        changed = np.repeat(x.reshape(1, len(x), -1), len(block), axis=0)
        for rows, places in zip(changed, block, strict=True):
            rows[:, places] = expected[:, places]
        return self._score(changed.reshape(-1, *x.shape[1:])).reshape(len(block), len(x))

    def _expected(self, x: NDArray[Any]) -> NDArray[Any]:
        """Rows of each feature's expectation by all others: (batch, values), of x's dtype."""
        model, scaling = self._model, Scaling(self._model)
        u = self._mixture.given_others(scaling.forward(x), self._features)
        values = scaling.inverse(u.reshape(x.shape)).reshape(len(x), -1)
        for group in _groups(model):
            values[:, group] = np.eye(len(group))[values[:, group].argmax(1)]
        if model.value_range is not None:
            values = np.clip(values, *model.value_range)  # rounding can lead out of it
        return (values if x.dtype.kind == "f" else np.rint(values)).astype(x.dtype)


def _numbers(model: Model) -> Iterator[Places]:
    """Values that are features of their own."""
    yield from np.arange(math.prod(model.input_shape) - sum(model.one_hot))[:, None]


def _groups(model: Model) -> Iterator[Places]:
    """One-hot groups, each of which is one feature."""
    end = math.prod(model.input_shape) - sum(model.one_hot)
    for size in model.one_hot:
        start, end = end, end + size
        yield np.arange(start, end)


def _at_the_ones(falls: Array, x: NDArray[Any], groups: Sequence[Places]) -> Array:
    """Rows of numbers' nats and groups', the latter at the column that is 1; 0 at the others."""
    first = groups[0][0]
    parts = [falls[:, :first]]
    for fall, group in zip(falls[:, first:].T, groups, strict=True):
        parts.append(np.where(x[:, group] == 1, fall[:, None], np.float32(0)))
    return np.concatenate(parts, axis=1)
