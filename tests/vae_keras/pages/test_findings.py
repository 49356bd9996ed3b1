"""Verdicts on rows, against counts by hand and against `evaluate`."""

import numpy as np
import pytest

from vae_keras.pages.findings import LEVELS

X = np.zeros((10, 3))
X[[2, 3, 7], 1] = 9.0
Y = np.arange(10) == 3


def test_alarms_are_those_that_evaluate_counts(findings):
    found = findings(X, Y)
    assert np.flatnonzero(found.alarm).tolist() == [2, 3, 7]
    assert found.metrics.false_alarm_rate == pytest.approx(2 / 9)
    own = next(level for level in found.levels if level.alpha == found.metrics.alpha)
    assert (own.false_alarms, own.detections) == (2, 1)
    assert own.false_alarm_rate == found.metrics.false_alarm_rate
    assert own.detection_rate == found.metrics.detection_rate


def test_a_level_that_calibration_rows_cannot_resolve_says_how_many_it_needs(findings, judge):
    found = findings(X, Y, own=judge(calibration=30, alpha=0.05))
    levels = {level.alpha: level for level in found.levels}
    assert sorted(levels) == sorted(LEVELS)
    assert (levels[0.01].rows_needed, levels[0.01].false_alarms) == (99, None)
    assert (levels[0.05].rows_needed, levels[0.05].detections) == (None, 1)


def test_recordings_come_in_their_order_with_their_rates(findings):
    names = np.array(["b"] * 3 + ["a"] * 5 + ["c"] * 2)
    found = findings(X, Y, recording=names).recordings
    assert [(r.name, r.rows, r.alarms, r.false_alarms, r.detections) for r in found] == [
        ("b", 3, 1, 1, 0),
        ("a", 5, 2, 1, 1),
        ("c", 2, 0, 0, 0),
    ]
    assert [r.false_alarm_rate for r in found] == [pytest.approx(1 / 3), 0.25, 0.0]
    assert sum(r.false_alarms for r in found) == 2


def test_a_recording_of_anomalies_alone_has_no_false_alarm_rate(findings):
    found = findings(X, [False] * 5 + [True] * 5, recording=np.array(list("aaaaabbbbb")))
    assert found.recordings[1].false_alarm_rate is None
    assert findings(X).recordings == ()
