"""Rows that resemble each other count as fewer."""

import numpy as np
import pytest

from vae_keras.alike_rows import alarms_by_the_others, independent_share, recording_names


def test_windows_count_as_many_as_share_no_readings():
    series = np.random.default_rng(0).normal(size=(800, 3)).astype(np.float32)
    for stride, share in ((8, 1.0), (4, 0.54), (2, 0.28), (1, 0.14)):
        starts = np.random.default_rng(1).permutation(np.arange(0, 800 - 8 + 1, stride))
        x = series[starts[:, None] + np.arange(8)]
        assert independent_share(x, windows=True) == pytest.approx(share, abs=0.05)
    assert independent_share(series, windows=False) == 1.0
    digital = np.random.default_rng(2).integers(0, 2, (100, 8, 3)).astype(np.uint8)
    assert independent_share(digital, windows=True) < 1.0
    assert independent_share(np.zeros((0, 8, 3)), windows=True) == 1.0
    assert independent_share(np.ones((9, 1, 3)), windows=True) == 1.0


def test_a_recording_is_named_with_its_machine_where_these_differ():
    rows = {"recording": np.array(["a", "b"]), "machine": np.array(["1", "2"])}
    assert recording_names(rows).tolist() == ["1 a", "2 b"]
    assert recording_names({"recording": rows["recording"]}).tolist() == ["a", "b"]
    same = {"recording": rows["machine"], "machine": rows["machine"]}
    assert recording_names(same).tolist() == ["1", "2"]
    assert recording_names({}) is None


def test_recordings_are_judged_by_the_others_of_their_machine():
    known = np.arange(40.0)
    rows = {"recording": np.repeat(["a", "b"], 20), "machine": np.repeat(["1", "1"], 20)}
    found = alarms_by_the_others(known, rows, alpha=0.1, rounding=0.0)
    assert {name: each.rate for name, each in found.items()} == {"1 a": 0.0, "1 b": 1.0}
    assert alarms_by_the_others(known, {}, alpha=0.1, rounding=0.0) == {}
