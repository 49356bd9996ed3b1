"""One model under two backends: trained under JAX it is the model that it would be elsewhere."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
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
    options += ["--folds", "1"]
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


# Trains whole, and killed before its fourth epoch, then resumed; from a stream or from memory.
RESUMED = """
import sys
import keras
import numpy as np
import vae_keras.data.streams as streams
from vae_keras import DataConfig, ModelConfig, TrainConfig, train
from vae_keras.fit.early_stopping import Stopping

Stopping.__init__.__defaults__ = (0.0,)  # a checkpoint at every epoch
streams.BLOCK_ROWS = 200
assert keras.backend.backend() == "jax"

class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3:
            raise KeyboardInterrupt

def run(name, **options):
    data = DataConfig(sys.argv[1], label="broken", stream=sys.argv[3] == "stream", folds=1)
    program = "epoch" if sys.argv[3] == "program" else "steps"
    config = TrainConfig(epochs=6, learning_rate=3e-3, program=program)
    model = ModelConfig(hidden=(16,), latent_dim=3)
    return train(data, model, config, out=f"{sys.argv[2]}/{name}", log=said.append, **options)[0]

said = []
whole = run("whole")
try:
    run("killed", callbacks=[Kill()])
except KeyboardInterrupt:
    resumed = run("killed", resume=True)
assert "resumed after epoch 3" in said, said
for a, b in zip(whole.vae.get_weights(), resumed.vae.get_weights(), strict=True):
    np.testing.assert_array_equal(a, b)
np.testing.assert_array_equal(whole.calibration["score"], resumed.calibration["score"])
"""


@pytest.mark.parametrize("rows", ["stream", "memory", "program"])
def test_what_was_killed_and_resumed_under_jax_has_the_very_weights(sensor_csv, tmp_path, rows):
    table = pyarrow.csv.read_csv(sensor_csv)
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=64)
    done = subprocess.run(
        [sys.executable, "-c", RESUMED, tmp_path / "rows.parquet", tmp_path, rows],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    runner = Runner.load(export(tmp_path / "whole", tmp_path / "bundle", log=lambda _: None))
    assert runner.selftest().passed


SAME_UNDER_BOTH = """
import sys
import numpy as np
import keras
from vae_keras import VAE, mlp_pair
x = np.random.default_rng(0).normal(size=(64, 6)).astype(np.float32)
y = np.where(np.arange(64) % 4 == 0, np.arange(64) % 3, -1)
vae = VAE(*mlp_pair((6,), 2, (8,)), likelihood="gaussian", classifier=3)
for i, weight in enumerate(vae.trainable_variables):
    draws = np.random.default_rng(i).normal(0.0, 0.3, weight.shape)
    weight.assign(draws.astype(np.float32))
vae.compile(keras.optimizers.SGD(0.0))
losses = vae.evaluate(x, y, batch_size=24, verbose=0, return_dict=True)
vae.compile(keras.optimizers.Adam(1e-2))
history = vae.fit(x, y, epochs=20, verbose=0).history
print(repr([float(losses["cross_entropy"]), float(losses["accuracy"]), history["loss"]]))
print(repr(np.asarray(vae.classify(x)).sum(1).tolist()), file=sys.stderr)
"""


def test_a_classifier_has_the_losses_under_jax_that_it_has_under_tensorflow():
    """Noise is drawn by each backend in its own way, but not for cross-entropy and accuracy."""
    answers = {}
    for backend in ("tensorflow", "jax"):
        environment = {**os.environ, "KERAS_BACKEND": backend}
        code = [sys.executable, "-c", SAME_UNDER_BOTH]
        done = subprocess.run(code, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        answers[backend] = ast.literal_eval(done.stdout)
    (cross_entropy, accuracy, losses), there = answers["jax"], answers["tensorflow"]
    assert cross_entropy == pytest.approx(there[0], rel=BACKENDS)
    assert accuracy == there[1]
    assert losses[-1] < losses[0] - 1
    assert losses[-1] == pytest.approx(there[2][-1], rel=0.2)  # the same but for the noise


@pytest.fixture(scope="module")
def jax_states_run(tmp_path_factory, states_csv):
    out = tmp_path_factory.mktemp("jax") / "states"
    options = ["--classes", "state", "--hidden", "16", "--epochs", "25", "--learning-rate", "3e-3"]
    options += ["--folds", "1"]
    done = command("vae-keras", "train", "--data", states_csv, "--out", out, *options)
    assert done.returncode == 0, done.stderr
    return open_run(out)


def test_classes_learnt_under_jax_are_those_of_the_exported_classifier(jax_states_run, tmp_path):
    metrics = json.loads((jax_states_run.path / "metrics.json").read_text())
    assert metrics["accuracy"] > 0.9
    runner = Runner.load(export(jax_states_run, tmp_path / "bundle", log=lambda _: None))
    known = jax_states_run.test["labels"] >= 0
    likeliest = runner.classify(jax_states_run.test["x"][known]).argmax(1)
    assert (likeliest == jax_states_run.test["labels"][known]).mean() > 0.8
