"""Training as a whole: what it learns, what it repeats, what it refuses before wasting time."""

import csv
import dataclasses
import json

import keras
import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from PIL import Image

from vae_keras import (
    VAE,
    DataConfig,
    ModelConfig,
    Split,
    TrainConfig,
    mlp_pair,
    train,
)
from vae_keras.data import fingerprint
from vae_keras.evaluate import evaluate_run, warnings
from vae_keras.fit.early_stopping import Stopping
from vae_keras.fit.loop import describe_latents

QUIET = {"log": lambda line: None}
TINY = ModelConfig(hidden=(8,), latent_dim=2)
REST = ("validation", "calibration", "test", "test_y")  # of a split, beside train


def test_the_loss_falls(digits_run):
    with (digits_run.path / "history.csv").open() as file:
        loss = [float(row["val_loss"]) for row in csv.DictReader(file)]
    assert loss[-1] < loss[0] - 5


def test_sensors_out_of_step_are_found(table_run):
    metrics = json.loads((table_run.path / "metrics.json").read_text())
    assert metrics["auroc"] > 0.98
    assert metrics["detection_rate"] > 0.8


def test_movements_out_of_step_are_found(pump_run):
    metrics = json.loads((pump_run.path / "metrics.json").read_text())
    assert metrics["anomalies"] == 23
    assert metrics["auroc"] > 0.95
    assert metrics["detection_rate"] > 0.8


def test_a_run_of_windows_says_what_they_are(pump_run):
    card = pump_run.data
    assert (card.input_shape, card.stride) == ((12, 3), 3)
    assert card.feature_names == ("pressure", "flow", "current")
    assert pump_run.vae.preprocessing.offset.shape == (3,)
    assert pump_run.vae.likelihood.log_sigma.shape == (12, 3)


def test_the_same_seed_gives_the_same_run(tmp_path, sensor_csv):
    def scores(name):
        data = DataConfig(str(sensor_csv), label="broken", folds=1)
        run, _ = train(data, TINY, TrainConfig(epochs=2), out=tmp_path / name, **QUIET)
        return run.calibration["score"]

    np.testing.assert_array_equal(scores("first"), scores("second"))


def test_an_earlier_run_is_replaced_and_nothing_is_left_beside_it(tmp_path, sensor_csv):
    data = DataConfig(str(sensor_csv), label="broken", folds=1)
    for epochs in (1, 2):
        train(data, TINY, TrainConfig(epochs=epochs), out=tmp_path / "run", **QUIET)
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_early_stopping_keeps_the_best_weights(tmp_path, sensor_csv):
    """A learning rate that wrecks the model must not wreck what is saved."""
    data = DataConfig(str(sensor_csv), label="broken", folds=1)
    config = TrainConfig(epochs=30, patience=3, learning_rate=0.3)
    run, _ = train(data, TINY, config, out=tmp_path / "run", **QUIET)
    with (run.path / "history.csv").open() as file:
        elbos = [float(row["val_elbo"]) for row in csv.DictReader(file)]
    assert len(elbos) == elbos.index(max(elbos)) + 1 + 3
    assert run.calibration["score"].mean() < -np.mean(elbos[-3:])


def test_uint8_images_are_taken_as_they_are(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (600, 6, 6, 1)).astype(np.uint8)
    np.savez(tmp_path / "images.npz", x=x)
    data = DataConfig(str(tmp_path / "images.npz"), folds=1)
    model = ModelConfig(hidden=(4, 8))
    run, metrics = train(data, model, TrainConfig(epochs=1), out=tmp_path / "run", **QUIET)
    assert run.data.input_dtype == "uint8"
    assert metrics.auroc is None  # there are no anomalies to rank


def test_too_few_calibration_rows_are_refused_before_training(tmp_path):
    np.savez(tmp_path / "few.npz", x=np.random.default_rng(0).normal(size=(200, 3)))
    data = DataConfig(str(tmp_path / "few.npz"), folds=1)
    with pytest.raises(
        ValueError, match=r"at least 99 calibration rows .*Received: 40,.*--folds 5"
    ):
        train(data, TINY, TrainConfig(epochs=1), out=tmp_path / "run", **QUIET)
    assert not (tmp_path / "run").exists()


def test_a_bernoulli_likelihood_of_unlimited_values_is_refused(tmp_path, sensor_csv):
    data = DataConfig(str(sensor_csv), label="broken", folds=1)
    model = ModelConfig(likelihood="bernoulli")
    with pytest.raises(ValueError, match=r"known to lie within limits.*--value-range"):
        train(data, model, TrainConfig(epochs=1), out=tmp_path / "run", **QUIET)


