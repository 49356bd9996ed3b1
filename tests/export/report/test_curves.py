"""The numbers behind the pictures, against counts by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import betabinom

from vae_export.convert.artefacts import Scored
from vae_export.graphs.evidence import Reference
from vae_export.report.curves import band, false_alarms, plane


def scorer(calibration, test, y):
    source = SimpleNamespace(test={"y": np.array(y)})
    given = np.array(calibration, float), np.array(test, float)
    scored = Scored(Reference(*given, rounding=0.0), *given, faults=np.empty(0))
    return SimpleNamespace(scored={"score": scored}, evidence=SimpleNamespace(source=source))


def test_shares_that_alarm_are_those_counted_by_hand():
    # 9 calibration scores, so that levels are tenths; a row alarms at k / 10 if fewer than k of
    # the calibration scores are at least its own: 9.5 from 1/10 on, 8.5 from 2/10, 5.5 from 5/10
    y = np.array([False, False, False, False, True])
    made = false_alarms(scorer([5, 3, 1, 2, 9, 4, 7, 8, 6], [9.5, 8.5, 5.5, 0.5, 99.0], y))
    assert made.nominal == pytest.approx((0.1, 0.2, 0.3, 0.4, 0.5))
    assert made.realised == (0.25, 0.5, 0.5, 0.5, 0.75)
    assert all(low <= high for low, high in zip(made.low, made.high, strict=True))


def test_without_normal_test_rows_nothing_is_said():
    assert false_alarms(scorer([1, 2, 3], [4.0], [True])) is None


def test_the_band_holds_95_percent_of_what_chance_gives():
    rng, n, tests, rank = np.random.default_rng(0), 99, 200, 5
    calibration, test = rng.random((4000, n)), rng.random((4000, tests))
    threshold = np.sort(calibration, axis=1)[:, n - rank]
    share = (test > threshold[:, None]).mean(1)
    low, high = band(n, tests, np.array([rank]))
    inside = ((share >= low) & (share <= high)).mean()
    assert 0.94 <= inside <= 0.98  # counts are whole: the band is a little too wide
    assert high * tests == betabinom(tests, rank, n + 1 - rank).ppf(0.975)


def test_the_plane_is_that_of_the_largest_variances():
    rng = np.random.default_rng(0)
    latents = rng.normal(0.0, [0.1, 3.0, 1.0], (500, 3)) + 7.0
    found = plane(latents, latents[:2])
    centred = latents - latents.mean(0)
    correlation = [abs(np.corrcoef(found.points[:500, i], centred[:, c])[0, 1])
                   for i, c in ((0, 1), (1, 2))]  # fmt: skip
    assert min(correlation) > 0.99
    assert found.shares == pytest.approx((0.9, 0.1), abs=0.02)
    np.testing.assert_allclose(found.points[500:], found.points[:2])


@pytest.mark.parametrize("rows", [1, 2])
def test_there_is_a_plane_of_one_row(rows):
    latents = np.random.default_rng(0).normal(size=(rows, 3))
    found = plane(latents, latents + 1.0)
    assert found.points.shape == (2 * rows, 2)
    assert np.isfinite(found.points).all()
    assert sum(found.shares) == pytest.approx(rows - 1)
