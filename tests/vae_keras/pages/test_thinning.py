"""Long series as few points: no peak is lost, no line crosses a gap."""

import numpy as np

from vae_keras.pages.thinning import peaks, spans, thin

N = 100_000


def test_the_highest_and_lowest_values_stay():
    rng = np.random.default_rng(0)
    x, values = np.arange(float(N)), rng.normal(size=N)
    values[54_321], values[77] = 50.0, -40.0
    across, up = thin(x, values, np.zeros(N, bool), pixels=500)
    assert len(up) <= 1000
    assert (up.max(), up.min()) == (50.0, -40.0)
    assert (np.diff(across) >= 0).all()
    assert abs(across[up.argmax()] - 54_321) <= N / 500


def test_short_series_stay_what_they_are():
    x, values = np.arange(5.0), np.array([1.0, 2.0, 0.0, 3.0, 1.0])
    assert thin(x, values, np.zeros(5, bool))[1].tolist() == values.tolist()
    broken = np.array([True, False, True, False, False])
    assert np.isnan(thin(x, values, broken)[1]).tolist() == [False, False, True] + [False] * 3


def test_lines_are_broken_at_gaps_of_long_series_too():
    broken = np.arange(N) == N // 2
    up = thin(np.arange(float(N)), np.ones(N), broken, pixels=100)[1]
    assert np.isnan(up).sum() == 1


def test_of_many_alarms_the_highest_of_each_pixel_is_drawn():
    x, values = np.arange(float(N)), np.arange(N) % 97
    found = peaks(x, values, np.ones(N, bool), pixels=100)
    assert len(found) == 100
    assert (values[found] == 96).all()
    assert peaks(x, values, x == 5).tolist() == [5]


def test_stretches_end_at_gaps():
    x, mask = np.arange(6.0), np.array([0, 1, 1, 1, 0, 1], bool)
    broken = np.arange(6) == 3
    assert spans(x, mask, broken, 0.5) == [(0.5, 2.5), (2.5, 3.5), (4.5, 5.5)]
    assert spans(x, np.zeros(6, bool), broken, 0.5) == []
    many = spans(np.arange(float(N)), np.arange(N) % 2 == 0, np.zeros(N, bool), 0.5, most=50)
    assert len(many) < N // 20