def test_divergence_is_refused_and_leaves_no_run(tmp_path, sensor_csv):
    data = DataConfig(str(sensor_csv), label="broken", folds=1)
    config = TrainConfig(epochs=5, learning_rate=1e9)
    with pytest.raises(ValueError, match=r"training diverged.*epoch \d.*--learning-rate"):
        train(data, TINY, config, out=tmp_path / "run", **QUIET)
    assert not (tmp_path / "run").exists()


def test_a_directory_of_something_else_is_not_replaced(tmp_path, sensor_csv):
    (tmp_path / "thesis.txt").write_text("years of work")
    data, said = DataConfig(str(sensor_csv), label="broken", folds=1), []
    with pytest.raises(ValueError, match="Choose another path"):
        train(data, TINY, TrainConfig(epochs=1), out=tmp_path, log=said.append)
    assert said == []  # refused before any work
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("schedule", ["constant", "warmup", "cyclical"])
def test_schedules_take_their_share_of_the_steps(tmp_path, sensor_csv, schedule):
    data = DataConfig(str(sensor_csv), label="broken", folds=1)
    config = TrainConfig(epochs=10, schedule=schedule, warmup=0.5)
    run, _ = train(data, TINY, config, out=tmp_path / "run", **QUIET)
    with (run.path / "history.csv").open() as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    share = [(row["loss"] - row["nll"]) / row["kl"] for row in rows]
    assert share[5:] == pytest.approx([1.0] * 5, abs=1e-3)
    if schedule == "warmup":
        assert share[:5] == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9], abs=0.06)
    if schedule == "cyclical":
        assert min(share[:5]) < 0.8


def test_mixed_precision_trains_and_leaves_a_model_in_float32(tmp_path, sensor_csv):
    data = DataConfig(str(sensor_csv), label="broken", folds=1)
    config = TrainConfig(epochs=15, precision="mixed_bfloat16", learning_rate=3e-3)
    run, metrics = train(data, TINY, config, out=tmp_path / "run", **QUIET)
    policies = {layer.dtype_policy.name for layer in run.vae.encoder.layers}
    assert policies == {"float32"}
    assert metrics.auroc > 0.95
    losses = (run.path / "history.csv").read_text().splitlines()
    assert len(losses) == 16


def test_mixed_precision_computes_its_loss_in_float32(sensor_csv):
    encoder, decoder = mlp_pair((6,), 2, (8,), dtype="mixed_bfloat16")
    vae = VAE(encoder, decoder, likelihood="gaussian")
    x = np.zeros((4, 6), np.float32)
    assert keras.backend.standardize_dtype(encoder(x)[0].dtype) == "bfloat16"
    losses = vae.objective(x, training=False).values()
    assert {keras.backend.standardize_dtype(value.dtype) for value in losses} == {"float32"}


def test_a_collapsed_posterior_is_said_so(tmp_path):
    """Where the kl costs too much, no latent is used, and the user must know."""
    np.savez(tmp_path / "noise.npz", x=np.random.default_rng(0).normal(size=(700, 3)))
    data, said = DataConfig(str(tmp_path / "noise.npz"), folds=1), []
    config = TrainConfig(epochs=40, learning_rate=1e-2, patience=40)
    model = ModelConfig(hidden=(8,), latent_dim=2, beta=20.0)
    train(data, model, config, out=tmp_path / "run", log=said.append)
    assert said[-1].startswith("0 of 2 latents are active: the posterior has collapsed")


def test_active_latents_are_counted(table_run):
    rows = table_run.calibration["x"]
    assert describe_latents(table_run.vae, rows).startswith(("1 of 3", "2 of 3"))


def test_callbacks_of_keras_are_called(tmp_path, sensor_csv):
    data, log = DataConfig(str(sensor_csv), label="broken", folds=1), tmp_path / "log.csv"
    callbacks = [keras.callbacks.CSVLogger(log)]
    train(data, TINY, TrainConfig(epochs=2), out=tmp_path / "r", callbacks=callbacks, **QUIET)
    assert len(log.read_text().splitlines()) == 3


@pytest.mark.parametrize("sigma", ["per_feature", "shared", "optimal"])
def test_each_kind_of_sigma_finds_broken_sensors(tmp_path, sensor_csv, sigma):
    data = DataConfig(str(sensor_csv), label="broken", folds=1)
    model = ModelConfig(hidden=(32, 16), sigma=sigma)
    config = TrainConfig(epochs=25, learning_rate=3e-3)
    run, metrics = train(data, model, config, out=tmp_path / "run", **QUIET)
    assert run.vae.likelihood.sigma == sigma
    assert metrics.auroc > 0.97


