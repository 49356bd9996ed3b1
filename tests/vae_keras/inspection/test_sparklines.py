"""Sparklines."""

import numpy as np

from vae_keras.inspection.sparklines import ASCII, can_show_bars, sparkline


def test_bars_follow_the_values():
    assert sparkline(np.arange(16.0), width=8) == "▁▂▃▄▅▆▇█"
    assert sparkline(np.arange(8.0)[::-1], bars=ASCII, width=8) == ASCII[::-1]


def test_missing_values_are_blank_and_equal_ones_level():
    assert sparkline(np.array([0.0, np.nan, 1.0])) == "▁ █"
    assert len(set(sparkline(np.full(1000, 14.62)))) == 1
    assert sparkline(np.full(3, np.nan)) == sparkline(np.empty(0)) == ""


def test_an_encoding_shows_bars_or_not():
    assert can_show_bars("utf-8")
    assert not can_show_bars("latin-1")
    assert not can_show_bars(None)
    assert not can_show_bars("no such thing")
