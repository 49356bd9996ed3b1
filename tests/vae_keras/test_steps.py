"""One model under two backends: trained under JAX it is the model that it would be elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from vae_export import export
from vae_keras import open_run
from vae_keras.evaluate import score_rows
from vae_runtime import Runner

BACKENDS = 1e-5  # float32 kernels of two frameworks, relative to the largest score


def command(*arguments):
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    script = Path(sys.executable).with_name(arguments[0])
    return subprocess.run(
        [script, *arguments[1:]], env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def jax_run(tmp_path_factory, sensor_csv):
    out = tmp_path_factory.mktemp("jax") / "run"
    options = ["--label", "broken", "--hidden", "32,16", "--epochs", "25", "--schedule", "warmup"]
    done = command("vae-keras", "train", "--data", sensor_csv, "--out", out, *options)
    assert done.returncode == 0, done.stderr
    return open_run(out)


def test_it_learns_under_jax(jax_run):
    lines = (jax_run.path / "history.csv").read_text().splitlines()
    elbo = [float(line.split(",")[lines[0].split(",").index("val_elbo")]) for line in lines[1:]]
    assert elbo[-1] > elbo[0] + 1


def test_its_scores_under_tensorflow_are_those_under_jax(jax_run):
    assert keras.backend.backend() == "tensorflow"
    here, there = score_rows(jax_run.vae, jax_run.calibration["x"])["score"], jax_run.calibration
    np.testing.assert_allclose(here, there["score"], atol=BACKENDS * np.abs(there["score"]).max())


def test_it_exports_with_the_same_scores(jax_run, tmp_path):
    runner = Runner.load(export(jax_run, tmp_path / "bundle", log=lambda _: None))
    score, there = runner.score(jax_run.calibration["x"]).score, jax_run.calibration["score"]
    np.testing.assert_allclose(score, there, atol=BACKENDS * np.abs(there).max())


def test_exporting_under_jax_is_refused_with_what_to_do(jax_run, tmp_path):
    done = command("vae-export", jax_run.path, "--out", tmp_path / "bundle")
    assert done.returncode == 1
    assert "expected KERAS_BACKEND=tensorflow to export" in done.stderr
    assert not list(tmp_path.iterdir())
