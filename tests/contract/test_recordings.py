"""The promise on new recordings: kept where whole recordings are held back, broken where rows are.

Each recording has a small offset of its own, as a machine that is mounted anew. A nearest-neighbour
score stands for the model: it is quick, and as apt to learn the recordings by heart as any.
"""

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.stats import binom

from vae_keras import DataConfig
from vae_keras.data import Dataset, split
from vae_keras.fit.folds import count, fold_masks
from vae_runtime.verdicts.calibration import p_values
from vae_runtime.verdicts.recordings import by_the_others, independent_share

ALPHA = 0.1
RECORDINGS, ROWS, SENSORS = 6, 150, 4
WORLDS, NEW = 20, 40  # benches, each with so many recordings that it has not seen
NOISE, OFFSET = 0.05, 0.09


def bench(recordings, seed):
    """Rows (recordings, ROWS, SENSORS), each recording with an offset of its own."""
    rng = np.random.default_rng(seed)
    load = rng.uniform(0.0, 1.0, (recordings, ROWS, 1))
    x = load * [1.0, -1.0, 0.5, 2.0] + rng.normal(0.0, NOISE, (recordings, ROWS, SENSORS))
    return (x + rng.normal(0.0, OFFSET, (recordings, 1, SENSORS))).astype(np.float32)


def learn(x):
    """Score of rows by a model of rows x: the distance to the nearest of them."""
    tree = cKDTree(x)
    return lambda rows: tree.query(rows)[0]


def alarms(seed, *, by_recording):
    """Share of the rows of new recordings that alarm, and what is known of it before."""
    x = bench(RECORDINGS, seed).reshape(-1, SENSORS)
    names = np.repeat([f"run {i}" for i in range(RECORDINGS)], ROWS)
    known = names if by_recording else None
    rows = split(
        Dataset("bench", x, np.zeros(len(x), bool), recordings=known),
        DataConfig("bench", seed=seed, folds=5),
    )
    scores = np.empty(len(rows.calibration))
    for fold in range(count(rows)):
        part = fold_masks(rows, fold)
        scores[part["scored"]] = learn(rows.calibration[part["train"]])(
            rows.calibration[part["scored"]]
        )
    fresh = bench(NEW, seed + 1000).reshape(-1, SENSORS)
    alarm = p_values(learn(rows.train)(fresh), np.sort(scores), 0.0) <= ALPHA
    told = rows.recordings and by_the_others(
        scores, rows.recordings.names["calibration"], alpha=ALPHA, rounding=0.0
    )
    return alarm.reshape(NEW, ROWS).mean(axis=1), told, (scores, rows.recordings)


def test_the_rate_holds_on_new_recordings_where_whole_ones_are_held_back():
    """Bounds: were each new recording one draw, its rate's mean over all benches is binomial."""
    found = [alarms(seed, by_recording=True) for seed in range(WORLDS)]
    rates = np.concatenate([rates for rates, _, _ in found])
    low, high = binom.interval(0.999, len(rates), ALPHA)
    assert low <= rates.sum() <= high
    told = [np.mean([each.rate for each in told.values()]) for _, told, _ in found]
    assert np.mean(told) == pytest.approx(ALPHA, abs=0.06)  # of the few: what a user is shown


def test_the_rate_is_far_from_held_where_rows_are_dealt_one_by_one():
    rates = np.concatenate([alarms(seed, by_recording=False)[0] for seed in range(WORLDS)])
    assert rates.sum() > 2 * binom.ppf(0.999, len(rates), ALPHA)


def test_rows_of_such_recordings_count_as_few():
    _, _, (scores, recordings) = alarms(0, by_recording=True)
    names = recordings.names["calibration"]
    share = independent_share(scores, names, alpha=ALPHA, rows=names)
    assert len(np.unique(names)) <= share * len(names) < len(names) / 4
