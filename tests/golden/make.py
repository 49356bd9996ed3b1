"""Makes the golden bundle: `python tests/golden/make.py`, by hand, when the format changes.

A bundle that devices have in the field must be read by every later vae_runtime of the same format
version. This one stands for all of them, so it is not made again when a test fails: that failure is
what it is for. When the format gets a new version or new optional parts, make another beside it.

    sensors-1.vaeb   format version 1: an MLP of six sensors and three classes, half a minute of
                     training; the rows come from the generator below, nobody's data
    sensors-1.json   eight rows, the last two broken, and what that bundle answers to them
    stream-1.json    a stream's state after them, of before there were checksums; not made here

Licence of both, as of the rows: Apache-2.0, like the rest of the project.
"""

import csv
import dataclasses
import json
import tempfile
from pathlib import Path

import numpy as np

SENSORS = ("temperature", "vibration", "pressure", "flow", "current", "speed")
STATES = ("full", "half", "idle")
LOADS = (0.9, 0.55, 0.2)  # of the machine in each state
LICENSE = "Apache-2.0 (made up by tests/golden/make.py)"
HERE = Path(__file__).parent


def main():
    """Trains, exports, records answers."""
    from vae_export import export
    from vae_keras import DataConfig, ModelConfig, TrainConfig, train

    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "sensors.csv"
        write_table(table, *sensor_rows(900, seed=0))
        run, _ = train(
            DataConfig(str(table), classes="state", folds=1),
            ModelConfig(hidden=(16, 8), latent_dim=3),
            TrainConfig(epochs=40, learning_rate=3e-3),
            out=Path(folder) / "run",
        )
        data = dataclasses.replace(run.data, license=LICENSE)
        bundle = export(dataclasses.replace(run, data=data), HERE / "sensors-1.vaeb")
    write_answers(bundle, bundle.with_suffix(".json"))


def sensor_rows(n, *, seed):
    """Correlated sensors of a machine in one of three states: float64 (n, 6), int (n,)."""
    rng = np.random.default_rng(seed)
    state, wear = rng.integers(0, len(STATES), n), rng.normal(0.0, 1.0, n)
    load = np.array(LOADS)[state] + rng.normal(0.0, 0.05, n)
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
    return clean + rng.normal(0.0, 1.0, clean.shape) * [0.5, 0.02, 100.0, 0.05, 0.2, 5.0], state


def write_table(path, rows, state):
    """Every ninth row says its state."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*SENSORS, "state"])
        for i, (row, number) in enumerate(zip(rows.tolist(), state, strict=True)):
            writer.writerow([*row, "" if i % 9 else STATES[number]])


def write_answers(bundle, path):
    """Rows, and what the bundle answers to them today."""
    from vae_runtime import Runner

    runner = Runner.load(bundle)
    x = sensor_rows(8, seed=1)[0].astype(np.float32)
    x[6:, 4] += 8.0  # the current of another load
    scores = runner.score(x)
    answers = {
        "x": x,
        "score": scores.score,
        "p_value": scores.p_value,
        "is_anomaly": scores.is_anomaly,
        "z_mean": runner.encode(x),
        "probabilities": runner.classify(x),
        "feature_nll": runner.explain(x),
        "x_mean": runner.reconstruct(x),
    }
    lines = [f"  {json.dumps(key)}: {json.dumps(v.tolist())}" for key, v in answers.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
