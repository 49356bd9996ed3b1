"""Training as a whole: what it learns, what it repeats, what it refuses before wasting time."""

import csv
import json

import numpy as np
import pytest

from vae_keras import DataConfig, ModelConfig, TrainConfig, train

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
        losses = [float(row["val_loss"]) for row in csv.DictReader(file)]
    assert len(losses) == losses.index(min(losses)) + 1 + 3
    assert run.calibration["score"].mean() < np.mean(losses[-3:])


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