# Streams


@pytest.fixture(scope="module")
def sensor_parquet(tmp_path_factory, sensor_csv):
    """The table of sensors in row groups of 100 rows."""
    path = tmp_path_factory.mktemp("data") / "sensors.parquet"
    pq.write_table(pyarrow.csv.read_csv(sensor_csv), path, row_group_size=100)
    return path


def test_a_stream_is_trained_on_as_a_table_is(tmp_path, sensor_parquet, monkeypatch):
    monkeypatch.setattr("vae_keras.data.streams.BLOCK_ROWS", 250)
    config = TrainConfig(epochs=30, learning_rate=3e-3)
    model = ModelConfig(hidden=(32, 16))
    runs = {}
    for stream in (False, True):
        data = DataConfig(str(sensor_parquet), label="broken", stream=stream, folds=1)
        runs[stream], metrics = train(data, model, config, out=tmp_path / str(stream), **QUIET)
        assert metrics.auroc > 0.98
    table, streamed = runs[False], runs[True]
    for rows in ("calibration", "test"):
        np.testing.assert_array_equal(getattr(streamed, rows)["x"], getattr(table, rows)["x"])
    assert streamed.data.rows == table.data.rows
    assert streamed.data.feature_names == table.data.feature_names
    for name in ("offset", "scale"):
        there = getattr(table.vae.preprocessing, name)
        np.testing.assert_allclose(getattr(streamed.vae.preprocessing, name), there, rtol=1e-6)


# Rows of the caller's own


@pytest.fixture(scope="module")
def own_rows(sensor_csv):
    values = np.loadtxt(sensor_csv, delimiter=",", skiprows=1, dtype=np.float32)
    normal, anomalies = values[values[:, 6] == 0, :6], values[values[:, 6] == 1, :6]
    test = np.concatenate([normal[800:], anomalies])
    return Split(normal[:600], normal[600:680], normal[680:800], test, np.arange(140) >= 100)


@pytest.mark.parametrize("kind", ["array", "dataset"])
def test_rows_of_the_callers_own_are_trained_on(tmp_path, own_rows, kind):
    rows, said = own_rows, []
    if kind == "dataset":
        dataset = tf.data.Dataset.from_tensor_slices(rows.train).shuffle(600, seed=0).batch(50)
        rows = Split(dataset, rows.validation, rows.calibration, rows.test, rows.test_y)
    names = ("temperature", "vibration", "pressure", "flow", "current", "speed")
    run, metrics = train(
        DataConfig("my sensors", columns=names),
        ModelConfig(hidden=(32, 16)),
        TrainConfig(epochs=30, learning_rate=3e-3),
        out=tmp_path / "run",
        rows=rows,
        log=said.append,
    )
    assert metrics.auroc > 0.98
    assert evaluate_run(run) == metrics
    assert (run.data.name, run.data.feature_names) == ("my sensors", names)
    assert run.data.rows == {"train": 600, "validation": 80, "calibration": 120, "test": 140}
    np.testing.assert_array_equal(run.calibration["x"], own_rows.calibration)
    np.testing.assert_array_equal(run.test["y"], own_rows.test_y)
    mean = own_rows.train.mean(0, np.float64)
    np.testing.assert_allclose(run.vae.preprocessing.offset, mean, rtol=1e-6)
    if kind == "array":
        assert run.data.fingerprint == fingerprint(own_rows.train)
    assert said[0].startswith("my sensors: rows of 6: 600 to train, 80 to validate, 120 to")


def test_rows_of_the_callers_own_are_checked_before_training(tmp_path, own_rows):
    rows = Split(own_rows.train.astype(float), *[getattr(own_rows, n) for n in REST])
    with pytest.raises(ValueError, match="expected train of float32 or uint8"):
        train(DataConfig("mine"), TINY, TrainConfig(), out=tmp_path / "run", rows=rows, **QUIET)
    assert not (tmp_path / "run").exists()


# Images


def test_a_folder_of_images_is_trained_on(tmp_path):
    rng, folder = np.random.default_rng(0), tmp_path / "photos"
    for name, count in (("good", 240), ("scratched", 20)):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            pixels = np.linspace(0, 200, 64).reshape(8, 8) + rng.normal(0, 10, (8, 8))
            if name == "scratched":
                pixels[:, 3] = 255
            image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
            image.save(folder / name / f"{i}.png")
    model = ModelConfig(hidden=(4, 8), latent_dim=2)
    config = TrainConfig(epochs=10, learning_rate=1e-2, alpha=0.05)
    run, metrics = train(
        DataConfig(str(folder), folds=1), model, config, out=tmp_path / "run", **QUIET
    )
    assert (run.data.input_shape, run.data.input_dtype) == ((8, 8, 1), "uint8")
    assert run.data.value_range == (0.0, 255.0)
    assert run.config.model.likelihood == "bernoulli"
    assert metrics.anomalies == 20
    assert metrics.auroc > 0.9


