"""The page: well formed, self-contained, small, and with the figures of `evaluate`."""

import re

import numpy as np
import pytest

from vae_keras.pages.evaluation import draw, figures_of

HOSTILE = ("<script>alert('x')</script>", 'a"b&c' * 60, "درجة الحرارة \u202e\x1b[31m")
LONG = 300_000
LARGEST = 1.5e6  # characters of a page


def series(n=400, seed=0):
    x = np.random.default_rng(seed).normal(0.0, 0.3, (n, 3))
    x[n // 2 : n // 2 + 9, 1] = 7.0
    return x


def test_the_page_is_well_formed_and_refers_to_nothing_outside_it(findings, html_page):
    y = series()[:, 1] > 5
    times = np.datetime64("2026-01-01") + np.arange(400) * np.timedelta64(1, "m")
    drawn = draw(findings(series(), y, time=times), source="field.csv", columns={"time": "t"})
    made = html_page(drawn.html)
    assert not re.search(r"https?:|url\((?!#)|@import|<script|<link", drawn.html)
    charts = [attributes for tag, attributes in made.elements if tag == "svg"]
    assert len(charts) == 3
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)
    assert drawn.png.startswith(b"\x89PNG")
    for said in ("AUROC", "AUPRC", "1 % (as calibrated)", "5 %", "10 %", "speed", "; time “ t ”"):
        assert said in made.text
    assert "2026-01-01T03:20" in made.text


def test_the_figures_are_those_of_evaluate(findings, html_page):
    y = np.arange(400) % 100 == 0
    found = findings(series(), y)
    text = html_page(draw(found, source="x", columns={}).html).text
    assert f"{found.metrics.auroc:.4f}" in text
    assert f"{100 * found.metrics.false_alarm_rate:.3g} %" in text
    figures = figures_of(found)
    assert figures["auroc"] == found.metrics.auroc
    assert figures["alarms"] == int(found.alarm.sum())
    assert [level["alpha"] for level in figures["levels"]] == [0.01, 0.05, 0.1]


def test_names_are_text_whatever_they_hold(findings, judge, html_page):
    recording = np.array([HOSTILE[0]] * 200 + [HOSTILE[1]] * 200)
    found = findings(series(), own=judge(HOSTILE), recording=recording)
    drawn = draw(found, source=HOSTILE[0], columns={"time": HOSTILE[2]})
    made = html_page(drawn.html)
    assert not [tag for tag, _ in made.elements if tag == "script"]
    for name in HOSTILE[:2]:
        assert name in made.text
    assert "درجة الحرارة" in made.text
    assert not set("\u202e\x1b") & set(drawn.html)


def test_long_series_are_small(findings, html_page):
    x = np.random.default_rng(0).normal(0.0, 0.9, (LONG, 3))
    found = findings(x, np.arange(LONG) % 1000 < 3)
    assert found.alarm.sum() > 1000
    drawn = draw(found, source="long.csv", columns={})
    html_page(drawn.html)
    assert len(drawn.html) < LARGEST
    assert "highest of" in drawn.html


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("anomalous", [False, True])
def test_few_rows_of_one_kind_have_a_page(findings, html_page, rows, anomalous):
    found = findings(np.full((rows, 3), 9.0 * anomalous), np.full(rows, anomalous))
    made = html_page(draw(found, source="few.csv", columns={}).html)
    assert ("There is no alarm." in made.text) is not anomalous
    assert "AUROC" not in made.text.replace("ranking", "")


def test_scores_that_are_no_numbers_are_drawn(findings, html_page):
    x = series(50)
    x[3], x[4] = np.inf, np.nan
    html_page(draw(findings(x), source="wild.csv", columns={}).html)


def test_too_few_calibration_rows_are_said(findings, judge, html_page):
    found = findings(series(), own=judge(calibration=30, alpha=0.05))
    text = html_page(draw(found, source="x", columns={}).html).text
    assert "1 % needs 99" in text


def test_windows_are_called_windows(findings, judge, html_page):
    own = judge(input_shape=(4, 3), stride=1)
    x = np.random.default_rng(0).normal(0.0, 0.05, (60, 4, 3))
    text = html_page(draw(findings(x, own=own), source="x", columns={}).html).text
    assert "60 windows" in text
    assert not re.search(r"(normal|calibration|test) rows", text)


def test_images_have_a_gallery_in_place_of_a_time_axis(findings, judge, html_page):
    own = judge(input_shape=(6, 6, 1), feature_names=None, value_range=(0.0, 1.0))
    x = np.random.default_rng(0).random((30, 6, 6, 1)) / 100
    names = np.array([f"tile_{i}.png" for i in range(30)])
    made = html_page(draw(findings(x, own=own, file=names), source="tiles", columns={}).html)
    assert len([tag for tag, _ in made.elements if tag == "img"]) == 12
    assert "tile_" in made.text
    assert "Scores and alarms" not in made.text


def test_recordings_have_a_table_with_the_spread_of_their_rates(findings, html_page):
    recording = np.repeat([f"run {i}" for i in range(8)], 50)
    text = html_page(
        draw(findings(series(), recording=recording), source="x", columns={}).html
    ).text
    assert "False-alarm rates of 8 recordings: median 0 %" in text
    assert "run 7" in text
