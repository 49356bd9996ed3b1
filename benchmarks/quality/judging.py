"""One set, one split: what ours makes of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fusions
import numpy as np
import ours
import sets
from figures import alarms, ranking

from vae_runtime import Runner

FAULTS, DEVIATIONS = 500, (3.0, 5.0, 10.0)  # rows with a fault in one feature, and its size

Row = dict[str, Any]


def judge(folder: Path, name: str, protocol: str, seed: int) -> list[Row]:
    """Figures of bundles: by their score, by the negative ELBO alone, and trained robustly.

    Args:
        folder: of the files.
        name: of the set.
        protocol: by which it is split, one of `sets.PROTOCOLS` or `sets.ODDBENCH`.
        seed: of the split and of all methods.
    """
    split = sets.split(folder, name, protocol, seed)
    with ours.trained(split.train, seed) as bundle:
        figures = _ours(bundle, split)
        if protocol == "normals_only":
            figures[0] |= _explained(bundle, split, seed)
    if protocol == "contaminated":
        with ours.trained(split.train, seed, {"contamination_robust": True}) as bundle:
            robust = _verdicts(Runner.load(bundle), split)
        figures.append({"method": "ours, robust", **robust})
    return figures


def ablate(
    folder: Path, name: str, protocol: str, seed: int, changes: Mapping[str, Any]
) -> list[Row]:
    """Figures of a model whose training differs from the default by `changes`.

    Of the default itself there are those of `fusions.FUSIONS` as well.
    """
    split = sets.split(folder, name, protocol, seed)
    train, test = ours.terms_of(split.train, split.test, seed, changes)
    known = {"score": fusions.FUSIONS["score"]} if changes else fusions.FUSIONS
    return [
        {"method": method, **ranking(split.y, fuse(train, test))} for method, fuse in known.items()
    ]


def _ours(bundle: Path, split: sets.Split) -> list[Row]:
    """Of a bundle: by its score, and by the negative ELBO alone."""
    rows = {"rows": len(split.train), "size": split.size}
    return [
        {"method": "ours", **_verdicts(Runner.load(bundle), split), **rows},
        {"method": "ours, ELBO alone", **_verdicts(Runner.load(bundle, score="neg_elbo"), split)},
    ]


def _explained(bundle: Path, split: sets.Split, seed: int) -> Row:
    """How often a feature with a fault is named first, and how correlated features are."""
    runner, figures = Runner.load(bundle), {}
    faults = split.test.astype(np.float32)[~split.y][:FAULTS]
    for size in DEVIATIONS:
        push = size * split.train.std(0)
        figures[f"explained at {size:g}"] = ours.share_explained(runner, faults, push, seed)
    correlation = np.abs(np.corrcoef(split.train.T) - np.eye(split.train.shape[1]))
    return {**figures, "strongest correlation": float(correlation.max(1).mean())}


def _verdicts(runner: Runner, split: sets.Split) -> Row:
    given = runner.score(split.test.astype(np.float32))
    known = len(runner.calibration.scores)
    return {**ranking(split.y, given.score), **alarms(split.y, given.p_value, known)}