def test_few_labels_are_enough_for_classes_that_lie_apart(states_run):
    metrics = json.loads((states_run.path / "metrics.json").read_text())
    assert metrics["accuracy"] > 0.9


def test_a_run_with_other_labels_is_another_run(tmp_path, states_csv, monkeypatch):
    """Rows alone do not say so; a checkpoint must."""
    config = TrainConfig(epochs=1)
    data = DataConfig(str(tmp_path / "machine.csv"), classes="state", folds=1)
    (tmp_path / "machine.csv").write_text(states_csv.read_text())

    def full(*_, **__):
        raise OSError("no space left on device")

    monkeypatch.setattr(Stopping.__init__, "__defaults__", (0.0,))  # checkpoints at once
    with monkeypatch.context() as patch:
        patch.setattr("vae_keras.training.write_run", full)
        with pytest.raises(OSError, match="no space"):
            train(data, TINY, config, out=tmp_path / "run", **QUIET)
    renamed = states_csv.read_text().replace("idle", "jam").replace("half", "idle")
    (tmp_path / "machine.csv").write_text(renamed.replace("jam", "half"))
    with pytest.raises(ValueError, match="another labels"):
        train(data, TINY, config, out=tmp_path / "run", resume=True, **QUIET)


def test_resuming_what_is_finished_warns_as_training_did(tmp_path):
    """Of labels that say nothing, scores do not tell anomalies."""
    source, out = tmp_path / "noise.npz", tmp_path / "run"
    x = np.random.default_rng(0).normal(size=(1200, 6)).astype(np.float32)
    np.savez(source, x=x, y=np.arange(1200) % 6 == 0)
    data, config = DataConfig(str(source), folds=1), TrainConfig(epochs=1)
    first, again = [], []
    _, metrics = train(data, TINY, config, out=out, log=first.append)
    warned = warnings(metrics)
    assert warned
    assert first[-len(warned) :] == warned
    train(data, TINY, config, out=out, resume=True, log=again.append)
    assert again == [f"{out} is finished already: nothing to resume", *warned]


def test_resuming_what_is_finished_leaves_it_as_it_is(tmp_path, sensor_csv):
    data, config = DataConfig(str(sensor_csv), label="broken", folds=1), TrainConfig(epochs=1)
    out, said = tmp_path / "run", []
    _, metrics = train(data, TINY, config, out=out, **QUIET)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    run, again = train(data, TINY, config, out=out, resume=True, log=said.append)
    assert said == [f"{out} is finished already: nothing to resume"]
    assert (run.path, again) == (out, metrics)
    other = dataclasses.replace(config, seed=1)
    with pytest.raises(
        ValueError, match=r"the finished run there was trained with.*Received: others"
    ):
        train(data, TINY, other, out=out, resume=True, **QUIET)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_run_of_machines_says_whose_the_rows_are_that_it_held_back(fleet_run):
    assert fleet_run.data.machine_column == "machine"
    assert fleet_run.data.feature_names is not None
    assert "machine" not in fleet_run.data.feature_names
    for group in (fleet_run.calibration, fleet_run.test):
        assert set(group["machine"]) == {"p1", "p2", "p3"}
        assert len(group["machine"]) == len(group["x"])
    level = {
        u: fleet_run.calibration["score"][fleet_run.calibration["machine"] == u]
        for u in ("p1", "p3")
    }
    assert np.median(level["p3"]) > np.median(level["p1"])


@pytest.mark.parametrize(
    ("folds", "alpha", "message"),
    [
        (
            1,
            0.01,
            "at least 99 .* of each machine. Received: 60 of p1, 60 of p2, 60 of p3.*--folds 5",
        ),
        (
            5,
            0.001,
            r"at least 999 .* of each machine. Received: 270 of p1, .*leave these machines out\.$",
        ),
    ],
)
def test_machines_with_too_few_rows_are_refused_before_training(
    tmp_path, fleet_csv, folds, alpha, message
):
    data, training = (
        DataConfig(str(fleet_csv), machine="machine", folds=folds),
        TrainConfig(alpha=alpha),
    )
    with pytest.raises(ValueError, match=message):
        train(data, ModelConfig(), training, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
