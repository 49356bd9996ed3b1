"""Both files of every kind of model: well formed, self-contained, and saying what is so."""

import dataclasses
import hashlib
import json
import re

import numpy as np
import pytest

from vae_export import export
from vae_export.graphs import evidence, source
from vae_export.report import album, kinds, page
from vae_export.report.curves import FalseAlarms
from vae_export.report.record import Report
from vae_runtime._base import typed_json
from vae_runtime.bundle import open_bundle

BUNDLES = ("digits_bundle", "table_bundle", "pump_bundle", "states_bundle")
LARGEST = 1.5e6  # bytes of a page


@pytest.fixture(scope="module", params=BUNDLES)
def bundle(request):
    return request.getfixturevalue(request.param)


def test_both_files_are_listed_and_hashed(bundle):
    listed = {f.name: f for f in open_bundle(bundle).manifest.files if f.role == "report"}
    assert {(f.name, f.format) for f in listed.values()} == {
        ("report.html", "html"),
        ("report.json", "json"),
    }
    for name, file in listed.items():
        content = (bundle / name).read_bytes()
        assert (file.bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_the_page_is_well_formed_small_and_refers_to_nothing_outside_it(bundle, html_page):
    content = (bundle / "report.html").read_text(encoding="utf-8")
    made = html_page(content)
    assert len(content) < LARGEST
    assert not re.search(r"https?:|url\((?!#)|@import", content)
    assert not made.all("script", "link", "iframe", "object", "base")
    for attributes in (attributes for _, attributes in made.elements):
        assert attributes.get("src", "data:").startswith("data:")
        assert attributes.get("href", "#").startswith("#")


def test_the_page_can_be_heard(bundle, html_page):
    made = html_page((bundle / "report.html").read_text(encoding="utf-8"))
    assert made.all("html") == [{"lang": "en"}]
    assert all(image["alt"] for image in made.all("img"))
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in made.all("svg"))
    assert len(made.all("svg")) >= 5
    assert {header["scope"] for header in made.all("th")} == {"col", "row"}


def test_ids_are_unambiguous(bundle):
    """Charts share what they define, as clip paths, only where it is the same."""
    content = (bundle / "report.html").read_text(encoding="utf-8")
    defined = re.findall(r'<(clipPath|path) id="([^"]+)"(.*?)(?:/>|</clipPath>)', content, re.S)
    meanings = {}
    for _, name, meaning in defined:
        assert meanings.setdefault(name, meaning) == meaning
    for name in re.findall(r'(?:url\(|href=")#([^)"]+)', content):
        assert name in meanings


def test_the_figures_are_those_of_the_manifest(bundle):
    record = read(bundle)
    manifest = open_bundle(bundle).manifest
    graphs = [file for file in manifest.files if file.role not in ("mixture", "probe", "report")]
    assert [file.name for file in record.files] == [file.name for file in graphs]
    for file, listed in zip(record.files, graphs, strict=True):
        assert file.bytes == listed.bytes
        assert file.deviation == max(listed.parity.values())
        assert {check.result for check in file.gates.values()} == {"passed"}
        assert file.flops > 0
    for name, alarm in record.alarms.items():
        calibration = manifest.calibration[name]
        n = len(calibration.scores)
        assert (alarm.alpha, alarm.calibration_rows) == (calibration.alpha, n)
        # p <= alpha: fewer than alpha (n + 1) of the calibration scores are at least as high
        above = sum(score > alarm.threshold for score in calibration.scores)
        assert (above + 1) / (n + 1) <= alarm.alpha < (above + 2) / (n + 1)


def read(bundle):
    document = json.loads((bundle / "report.json").read_text())
    return typed_json.convert(Report, document, "report.json")


def test_rates_are_those_of_the_run(digits_bundle, digits_run):
    alarm = read(digits_bundle).alarms["fp32"]
    metrics = json.loads((digits_run.path / "metrics.json").read_text())
    for name in ("false_alarm_rate", "detection_rate", "auroc"):
        assert getattr(alarm, name) == pytest.approx(metrics[name], abs=1e-6)


def test_accuracy_is_that_of_the_run(states_bundle, states_run):
    metrics = json.loads((states_run.path / "metrics.json").read_text())
    assert read(states_bundle).model.accuracy == metrics["accuracy"]


