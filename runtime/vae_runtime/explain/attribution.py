"""Attribution: contribution of each feature to a row's score.

A reading that is wrong spoils the latents as well, and features that are right are then badly
reconstructed: theirs can be the larger share of the nll. So where a bundle's score has a mixture,
each feature in turn is replaced by what the others lead that mixture to expect, and the row is
scored again: the feature is to blame for the nats by which the score falls. (Below 0, it fits
better than what is expected of it.)

Source: Robnik-Sikonja & Kononenko 2008, "Explaining classifications for individual instances";
Zintgraf et al. 2017, "Visualizing deep neural network decisions: prediction difference analysis",
whose replacements depend on the other features as well.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_runtime.backends import chunks
from vae_runtime.backends.graphs import Graphs
from vae_runtime.bundle.interfaces import has_channels
from vae_runtime.bundle.manifest import Manifest, RowSpec, Tensor
from vae_runtime.errors import BundleError
from vae_runtime.rows.arrays import RowCheck
from vae_runtime.verdicts.scorer import Scorer

ROWS_AT_ONCE = 4096  # changed rows that are in memory together
BYTES_AT_ONCE = 8 * 2**20  # that they may take, but for a single one; and what they are found with

Array = NDArray[np.float32]
Places = NDArray[np.intp]
Score = Callable[[NDArray[Any]], Array]
Expect = Callable[[NDArray[Any]], Array]


class Attribution:
    """Explains the scores of one bundle. Safe to share between threads.

    Args:
        manifest: of the bundle.
        graphs: of the bundle.
        scorer: whose score is explained.
        at_once: changed rows in memory together, at most.
    """

    def __init__(
        self, manifest: Manifest, graphs: Graphs, scorer: Scorer, *, at_once: int = ROWS_AT_ONCE
    ) -> None:
        self._version, self._model = manifest.format_version, manifest.model
        self._graphs, self._scorer = graphs, scorer
        self._check = RowCheck(self._model)
        size = 4 * math.prod(self._model.input_shape)
        self._at_once = max(1, min(at_once, BYTES_AT_ONCE // size))
        self._most_rows = max(1, BYTES_AT_ONCE // (size * (self._model.mixture or 1)))

    def of_values(self, x: ArrayLike, by: str | None = None) -> Array:
        """Nats of each value: float32 (batch, *input_shape); see `Runner.explain`."""
        if by not in (None, "nll"):
            raise ValueError(f'expected by="nll", or none. Received: by={by!r:.60}.')
        if by == "nll" or self._model.mixture is None:
            return self._graphs.ask("scorer", ("feature_nll",), x)[0]
        x, groups = self._check.as_array(x), list(one_hot_groups(self._model))
        falls = self._falls(x, "x_expected", [*number_places(self._model), *groups])
        if groups:
            falls = at_the_ones(falls, x, groups)
        return falls.reshape(-1, *self._model.input_shape)

    def of_features(self, x: ArrayLike) -> Array:
        """Nats as `features.top` takes them: of windows with names float32 (batch, channels)."""
        shape, names = self._model.input_shape, self._model.feature_names
        if self._model.mixture is None or not has_channels(names, shape):
            return self.of_values(x)
        return self._falls(x, "channels_expected", [*channel_places(self._model)])

    def expected(self, x: ArrayLike) -> Array:
        """Values as the others of their rows lead one to expect them; see `Runner.expect`."""
        names, shape = self._model.feature_names, self._model.input_shape
        output = "channels_expected" if has_channels(names, shape) else "x_expected"
        x, step = self._check.as_array(x), max(1, min(self._at_once, self._most_rows))
        parts = (x[start : start + step] for start in range(0, max(len(x), 1), step))
        asked = [self._graphs.ask("replacements", (output,), part)[0] for part in parts]
        return np.concatenate(asked)

    @property
    def expects(self) -> bool:
        """True for a bundle that holds what values are replaced by."""
        return self._model.mixture is not None and self._version > 1

    def _falls(self, x: ArrayLike, expected: str, features: Sequence[Places]) -> Array:
        """Nats by which each row's score falls without each feature: (batch, features)."""
        if self._version == 1:
            raise BundleError(
                "expected a bundle that holds what values are replaced by to explain its score. "
                "Received: one of format version 1. Export the run again, or ask for the shares of "
                'the nll: explain(x, by="nll").'
            )
        replacements = self._graphs.session("replacements")
        session = Replacing(
            self._model,
            lambda rows: replacements.run((expected,), {"x": rows})[0],
            self._scorer.score,
            features=features,
            at_once=self._at_once,
        )
        question = chunks.Question(session, ("nats",), "x", self._check)
        chunk = max(1, min(self._at_once // (1 + len(features)), self._most_rows))
        return chunks.ask(question, self._check.as_array(x), chunk=chunk)[0]


class Replacing:
    """Scores rows with and without each feature; see `protocol.Session`.

    Args:
        model: whose rows they are.
        expect: from rows, each value as the others lead one to expect it.
        score: of rows.
        features: the places of each in the flattened row; all of it together.
        at_once: changed rows in memory together, where there are no more rows than that.
    """

    parity: Mapping[str, float] = {}

    def __init__(
        self,
        model: RowSpec,
        expect: Expect,
        score: Score,
        *,
        features: Sequence[Places],
        at_once: int,
    ) -> None:
        self._model, self._expect, self._score = model, expect, score
        self._features, self._at_once = features, at_once
        self.inputs: tuple[Tensor, ...] = (
            Tensor("x", model.input_dtype, ("batch", *model.input_shape)),
        )
        self.outputs: tuple[Tensor, ...] = (Tensor("nats", "float32", ("batch", len(features))),)

    def run(self, outputs: tuple[str, ...], feeds: Mapping[str, NDArray[Any]]) -> list[Array]:
        """The fall of each score without each feature, float32 (batch, features)."""
        x = feeds["x"]
        expected = as_rows(self._expect(x), self._model).reshape(len(x), -1)
        each = [np.arange(0), *self._features]  # first of all, unchanged rows
        step = max(1, self._at_once // len(x))
        blocks = (each[start : start + step] for start in range(0, len(each), step))
        scores = np.concatenate([self._scores(x, expected, block) for block in blocks])
        with np.errstate(invalid="ignore"):  # where both are infinite, nothing falls
            falls = np.nan_to_num(scores[0] - scores[1:], nan=0.0, posinf=np.inf, neginf=-np.inf)
        return [np.ascontiguousarray(falls.T) for _ in outputs]

    def _scores(self, x: NDArray[Any], expected: NDArray[Any], block: Sequence[Places]) -> Array:
        """Scores of all rows without each feature of the block: (features, batch)."""
        changed = np.repeat(x.reshape(1, len(x), -1), len(block), axis=0)
        for rows, places in zip(changed, block, strict=True):
            rows[:, places] = expected[:, places]
        return self._score(changed.reshape(-1, *x.shape[1:])).reshape(len(block), len(x))


def as_rows(values: Array, model: RowSpec) -> NDArray[Any]:
    """The nearest values that a row may hold: one of a group is 1, whole where x is.

    Args:
        values: float32 (batch, *input_shape), expectations in the data's units.
        model: whose rows they are.
    """
    values = values.copy()
    for group in one_hot_groups(model):
        values[:, group] = np.eye(len(group))[values[:, group].argmax(1)]
    if model.value_range is not None:
        values = np.clip(values, *model.value_range)  # rounding can lead out of it
    dtype = np.dtype(model.input_dtype)
    return (values if dtype.kind == "f" else np.rint(values)).astype(dtype)


def number_places(model: RowSpec) -> Iterator[Places]:
    """Places of the values that are features of their own."""
    yield from np.arange(math.prod(model.input_shape) - sum(model.one_hot))[:, None]


def channel_places(model: RowSpec) -> Places:
    """Places of each channel's values: (channels, places)."""
    places: Places = np.arange(math.prod(model.input_shape)).reshape(-1, model.input_shape[-1]).T
    return places


def one_hot_groups(model: RowSpec) -> Iterator[Places]:
    """One-hot groups, each of which is one feature."""
    end = math.prod(model.input_shape) - sum(model.one_hot)
    for size in model.one_hot:
        start, end = end, end + size
        yield np.arange(start, end)


def at_the_ones(falls: Array, x: NDArray[Any], groups: Sequence[Places]) -> Array:
    """Rows of numbers' nats and groups', the latter at the column that is 1; 0 at the others."""
    first = groups[0][0]
    parts = [falls[:, :first]]
    for fall, group in zip(falls[:, first:].T, groups, strict=True):
        parts.append(np.where(x[:, group] == 1, fall[:, None], np.float32(0)))
    return np.concatenate(parts, axis=1)
