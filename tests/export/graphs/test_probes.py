"""Probes without a row of the data: they hold none, and test as much as probes of real rows."""

import dataclasses
import hashlib
import json

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from vae_export import ExportError, export
from vae_export.cli import main
from vae_export.graphs.functions import build_graphs
from vae_export.graphs.probes import (
    check_spread,
    make_probe,
    make_synthetic_probe,
    synthetic_rows,
)
from vae_runtime import Runner
from vae_runtime.bundle import open_bundle
from vae_runtime.bundle.writer import write
from vae_runtime.verdicts.foreign_rows import gross_faults

RUNS = ("digits_run", "table_run", "pump_run")


@pytest.fixture(scope="module", params=RUNS)
def run(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("synthetic") / "bundle"
    return export(run, out, formats=("onnx",), synthetic_probe=True, log=lambda line: None)


def known_rows(run):
    parts = [split["x"] for split in (run.training, run.calibration, run.test)]
    return {row.tobytes() for part in parts for row in np.asarray(part, np.float32)}


def test_no_row_of_the_probe_is_one_of_the_data(run, bundle):
    x = open_bundle(bundle).read_probe()["x"]
    assert len(x) == 16
    assert not {row.tobytes() for row in x} & known_rows(run)


def test_no_latent_of_the_probe_is_that_of_a_row(run, bundle):
    z = open_bundle(bundle).read_probe()["z"]
    rows = np.concatenate([run.calibration["x"], run.test["x"]])
    latents = np.asarray(run.vae.encode(rows)[0])
    assert np.abs(z[:, None] - latents).max(axis=-1).min() > 1e-4


def test_the_runner_tests_benches_and_calibrates_with_it(bundle):
    runner = Runner.load(bundle)
    assert runner.selftest().passed
    assert runner.score(runner.probe_rows()).score.shape == (16,)
    opened = open_bundle(bundle)
    faults = gross_faults(runner.probe_rows(), opened.manifest.model)
    usual = np.array(opened.manifest.calibration["fp32"].scores)
    assert np.mean(runner.score(faults).score > usual[-1]) > 0.9


def test_the_report_shows_no_rows_and_says_so(bundle):
    page = (bundle / "report.html").read_text(encoding="utf-8")
    assert "--synthetic-probe" in page
    assert "data:image/png" not in page
    for title in ("Reconstructions", "Samples", "Latents"):
        assert f"<h3>{title}" not in page
    assert json.loads((bundle / "report.json").read_text())["synthetic_probe"] is True


def scaled(weight):
    return weight * 1.05


def zeroed(weight):
    return weight * 0


@pytest.mark.parametrize("role", ["encoder", "decoder", "scorer"])
@pytest.mark.parametrize("change", [scaled, zeroed])
def test_damaged_weights_are_caught(bundle, tmp_path, role, change):
    opened = open_bundle(bundle)
    model = onnx.load(str(bundle / f"{role}.onnx"))
    weight = max(model.graph.initializer, key=lambda t: np.prod(t.dims))
    value = change(numpy_helper.to_array(weight)).astype(np.float32)
    weight.CopyFrom(numpy_helper.from_array(value, weight.name))
    assert not selftest_with(opened, tmp_path, f"{role}.onnx", model.SerializeToString())


def selftest_with(opened, folder, name, content):
    """Whether a bundle passes with other bytes in a file, of which its hashes know."""
    identity = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    files = [
        dataclasses.replace(file, **identity) if file.name == name else file
        for file in opened.manifest.files
    ]
    contents = {file.name: opened.read(file) for file in opened.manifest.files}
    document = dataclasses.replace(opened.manifest, files=tuple(files))
    made = write(folder / "made", {**contents, name: content}, document, check=lambda path: None)
    return Runner.load(made).selftest().passed


def test_answers_that_hardly_differ_are_refused():
    real = {"x": np.zeros(3), "scorer.score": np.arange(16.0)}
    check_spread({"scorer.score": 0.3 * np.arange(16.0)}, real, {})
    for times in (0.0, 0.2, 5.0):
        with pytest.raises(ExportError, match=rf"{times:g} times that of scorer.score.*real rows"):
            check_spread({"scorer.score": times * np.arange(16.0)}, real, {})


def test_what_real_rows_do_not_tell_either_is_not_asked_for():
    same = {"scorer.kl": np.full(16, 0.25)}
    check_spread(same, same, {})


def test_columns_count_by_their_own_scale():
    """Pascals that swing do not hide that grams are the same in all rows."""
    swings, same = np.arange(16.0), np.full(16, 8.0)
    real = {"decoder.x_mean": np.stack([swings, 1e-4 * swings], 1)}
    without_pascals = {"decoder.x_mean": np.stack([0.1 * swings, 1e-4 * swings], 1)}
    check_spread(without_pascals, real, {"decoder.x_mean": np.array([10.0, 1e-4])})
    without_grams = {"decoder.x_mean": np.stack([swings, 1e-4 * same], 1)}
    with pytest.raises(ExportError, match=r"decoder\.x_mean"):
        check_spread(without_grams, real, {"decoder.x_mean": np.array([10.0, 1e-4])})


def test_bytes_are_drawn_as_whole_numbers(digits_run):
    x = synthetic_rows(digits_run.vae, "uint8", digits_run.calibration["x"][:16])
    assert x.dtype == np.uint8
    assert x.shape == (16, 8, 8, 1)


def test_draws_are_the_same_each_time(table_files, table_run):
    graphs = build_graphs(table_run.vae, "float32")
    first, second = (make_synthetic_probe(graphs, table_files.evidence) for _ in range(2))
    assert all(np.array_equal(first[key], second[key]) for key in first)
    assert first.keys() == make_probe(graphs, table_files.evidence.feeds).keys()


def test_a_decoder_that_says_the_same_to_all_is_refused_and_leaves_no_bundle(
    digits_run, tmp_path, monkeypatch, capsys
):
    rows = np.zeros((16, 8, 8, 1), np.float32)
    monkeypatch.setattr("vae_export.graphs.probes.synthetic_rows", lambda *_, **__: rows)
    arguments = [str(digits_run.path), "--out", str(tmp_path / "b"), "--synthetic-probe"]
    assert main(arguments) == 1
    assert "--synthetic-probe: expected rows drawn" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_command_says_that_centres_stay(table_run, tmp_path, capsys):
    """And the report of every bundle says what of the data is in it."""
    out = tmp_path / "b"
    arguments = [str(table_run.path), "--out", str(out), "--formats", "onnx", "--synthetic-probe"]
    assert main(arguments) == 0
    assert "--centres 0" in capsys.readouterr().err
    assert "centres of the score" in (out / "report.html").read_text(encoding="utf-8")


def test_the_report_says_that_real_rows_are_there(table_bundle):
    page = (table_bundle / "report.html").read_text(encoding="utf-8")
    assert "The bundle holds rows of your data" in page
    assert json.loads((table_bundle / "report.json").read_text())["synthetic_probe"] is False
