"""A likelihood that came later than all else, from heavy-tailed rows to 8 bits on a device."""

import csv

import numpy as np
import pytest

from vae_export.cli import main as export_main
from vae_keras.cli import main as train_main
from vae_keras.run import open_run
from vae_runtime import Runner
from vae_runtime.bundle import open_bundle

FILES = [("onnxruntime", "fp32"), ("onnxruntime", "int8"), ("litert", "fp32"), ("litert", "int8")]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Of four sensors that follow one load, with noise of two degrees of freedom."""
    folder, rng = tmp_path_factory.mktemp("readings"), np.random.default_rng(0)
    rows = rng.normal(size=(1500, 1)) * [1, -1, 2, 0.5] + 0.1 * rng.standard_t(2.0, (1500, 4))
    faulty = rows[:40] * [1, 1, -1, 1]  # one goes the wrong way
    with (folder / "readings.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "c", "d", "fault"])
        writer.writerows([*row, 0] for row in rows[40:].tolist())
        writer.writerows([*row, 1] for row in faulty.tolist())
    asked = ["--likelihood", "student_t", "--label", "fault", "--folds", "1", "--epochs", "30"]
    asked += ["--hidden", "32", "--learning-rate", "0.005", "--centres", "20"]
    out = folder / "run"
    data = str(folder / "readings.csv")
    assert train_main(["train", "--data", data, "--out", str(out), *asked]) == 0
    return out


@pytest.fixture(scope="module")
def bundle(run):
    """Every precision of both formats, whatever so small a model loses of its verdicts."""
    out = run.parent / "bundle"
    precisions = ["--precision", "fp32,fp16,dynamic,int8", "--allow-degraded", "--strict"]
    assert export_main([str(run), "--out", str(out), *precisions]) == 0
    return out


def test_run_and_manifest_say_its_name(run, bundle):
    opened = open_run(run)
    assert opened.config.model.likelihood == "student_t"
    assert type(opened.vae.likelihood).__name__ == "StudentT"
    assert opened.vae.likelihood.sigma == "per_feature"
    assert open_bundle(bundle).manifest.model.likelihood == "student_t"


@pytest.mark.parametrize(("backend", "precision"), FILES)
def test_every_file_answers_and_alarms_as_keras_does(run, bundle, backend, precision):
    runner, opened = Runner.load(bundle, backend=backend, precision=precision), open_run(run)
    assert runner.selftest().passed
    x, y = opened.test["x"], opened.test["y"]
    scores, keras = runner.score(x), np.asarray(opened.vae.score(x)["score"])
    if precision == "fp32":
        np.testing.assert_allclose(scores.score, keras, rtol=1e-4, atol=1e-3)
    assert (
        np.corrcoef(np.argsort(np.argsort(scores.score)), np.argsort(np.argsort(keras)))[0, 1]
        > 0.95
    )
    assert scores.is_anomaly[~y].mean() < 0.1
    assert np.median(scores.score[y]) > np.median(scores.score[~y])
    nats = runner.explain(x[:5])
    assert nats.shape == (5, 4)
    assert np.isfinite(nats).all()


def test_a_synthetic_probe_has_its_noise(run, tmp_path):
    out = tmp_path / "private"
    assert export_main([str(run), "--out", str(out), "--formats", "onnx", "--synthetic-probe"]) == 0
    assert Runner.load(out).selftest().passed
