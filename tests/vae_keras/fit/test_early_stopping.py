"""The end of training, and going on after a kill as if nothing had happened."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vae_keras import VAE, DataConfig, ModelConfig, TrainConfig, mlp_pair, train
from vae_keras.data.streams import FileStream
from vae_keras.fit.early_stopping import Stopping
from vae_keras.fit.loop import checkpoint_path, fit

CONFIG = TrainConfig(epochs=6, batch_size=32, learning_rate=1e-2)
ROWS = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)
IDENTITY = {"training": "this one"}
LAST_DIGIT = 2e-7  # TensorFlow is free to add a loss's several terms in any order, once traced


class Kill(Exception):
    """What a power cut is to a test."""


class KillAfter(Stopping):
    """A power cut right after the checkpoint of an epoch, or of one without a checkpoint."""

    def __init__(self, *arguments, epoch, **options):
        super().__init__(*arguments, **options)
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if epoch == self.epoch:
            raise Kill


class Remember(keras.callbacks.Callback):
    """The weights at the end of each epoch."""

    def on_train_begin(self, logs=None):
        self.weights = []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append([np.array(weight) for weight in self.model.get_weights()])


def fresh():
    """Untrained, with dropout: its noise is a state that must survive as well."""
    keras.utils.set_random_seed(0)
    encoder, decoder = mlp_pair((6,), 2, (8,))
    x = keras.Input((6,))
    encoder = keras.Model(x, encoder(keras.layers.Dropout(0.1, seed=3)(x)))
    return VAE(encoder, decoder, likelihood="gaussian")


def trained(path, *, x=ROWS[:200], program="auto", stopping=None, resume=False, patience=30):
    vae, stopping = fresh(), stopping or Stopping(path, IDENTITY, patience, every=0.0)
    config = dataclasses.replace(CONFIG, program=program)
    fit(vae, x, ROWS[200:], config, stopping=stopping, resume=resume, log=lambda _: None)
    return vae, stopping


@pytest.fixture
def stream(tmp_path, monkeypatch):
    """The same training rows, read from a table of several blocks."""
    monkeypatch.setattr("vae_keras.data.streams.BLOCK_ROWS", 50)
    table = pa.table({f"c{i}": column for i, column in enumerate(ROWS[:200].T)})
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=30)
    return FileStream.of(tmp_path / "rows.parquet", table.column_names)


@pytest.mark.parametrize(
    ("kind", "epoch"),
    [("array", 0), ("array", 2), ("array", 4), ("stream", 0), ("stream", 3), ("program", 2)],
)
def test_a_killed_and_resumed_run_ends_with_the_weights_of_one_that_was_not(
    tmp_path, request, kind, epoch
):
    options = {
        "x": request.getfixturevalue("stream") if kind == "stream" else ROWS[:200],
        "program": "epoch" if kind == "program" else "steps",
    }
    whole, whole_stopping = trained(tmp_path / "whole.npz", **options)
    path = tmp_path / "killed.npz"
    killed = KillAfter(path, IDENTITY, 30, every=0.0, epoch=epoch)
    with pytest.raises(Kill):
        trained(path, **options, stopping=killed)
    assert path.exists()
    resumed, stopping = trained(path, **options, resume=True)
    for a, b in zip(whole.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b), err_msg=a.path)
    assert stopping.history == whole_stopping.history


def test_a_killed_run_with_labels_goes_on_as_if_nothing_had_happened(tmp_path):
    labels = {"train": np.arange(200) % 7 - 1, "validation": np.arange(100) % 7 - 1}

    def run(path, stopping=None, resume=False):
        keras.utils.set_random_seed(0)
        vae = VAE(*mlp_pair((6,), 2, (8,)), likelihood="gaussian", classifier=6)
        stopping = stopping or Stopping(path, IDENTITY, 30, every=0.0)
        options = {"stopping": stopping, "labels": labels, "resume": resume, "log": lambda _: None}
        fit(vae, ROWS[:200], ROWS[200:], CONFIG, **options)
        return vae, stopping

    whole, whole_stopping = run(tmp_path / "whole.npz")
    path = tmp_path / "killed.npz"
    with pytest.raises(Kill):
        run(path, KillAfter(path, IDENTITY, 30, every=0.0, epoch=2))
    resumed, stopping = run(path, resume=True)
    for a, b in zip(whole.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b), err_msg=a.path)
    for name, values in whole_stopping.history.items():
        assert stopping.history[name] == pytest.approx(values, rel=LAST_DIGIT), name
    assert {"accuracy", "val_accuracy", "cross_entropy", "consistency"} <= set(stopping.history)


@pytest.mark.parametrize("program", ["steps", "epoch"])
def test_the_best_weights_are_kept_and_training_stops_in_time(tmp_path, program):
    vae, stopping = fresh(), Stopping(tmp_path / "c.npz", IDENTITY, patience=2)
    wild = dataclasses.replace(CONFIG, epochs=50, learning_rate=0.3, program=program)
    remember = Remember()
    options = {"stopping": stopping, "callbacks": [remember], "log": lambda _: None}
    fit(vae, ROWS[:200], ROWS[200:], wild, **options)
    elbos = stopping.history["val_elbo"]
    assert stopping.best_epoch == int(np.argmax(elbos)) == len(elbos) - 1 - 2
    best, last = remember.weights[stopping.best_epoch], remember.weights[-1]
    for kept, expected in zip(vae.get_weights(), best, strict=True):
        np.testing.assert_array_equal(kept, expected)
    assert any((a != b).any() for a, b in zip(best, last, strict=True))


def test_a_run_that_had_stopped_is_not_trained_on_when_resumed(tmp_path):
    path = tmp_path / "c.npz"
    wild = dataclasses.replace(CONFIG, epochs=50, learning_rate=0.3)

    def run(resume):
        vae, stopping = fresh(), Stopping(path, IDENTITY, patience=2)
        options = {"stopping": stopping, "resume": resume, "log": lambda _: None}
        fit(vae, ROWS[:200], ROWS[200:], wild, **options)
        return vae, stopping

    (first, stopped), (second, resumed) = run(False), run(True)
    assert resumed.history == stopped.history
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_checkpoint_outlives_a_run_that_could_not_be_written(tmp_path, sensor_csv, monkeypatch):
    def full(*_, **__):
        raise OSError("no space left on device")

    data = DataConfig(str(sensor_csv), label="broken", folds=1)
    options = {"out": tmp_path / "run", "log": lambda _: None}
    model, config = ModelConfig(hidden=(8,)), TrainConfig(epochs=3, patience=1)
    monkeypatch.setattr(Stopping.__init__, "__defaults__", (0.0,))
    with monkeypatch.context() as patch:
        patch.setattr("vae_keras.training.write_run", full)
        with pytest.raises(OSError, match="no space left"):
            train(data, model, config, **options)
    assert checkpoint_path(tmp_path / "run").exists()
    train(data, model, config, resume=True, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_without_a_checkpoint_resuming_begins_anew(tmp_path):
    whole, _ = trained(tmp_path / "a.npz")
    again, _ = trained(tmp_path / "b.npz", resume=True)
    for a, b in zip(whole.variables, again.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    path = tmp_path / "c.npz"
    with pytest.raises(Kill):
        trained(path, stopping=KillAfter(path, IDENTITY, 30, every=0.0, epoch=1))
    other = Stopping(path, {"training": "another one"}, 30)
    with pytest.raises(ValueError, match=r"another training\. Train without --resume"):
        trained(path, stopping=other, resume=True)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "c.npz"
    path.write_bytes(b"half of a checkpoint")
    with pytest.raises(ValueError, match=r"c\.npz cannot be read.*without --resume"):
        trained(path, resume=True)


SCRIPT = """
import sys
import vae_keras.fit.early_stopping as stopping
from vae_keras.cli import main
stopping.Stopping.__init__.__defaults__ = (0.0,)  # a checkpoint at every epoch
sys.exit(main(sys.argv[1:]))
"""


def test_a_command_that_is_killed_goes_on_with_resume(tmp_path, sensor_csv):
    options = ["--label", "broken", "--hidden", "8", "--epochs", "40", "--folds", "1"]
    killed = ["train", "--data", str(sensor_csv), "--out", str(tmp_path / "killed"), *options]
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *killed],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not checkpoint_path(tmp_path / "killed").exists() and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()

    data, model = DataConfig(str(sensor_csv), label="broken", folds=1), ModelConfig(hidden=(8,))
    said = []
    runs = [
        train(
            data, model, TrainConfig(epochs=40), out=tmp_path / name, resume=True, log=said.append
        )
        for name in ("killed", "whole")
    ]
    assert sum(line.startswith("resumed after epoch") for line in said) == 1
    (first, _), (second, _) = runs
    np.testing.assert_array_equal(first.calibration["score"], second.calibration["score"])
