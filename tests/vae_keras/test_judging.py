"""From the command line to a page, as a stranger types it."""

import json

import pytest

from vae_keras.cli import main


def call(*arguments):
    return main(["evaluate", *map(str, arguments)])


def test_a_bundle_and_its_run_write_the_same_page(
    pump_run, pump_bundle, pump_csv, tmp_path, capsys
):
    said = []
    for judged in (pump_run.path, pump_bundle):
        page, picture = tmp_path / f"{judged.name}.html", tmp_path / f"{judged.name}.png"
        assert call(judged, "--data", pump_csv, "--out", page, "--png", picture) == 0
        done = capsys.readouterr()
        said.append(done.out)
        assert "columns of the model: label 'fault', recording 'machine'" in done.err
        assert f"wrote {page}" in done.err
        assert "m5" in page.read_text(encoding="utf-8")
        assert picture.read_bytes().startswith(b"\x89PNG")
    assert said[0] == said[1]
    assert "normal windows" in said[0]
    assert "of 23 anomalies, AUROC" in said[0]


def test_figures_for_scripts(pump_bundle, pump_csv, capsys):
    assert call(pump_bundle, "--data", pump_csv, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["rows_are"] == "windows"
    assert [each["name"] for each in figures["recordings"]] == [f"m{i}" for i in range(6)]
    own = next(level for level in figures["levels"] if level["alpha"] == figures["alpha"])
    assert own["false_alarm_rate"] == figures["false_alarm_rate"]
    assert figures["auprc"] > 0.9


def test_the_test_rows_of_a_run_and_images_have_a_page(table_run, digits_run, tmp_path):
    assert call(table_run.path, "--out", tmp_path / "rows.html") == 0
    page = (tmp_path / "rows.html").read_text(encoding="utf-8")
    assert "the run&#x27;s test rows" in page
    assert "row of the file" in page
    assert call(digits_run.path, "--data", "digits", "--out", tmp_path / "digits.html") == 0
    assert "Highest scores" in (tmp_path / "digits.html").read_text(encoding="utf-8")


def test_machines_of_a_fleet_are_judged_by_their_own(fleet_run, fleet_csv, tmp_path, capsys):
    assert call(fleet_run.path, "--data", fleet_csv, "--out", tmp_path / "fleet.html") == 0
    assert "columns of the model: machine 'machine'" in capsys.readouterr().err
    assert "by machine" in (tmp_path / "fleet.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (("--out", "page.pdf"), "expected an output of .html"),
        (("--png", "page.jpg"), "expected an output of .png"),
        (("--out", "."), "expected an output of .html"),
    ],
)
def test_outputs_of_other_kinds_are_refused_before_any_work(table_run, output, message, capsys):
    assert call(table_run.path, *output) == 1
    assert message in capsys.readouterr().err


def test_a_missing_library_is_said_in_a_line(table_run, tmp_path, monkeypatch, capsys):
    from vae_runtime._base import libraries

    monkeypatch.setattr(
        libraries, "_why_not", lambda module: "" if module == "matplotlib" else None
    )
    assert call(table_run.path, "--out", tmp_path / "page.html") == 1
    assert "needs matplotlib: pip install matplotlib" in capsys.readouterr().err
