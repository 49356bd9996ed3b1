"""Training as a whole: what it learns, what it repeats, what it refuses before wasting time."""

import csv
import json

import keras
import numpy as np
import pytest

from vae_keras import VAE, DataConfig, ModelConfig, TrainConfig, mlp_pair, train
from vae_keras.fitting import describe_latents

QUIET = {"log": lambda line: None}
TINY = ModelConfig(hidden=(8,), latent_dim=2)


def test_the_loss_falls(digits_run):
    with (digits_run.path / "history.csv").open() as file:
        loss = [float(row["val_loss"]) for row in csv.DictReader(file)]
    assert loss[-1] < loss[0] - 5


def test_sensors_out_of_step_are_found(table_run):
    metrics = json.loads((table_run.path / "metrics.json").read_text())
    assert metrics["auroc"] > 0.98
    assert metrics["detection_rate"] > 0.8


def test_the_same_seed_gives_the_same_run(tmp_path, sensor_csv):
    def scores(name):
        data = DataConfig(str(sensor_csv), label="broken")
        run, _ = train(data, TINY, TrainConfig(epochs=2), out=tmp_path / name, **QUIET)
        return run.calibration["score"]

    np.testing.assert_array_equal(scores("first"), scores("second"))


def test_an_earlier_run_is_replaced_and_nothing_is_left_beside_it(tmp_path, sensor_csv):
    data = DataConfig(str(sensor_csv), label="broken")
    for epochs in (1, 2):
        train(data, TINY, TrainConfig(epochs=epochs), out=tmp_path / "run", **QUIET)
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_early_stopping_keeps_the_best_weights(tmp_path, sensor_csv):
    """A learning rate that wrecks the model must not wreck what is saved."""
    data = DataConfig(str(sensor_csv), label="broken")
    config = TrainConfig(epochs=30, patience=3, learning_rate=0.3)
    run, _ = train(data, TINY, config, out=tmp_path / "run", **QUIET)
    with (run.path / "history.csv").open() as file:
        elbos = [float(row["val_elbo"]) for row in csv.DictReader(file)]
    assert len(elbos) == elbos.index(max(elbos)) + 1 + 3
    assert run.calibration["score"].mean() < -np.mean(elbos[-3:])


def test_uint8_images_are_taken_as_they_are(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (600, 6, 6, 1)).astype(np.uint8)
    np.savez(tmp_path / "images.npz", x=x)
    data = DataConfig(str(tmp_path / "images.npz"))
    model = ModelConfig(hidden=(4, 8))
    run, metrics = train(data, model, TrainConfig(epochs=1), out=tmp_path / "run", **QUIET)
    assert run.data.input_dtype == "uint8"
    assert metrics.auroc is None  # there are no anomalies to rank


def test_too_few_calibration_rows_are_refused_before_training(tmp_path):
    np.savez(tmp_path / "few.npz", x=np.random.default_rng(0).normal(size=(200, 3)))
    data = DataConfig(str(tmp_path / "few.npz"))
    with pytest.raises(ValueError, match=r"at least 99 calibration rows. Received: 40,"):
        train(data, TINY, TrainConfig(epochs=1), out=tmp_path / "run", **QUIET)
    assert not (tmp_path / "run").exists()


def test_a_bernoulli_likelihood_of_unlimited_values_is_refused(tmp_path, sensor_csv):
    data = DataConfig(str(sensor_csv), label="broken")
    model = ModelConfig(likelihood="bernoulli")
    with pytest.raises(ValueError, match=r"known to lie within limits.*--value-range"):
        train(data, model, TrainConfig(epochs=1), out=tmp_path / "run", **QUIET)


def test_divergence_is_refused_and_leaves_no_run(tmp_path, sensor_csv):
    data = DataConfig(str(sensor_csv), label="broken")
    config = TrainConfig(epochs=5, learning_rate=1e9)
    with pytest.raises(ValueError, match=r"training diverged.*epoch \d.*--learning-rate"):
        train(data, TINY, config, out=tmp_path / "run", **QUIET)
    assert not (tmp_path / "run").exists()


def test_a_directory_of_something_else_is_not_replaced(tmp_path, sensor_csv):
    (tmp_path / "thesis.txt").write_text("years of work")
    data, said = DataConfig(str(sensor_csv), label="broken"), []
    with pytest.raises(ValueError, match="Choose another path"):
        train(data, TINY, TrainConfig(epochs=1), out=tmp_path, log=said.append)
    assert said == []  # refused before any work
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("schedule", ["constant", "warmup", "cyclical"])
def test_schedules_take_their_share_of_the_steps(tmp_path, sensor_csv, schedule):
    data = DataConfig(str(sensor_csv), label="broken")
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
    data = DataConfig(str(sensor_csv), label="broken")
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
    data, said = DataConfig(str(tmp_path / "noise.npz")), []
    config = TrainConfig(epochs=40, learning_rate=1e-2, patience=40)
    model = ModelConfig(hidden=(8,), latent_dim=2, beta=20.0)
    train(data, model, config, out=tmp_path / "run", log=said.append)
    assert said[-1].startswith("0 of 2 latents are active: the posterior has collapsed")


def test_active_latents_are_counted(table_run):
    rows = table_run.calibration["x"]
    assert describe_latents(table_run.vae, rows).startswith(("1 of 3", "2 of 3"))


def test_callbacks_of_keras_are_called(tmp_path, sensor_csv):
    data, log = DataConfig(str(sensor_csv), label="broken"), tmp_path / "log.csv"
    callbacks = [keras.callbacks.CSVLogger(log)]
    train(data, TINY, TrainConfig(epochs=2), out=tmp_path / "r", callbacks=callbacks, **QUIET)
    assert len(log.read_text().splitlines()) == 3


@pytest.mark.parametrize("sigma", ["per_feature", "shared", "optimal"])
def test_each_kind_of_sigma_finds_broken_sensors(tmp_path, sensor_csv, sigma):
    data = DataConfig(str(sensor_csv), label="broken")
    model = ModelConfig(hidden=(32, 16), sigma=sigma)
    config = TrainConfig(epochs=25, learning_rate=3e-3)
    run, metrics = train(data, model, config, out=tmp_path / "run", **QUIET)
    assert run.vae.likelihood.sigma == sigma
    assert metrics.auroc > 0.97
