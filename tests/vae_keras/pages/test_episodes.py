"""Alarms that follow on each other, and the features to blame for them."""

import numpy as np
import pytest

from vae_keras.pages.axis import axis_of
from vae_keras.pages.episodes import bounds_of, episodes_of, explain, unit_of

X = np.zeros((30, 3))
X[10:13, 0], X[14, 0], X[25, 2] = 9.0, 11.5, 5.0


def made(findings, x=X, **options):
    found = findings(x, **options)
    return episodes_of(found, axis_of(found.dataset.places, len(x), found.noun))


def test_alarms_with_short_pauses_are_one_episode(findings):
    episodes, _ = made(findings, y=np.arange(30) == 14)
    assert [(e.start, e.end, e.rows, e.alarms, e.anomalies) for e in episodes] == [
        ("10", "14", 5, 4, 1),
        ("25", "25", 1, 1, 0),
    ]
    assert [e.peak for e in episodes] == [14, 25]


def test_no_episode_goes_on_over_a_gap():
    alarm, broken = np.ones(4, bool), np.arange(4) == 2
    assert [each.tolist() for each in bounds_of(alarm, broken)] == [[0, 2], [1, 3]]
    assert [each.tolist() for each in bounds_of(~alarm, broken)] == [[], []]


def test_features_are_named_with_received_and_expected_values_and_units(findings):
    (first, second), explained = made(findings)
    assert [(b.feature, b.received, b.expected) for b in first.blame] == [
        ("flow [bar]", "11.50 bar", "0.00 bar")
    ]
    assert second.blame[0].feature == "current"
    assert explained.loudest(2) == [0, 2]


def test_times_are_given_back_as_they_came_in(findings):
    said = np.array([f"1.2.2026 {i:02d} Uhr" for i in range(30)])
    episodes, _ = made(findings, time=said)
    assert (episodes[0].start, episodes[0].end) == (said[10], said[14])


def test_without_alarms_the_highest_scores_are_explained(findings):
    episodes, explained = made(findings, np.full((5, 3), 0.1))
    assert episodes == ()
    assert len(explained.rows) == 5


def test_of_windows_the_value_that_differs_most_is_named(findings, judge):
    own = judge(input_shape=(4, 3), stride=1)
    x = np.zeros((3, 4, 3), np.float32)
    x[1, 2, 1] = -7.0
    explained = explain(findings(x, own=own), np.array([1]))
    assert explained.received.tolist() == [[0.0, -7.0, 0.0]]
    assert explained.nats.tolist() == [[0.0, 7.0, 0.0]]


def test_of_a_category_the_names_are_received_and_expected(findings, judge):
    own = judge(("flow", "mode_idle", "mode_full"), one_hot=(2,))
    expected = np.array([0.0, 0.0, 1.0])
    own = own.__class__(**{**own.__dict__, "expect": lambda x: np.tile(expected, (len(x), 1))})
    own = own.__class__(**{**own.__dict__, "score": lambda x: 100 * x[:, 1].astype(np.float32)})
    (episode,), _ = made(findings, [[0.0, 1.0, 0.0]], own=own)
    assert episode.blame[0] == ("mode_idle", 1.0, "mode_idle", "mode_full")


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("p [bar] (mean of 10 s)", "bar"),
        ("T (°C)", "°C"),
        ("T()", ""),
        ("a (b) c", ""),
        ("x[not at all a unit]", ""),
    ],
)
def test_units_are_in_brackets(name, unit):
    assert unit_of(name) == unit