def test_the_verdict_comes_first(digits_bundle, html_page):
    text = html_page((digits_bundle / "report.html").read_text(encoding="utf-8")).text
    threshold = read(digits_bundle).alarms["fp32"].threshold
    order = ["✓ verified", f"{threshold:.4g} nats", "scorer.tflite", "Reconstructions", "Samples"]
    assert sorted(order, key=text.index) == order


HOSTILE = "<script>alert('x')</script> & $x_1$ 温度 \"q\""


@pytest.fixture(scope="module")
def hostile(table_run):
    """A table whose name and first column are hostile, without labels and history."""
    given = source.of_run(table_run)
    names = (HOSTILE, *given.card.feature_names[1:])
    normal = ~given.test["y"]
    card = dataclasses.replace(given.card, name=HOSTILE, feature_names=names, license=HOSTILE)
    test = {"x": given.test["x"][normal], "y": given.test["y"][normal]}
    return dataclasses.replace(given, card=card, test=test, history={})


@pytest.fixture(scope="module")
def hostile_bundle(hostile, tmp_path_factory):
    out = tmp_path_factory.mktemp("hostile") / "bundle"
    return export(hostile, out, log=lambda line: None)


def test_names_are_text_whatever_they_hold(hostile_bundle, html_page):
    content = (hostile_bundle / "report.html").read_text(encoding="utf-8")
    made = html_page(content)
    assert not made.all("script")
    assert HOSTILE in made.texts  # whole, as the title
    assert any(text.startswith("<script>") and "…" in text for text in made.texts)


def test_without_labels_and_history_there_are_no_empty_pictures(hostile_bundle, html_page):
    text = html_page((hostile_bundle / "report.html").read_text(encoding="utf-8")).text
    assert "Anomalies found" not in text
    assert "Learning" not in text
    assert "False alarms" in text
    assert "nothing is known of how many would be found" in text
    alarm = read(hostile_bundle).alarms["fp32"]
    assert (alarm.auroc, alarm.detection_rate, alarm.anomalies) == (None, None, 0)


def test_charts_are_the_same_each_time(hostile, hostile_bundle):
    known, record = evidence.gather(hostile), read(hostile_bundle)
    assert album.draw(known, record) == album.draw(known, record)


def test_a_loss_that_was_allowed_is_said_first(digits_bundle, html_page):
    record = read(digits_bundle)
    lost = dataclasses.replace(
        record.files[-1].gates["tensors"], result="degraded", lost="It is <b>coarse</b>."
    )
    worse = dataclasses.replace(record.files[-1], gates={"tensors": lost})
    content = page.render(dataclasses.replace(record, files=(*record.files[:-1], worse)), [])
    text = html_page(content).text
    assert "✓ verified" not in text
    assert f"1 of {len(record.files)} files lost more accuracy" in text
    assert "It is <b>coarse</b>." in text


def test_what_is_verified_is_not_what_is_promised(digits_bundle, html_page):
    """Beside the badge stands the alarm's own state, whatever the files do."""
    content = (digits_bundle / "report.html").read_text(encoding="utf-8")
    text = html_page(content).text
    assert "✓ verified: files answer as Keras does" in text
    assert "✓ alarm: keeps its rate" in text
    assert "✓ ranking: better than chance" in text
    assert "warning:" not in text


@pytest.fixture(scope="module")
def foreign_bundle(table_run, tmp_path_factory):
    """A table whose test rows are of another world, and whose anomalies are as normal ones."""
    given = source.of_run(table_run)
    normal = given.test["x"][~given.test["y"]]
    test = {
        "x": np.concatenate([normal * np.float32(1.1), normal]),
        "y": np.arange(2 * len(normal)),
    }
    test["y"] = test["y"] >= len(normal)
    out, said = tmp_path_factory.mktemp("foreign") / "bundle", []
    export(dataclasses.replace(given, test=test), out, log=said.append)
    return out, said


