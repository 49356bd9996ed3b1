"""Judges of rows, made of a bundle or of a run: scores, blame of features, expected values.

A page needs the same answers of both. A bundle gives them by its own graphs; a run by Keras.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vae_keras._base.arrays import Array, Floats
from vae_keras.evaluate import calibration_scores, score_rows
from vae_keras.model.expectation import expect, features_together
from vae_keras.model.score_tolerance import rounding, sizes
from vae_keras.run import Run
from vae_runtime import Runner
from vae_runtime.bundle.interfaces import has_channels
from vae_runtime.bundle.manifest import Calibration, RowSpec
from vae_runtime.explain.attribution import (
    Replacing,
    at_the_ones,
    channel_places,
    number_places,
    one_hot_groups,
)
from vae_runtime.explain.features import TopFeatures
from vae_runtime.verdicts.machines import ascending

AT_ONCE = 256  # rows that are explained in one go


def is_image(spec: RowSpec) -> bool:
    """True for rows that are images: height, width and channels, and no windows."""
    return spec.stride is None and len(spec.input_shape) == 3


def noun_of(spec: RowSpec) -> str:
    """Word for one of the rows: row, window or image.

    >>> rows = dict(name="photos", input_shape=(48, 64, 3), input_dtype="uint8", one_hot=())
    >>> noun_of(RowSpec(**rows, value_range=(0.0, 255.0), feature_names=None))
    'image'
    """
    return "image" if is_image(spec) else spec.noun


@dataclass(frozen=True)
class Judge:
    """Answers of a model about rows x (batch, *input_shape), in the data's own units.

    Args:
        name: path of the model, for people.
        spec: description of its rows.
        calibration: scores of normal rows, and the alarm level.
        score: nats of each row, (batch,).
        nats: nats of each value, or of each channel of windows: (batch, *input_shape) or
            (batch, channels).
        expect: values as the model expects or reconstructs them, (batch, *input_shape).
        expects: whether these are expected from the other features; else they are reconstructed.
    """

    name: str
    spec: RowSpec
    calibration: Calibration
    score: Callable[[Array], Floats]
    nats: Callable[[Array], Floats]
    expect: Callable[[Array], Floats]
    expects: bool

    @property
    def is_image(self) -> bool:
        """True for rows that are images: they have no axis of features."""
        return is_image(self.spec)


def judge_of_bundle(path: str | Path) -> Judge:
    """Judge of an exported bundle, through `vae_runtime.Runner`."""
    runner = Runner.load(path)
    model, version = runner.manifest.model, runner.manifest.format_version

    def nats(x: Array) -> Floats:
        if version == 1:  # which holds nothing to replace values by
            return runner.explain(x, by="nll")
        if model.mixture is None or not has_channels(model.feature_names, model.input_shape):
            return runner.explain(x)
        return by_channel(runner.top_features(x, x.shape[-1]), model, x)

    return Judge(
        str(path),
        model,
        runner.manifest.calibration["fp32"],
        lambda x: runner.score(x).score,
        _in_parts(nats),
        _in_parts(runner.expect),
        model.mixture is not None and version > 1,
    )


def by_channel(found: TopFeatures, spec: RowSpec, x: Array) -> Floats:
    """Nats of each channel of windows, (batch, channels), of what all features add.

    Those of a column of categories are at the value that it has in most rows of the window.

    Args:
        found: all features of each window.
        spec: description of the windows, whose channels have names.
        x: (batch, window, channels).
    """
    names = [*(spec.feature_names or ())]
    channels = np.zeros((len(x), len(names)), np.float32)
    for column in np.unique(found.names):
        values = (spec.categories or {}).get(str(column))
        of_column = (column,) if values is None else (f"{column}_{value}" for value in values)
        places = np.array([names.index(name) for name in of_column])
        at = places[x[..., places].sum(axis=1).argmax(axis=1)]
        channels[np.arange(len(x)), at] = found.nats[found.names == column]
    return channels


def judge_of_run(run: Run) -> Judge:
    """Judge of a run directory, by its Keras model."""
    vae, spec, known = run.vae, run.data, calibration_scores(run.calibration)
    terms = score_rows(vae, run.calibration["x"])
    machines = run.calibration.get("machine")
    calibration = Calibration(
        alpha=run.config.train.alpha,
        rounding=rounding(terms["score"], sizes(vae, run.calibration["x"], terms)["score"]),
        scores=tuple(np.sort(known).tolist()),
        folds=run.data.folds,
        by_machine=None if machines is None else ascending(known, machines),
    )
    features = [*features_together(spec).values()][-1]  # channels, where there are some

    def score(x: Array) -> Floats:
        return score_rows(vae, x)["score"]

    def expected(x: Array) -> Floats:
        if vae.mixture is None:
            return np.asarray(vae.decode(vae.encode(x)[0]))
        return np.asarray(expect(vae, x, features))

    def nats(x: Array) -> Floats:
        if vae.mixture is None:
            return score_rows(vae, x)["feature_nll"]
        return _falls(spec, expected, score, x)

    parts = _in_parts(nats), _in_parts(expected)
    return Judge(str(run.path), spec, calibration, score, *parts, vae.mixture is not None)


def _falls(
    spec: RowSpec, expected: Callable[[Array], Floats], score: Callable[[Array], Floats], x: Array
) -> Floats:
    """Nats by which each score falls without each feature, as `Runner.explain` has them."""
    if has_channels(spec.feature_names, spec.input_shape):
        return Replacing(
            spec, expected, score, features=[*channel_places(spec)], at_once=len(x)
        ).run(("nats",), {"x": x})[0]
    groups = [*one_hot_groups(spec)]
    places = [*number_places(spec), *groups]
    found = Replacing(spec, expected, score, features=places, at_once=len(x))
    falls = found.run(("nats",), {"x": x})[0]
    return (at_the_ones(falls, x, groups) if groups else falls).reshape(-1, *spec.input_shape)


def _in_parts(ask: Callable[[Array], Floats]) -> Callable[[Array], Floats]:
    """Asks about a few rows at a time, so that memory stays flat."""

    def answer(x: Array) -> Floats:
        return np.concatenate([ask(x[i : i + AT_ONCE]) for i in range(0, max(len(x), 1), AT_ONCE)])

    return answer
