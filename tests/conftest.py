"""Two tiny runs and their bundles, trained once a session.

`digits_*` is a convolutional Bernoulli VAE on images, `table_*` a Gaussian MLP on named columns.
They are trained for seconds: good enough to tell digits from photographs, not to be proud of.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import csv
import shutil

import numpy as np
import pytest

SENSORS = ("temperature", "vibration", "pressure", "flow", "current", "speed")


def sensor_rows(n, seed):
    """Six correlated sensors of a machine: float64 (n, 6), in their own units."""
    rng = np.random.default_rng(seed)
    load, wear = rng.uniform(0.2, 1.0, n), rng.normal(0.0, 1.0, n)
    clean = np.stack(
        [
            293.0 + 30.0 * load,
            0.5 * load + 0.1 * wear,
            101325.0 + 5000.0 * load,
            3.0 * load,
            10.0 * load + wear,
            1500.0 - 100.0 * load,
        ],
        axis=1,
    )
    return clean + rng.normal(0.0, 1.0, clean.shape) * [0.5, 0.02, 100.0, 0.05, 0.2, 5.0]


@pytest.fixture(scope="session")
def sensor_csv(tmp_path_factory):
    """A labelled table: 900 normal rows, 40 with the current of another load."""
    normal, broken = sensor_rows(900, 0), sensor_rows(40, 1)
    broken[:, 4] += 8.0
    path = tmp_path_factory.mktemp("data") / "sensors.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*SENSORS, "broken"])
        writer.writerows([*row, 0] for row in normal.tolist())
        writer.writerows([*row, 1] for row in broken.tolist())
    return path


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory):
    from vae_keras import DataConfig, ModelConfig, TrainConfig, train

    run, _ = train(
        DataConfig("digits"),
        ModelConfig(hidden=(8, 16, 32)),
        TrainConfig(epochs=12, learning_rate=3e-3),
        out=tmp_path_factory.mktemp("runs") / "digits",
        log=lambda line: None,
    )
    return run


@pytest.fixture(scope="session")
def table_run(tmp_path_factory, sensor_csv):
    from vae_keras import DataConfig, ModelConfig, TrainConfig, train

    run, _ = train(
        DataConfig(str(sensor_csv), label="broken"),
        ModelConfig(hidden=(32, 16)),
        TrainConfig(epochs=30, learning_rate=3e-3),
        out=tmp_path_factory.mktemp("runs") / "sensors",
        log=lambda line: None,
    )
    return run


@pytest.fixture(scope="session")
def digits_bundle(tmp_path_factory, digits_run):
    from vae_export import export

    out = tmp_path_factory.mktemp("artifacts") / "digits"
    return export(digits_run, out, log=lambda line: None)


@pytest.fixture(scope="session")
def table_bundle(tmp_path_factory, table_run):
    from vae_export import export

    out = tmp_path_factory.mktemp("artifacts") / "sensors"
    return export(table_run, out, log=lambda line: None)


@pytest.fixture
def bundle_copy(digits_bundle, tmp_path):
    """A copy of the digits bundle, to damage."""
    return shutil.copytree(digits_bundle, tmp_path / "digits")