def test_a_promise_that_is_broken_is_said_beside_the_badge_and_in_the_figures(
    foreign_bundle, html_page
):
    bundle, said = foreign_bundle
    alarm = read(bundle).alarms["fp32"]
    assert (alarm.rate, alarm.ranking) == ("exceeded", "no better than chance")
    assert alarm.false_alarm_rate > alarm.most_by_chance
    text = html_page((bundle / "report.html").read_text(encoding="utf-8")).text
    assert "✓ verified: files answer as Keras does" in text
    assert "! alarm: alarms more often than asked: " in text
    assert "! ranking: no better than chance" in text
    assert "warning: the alarm does not keep its rate" in text
    assert [line.split(":")[1] for line in said if line.startswith("warning")] == [
        " the alarm does not keep its rate",
        " the scores do not tell anomalies",
    ]


def test_the_manifest_keeps_what_every_calibration_was_tested_with(foreign_bundle):
    manifest = open_bundle(foreign_bundle[0]).manifest
    assert set(manifest.calibration) == {"fp32", "fp32.neg_elbo"}
    for calibration in manifest.calibration.values():
        assert calibration.trial.false_alarms > calibration.trial.normal_rows / 2
        assert calibration.trial.auroc < 0.5


def test_one_latent_and_classes_can_be_drawn(states_run):
    known = evidence.gather(source.of_run(states_run))
    rows = album.normal_rows(known)
    one = dataclasses.replace(rows, z_mean=rows.z_mean[:, :1])
    classes = known.source.card.classes
    chart = album.figures.latents(one, album.anomalies(known), classes)
    assert "the latent" in chart
    assert all(name in chart for name in classes)


def test_a_column_that_is_constant_among_few_rows_leaves_room_for_its_axes():
    """Its R squared is a number of forty digits, which were once written out."""
    x = np.full(20, 3.0)
    nothing = np.empty(0), np.empty(0)
    drawn = kinds._fit("flow", x, x + np.linspace(1e3, 2e3, 20), nothing)
    assert "R² below -100" in drawn
    assert "R² 0.75" in kinds._fit("flow", np.array([-1.0, 1.0]), np.array([-0.5, 0.5]), nothing)


def test_windows_are_called_windows(pump_bundle, html_page):
    content = (pump_bundle / "report.html").read_text(encoding="utf-8")
    text = html_page(re.sub(r"<details>.*?</details>", "", content, flags=re.S)).text
    assert "windows of 12 rows of 3 channels" in text
    assert "calibration windows" in text
    assert "normal test windows" in text
    assert not re.search(r"(normal|test|calibration|held-back|training) rows", text)
    assert read(pump_bundle).model.noun == "window"


def test_scores_stand_over_the_times_or_the_rows_of_the_file(
    pump_bundle, table_bundle, digits_bundle, html_page
):
    def text(bundle):
        return html_page((bundle / "report.html").read_text(encoding="utf-8")).text

    assert "Scores over time" in text(pump_bundle)
    assert "A window stands at its last row." in text(pump_bundle)
    assert "Scores over the file" in text(table_bundle)
    assert "row of the file" in text(table_bundle)
    assert "Scores over" not in text(digits_bundle)


def test_images_are_called_images(digits_bundle, html_page):
    content = (digits_bundle / "report.html").read_text(encoding="utf-8")
    text = html_page(re.sub(r"<details>.*?</details>", "", content, flags=re.S)).text
    assert "images of 8 x 8 pixels (width x height), grey" in text
    assert "Reconstructions of normal images" in text
    assert not re.search(r"(normal|test|calibration|held-back|training) rows", text)
    assert read(digits_bundle).model.noun == "image"


def test_no_times_of_the_data_are_shown_where_no_rows_are(table_bundle, table_run):
    known, record = evidence.gather(source.of_run(table_run)), read(table_bundle)
    assert "Scores over the file" in [each.title for each in album.draw(known, record)]
    hidden = dataclasses.replace(record, synthetic_probe=True)
    assert "Scores over the file" not in [each.title for each in album.draw(known, hidden)]


def test_labels_of_a_long_axis_are_powers_of_ten():
    """Of levels from a hundredth of a per mille on, ticks at 1, 2 and 5 would overlap."""
    levels = tuple(np.geomspace(1e-5, 0.5, 25))
    drawn = album.figures.calibration(FalseAlarms(levels, levels, levels, levels), 0.01)
    ticks = set(re.findall(r">([\d.]+) %<", drawn))
    assert {"0.001", "0.01", "0.1", "1", "10"} <= ticks
    assert not ticks & {"0.002", "0.02", "0.5", "5"}
