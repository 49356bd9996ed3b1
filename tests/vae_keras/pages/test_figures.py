"""Charts of scores: their axes."""

import numpy as np
import pytest

from vae_keras.pages.figures import operating, scores


@pytest.mark.parametrize("wide", [np.array([3e4, 5e6]), np.array([11.0])])
@pytest.mark.parametrize("shift", [0.0, -20.0])
def test_scores_far_apart_share_an_axis(wide, shift):
    normal = np.linspace(5.0, 12.0, 90) + shift
    chart = scores(normal, wide + shift, 11.5 + shift)
    assert f"alarm above {11.5 + shift:.4g}" in chart


def test_rows_of_one_kind_can_be_drawn():
    nothing, some = np.empty(0), np.array([1.0, 2.0])
    assert "normal windows" in scores(some, nothing, 1.5, noun="window")
    assert "anomalies" in scores(nothing, some, 1.5)


def test_the_curve_says_what_alarms_find():
    drawn = operating(np.array([1.0, 2.0]), np.array([False, True]), (0.01, 0.9), 1.0)
    assert "90.0% found, 1.0% false" in drawn
