"""One model on several devices: the same step as on one, for any share of a batch.

A CPU that is made to look like three stands in for GPUs; each backend can do so once a process.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vae_export import export
from vae_keras import open_run
from vae_keras.fit.devices import Devices, choose_devices, describe_devices

# Sums in another order, in float32, over some tens of steps; relative to the largest weight.
ROUNDING = 1e-5

# The last batch of an epoch is of one row, so that two of three devices have none.
SCRIPT = """
import json, sys
from pathlib import Path

import keras
import numpy as np

from vae_keras import VAE, DataConfig, Gaussian, ModelConfig, TrainConfig, mlp_pair, train
from vae_keras.fit.devices import choose_devices
from vae_keras.fit.loop import fit
from vae_keras.fit.early_stopping import Stopping

here, sensors = Path(sys.argv[1]), sys.argv[2]
tensorflow = keras.backend.backend() == "tensorflow"
if tensorflow:
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 3)

ROWS = np.random.default_rng(0).normal(size=(261, 6)).astype(np.float32)
CASES = {
    "plain": ({}, {}),
    "clipped": ({}, {"clip_norm": 0.1}),
    "optimal": ({"sigma": "optimal"}, {}),
    "free bits": ({"free_bits": 0.3}, {}),
    "trimmed": ({"trim": 0.1}, {}),
}


class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise InterruptedError


def trained(number, case, *, callbacks=(), resume=False):
    parts, options = CASES[case]
    devices = choose_devices(number, 50)
    with devices.scope():
        keras.utils.set_random_seed(0)
        likelihood = Gaussian(parts.get("sigma", "per_feature"))
        vae = VAE(
            *mlp_pair((6,), 2, (8,)),
            likelihood=likelihood,
            free_bits=parts.get("free_bits", 0.0),
            trim=parts.get("trim", 0.0),
        )
    stopping = Stopping(here / "checkpoint.npz", {}, 30, every=0.0)
    config = TrainConfig(epochs=3, batch_size=50, learning_rate=1e-2, **options)
    options = {"stopping": stopping, "devices": devices, "callbacks": callbacks, "resume": resume}
    fit(vae, ROWS[:201], ROWS[201:], config, log=lambda _: None, **options)
    return vae, stopping.history


def copies(variable):
    if tensorflow:
        return [np.asarray(value) for value in variable.value.values]
    return [np.asarray(shard.data) for shard in variable.value.addressable_shards]


said = {}
for case in CASES:
    for number in (1, 3):
        vae, said[f"{case} {number}"] = trained(number, case)
        np.savez(here / f"{case} {number}.npz", *map(np.asarray, vae.get_weights()))
said["copies"] = [len(copies(v)) for v in vae.trainable_variables]
said["equal"] = [all((c == copies(v)[0]).all() for c in copies(v)) for v in vae.trainable_variables]

whole, _ = trained(3, "plain")
try:
    trained(3, "plain", callbacks=[Kill()])
except InterruptedError:
    resumed, _ = trained(3, "plain", resume=True)
pairs = zip(whole.get_weights(), resumed.get_weights(), strict=True)
said["resumed"] = [bool((a == b).all()) for a, b in pairs]

try:
    trained(2, "plain")
except ValueError as error:
    said["other devices"] = str(error)

train(
    DataConfig(sensors, label="broken", folds=1),
    ModelConfig(hidden=(32, 16)),
    TrainConfig(epochs=15, learning_rate=3e-3),
    out=here / "run",
    devices="all",
    log=said.setdefault("log", []).append,
)
json.dump(said, (here / "said.json").open("w"))
"""


@pytest.fixture(scope="module", params=["tensorflow", "jax"])
def trained(request, tmp_path_factory, sensor_csv):
    """What the script left: a directory, and a dict of what it said."""
    here = tmp_path_factory.mktemp(request.param)
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=3"}
    environment = {**os.environ, "KERAS_BACKEND": request.param, **flags}
    command = [sys.executable, "-c", SCRIPT, here, sensor_csv]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return here, json.loads((here / "said.json").read_text())


@pytest.mark.parametrize("case", ["plain", "clipped", "optimal", "free bits", "trimmed"])
def test_training_on_several_devices_is_training_on_one(trained, case):
    here, said = trained
    with np.load(here / f"{case} 1.npz") as one, np.load(here / f"{case} 3.npz") as three:
        for name in one.files:
            tolerance = ROUNDING * max(np.abs(one[name]).max(), 1.0)
            np.testing.assert_allclose(three[name], one[name], atol=tolerance, rtol=0)
    for name, losses in said[f"{case} 1"].items():
        np.testing.assert_allclose(said[f"{case} 3"][name], losses, rtol=ROUNDING)


def test_the_cases_differ(trained):
    """Else those above would show nothing."""
    _, said = trained
    losses = {
        tuple(said[f"{case} 1"]["loss"]) for case in ("plain", "optimal", "free bits", "trimmed")
    }
    assert len(losses) == 4
    assert said["clipped 1"]["loss"] != said["plain 1"]["loss"]


def test_every_device_has_the_same_weights(trained):
    _, said = trained
    assert set(said["copies"]) == {3}
    assert all(said["equal"])


def test_a_killed_and_resumed_run_ends_with_the_weights_of_one_that_was_not(trained):
    _, said = trained
    assert said["resumed"]
    assert all(said["resumed"])


def test_other_devices_in_the_same_process_are_what_jax_can_and_tensorflow_cannot(trained):
    here, said = trained
    if here.name.startswith("jax"):
        assert "other devices" not in said
    else:
        assert "expected the same devices" in said["other devices"]


def test_the_run_exports_as_any_other(trained, tmp_path):
    here, said = trained
    assert "training on 3 devices: cpu:0, cpu:1, cpu:2" in said["log"]
    bundle = export(open_run(here / "run"), tmp_path / "bundle", log=lambda _: None)
    assert (Path(bundle) / "scorer.onnx").is_file()


def test_more_devices_than_there_are_is_refused():
    with pytest.raises(ValueError, match=r"expected 1 to 1 devices.*cpu:0\. Received: 2\."):
        choose_devices(2, 64)
    for number in (0, -1, 1.0, True, "1", 10**9):
        with pytest.raises(ValueError, match=f"expected 1 to 1 devices.*Received: {number}"):
            choose_devices(number, 64)


@pytest.fixture
def four_gpus(monkeypatch):
    names = [f"gpu:{i}" for i in range(4)]
    monkeypatch.setattr("keras.distribution.list_devices", lambda: names)


def test_a_batch_must_have_a_row_for_each_device(four_gpus):
    with pytest.raises(ValueError, match=r"for each of 4 devices\. Received: a batch size of 3"):
        choose_devices("all", 3)
    assert choose_devices(3, 3) == Devices(("gpu:0", "gpu:1", "gpu:2"))


def test_idle_gpus_are_mentioned(four_gpus):
    said = describe_devices(choose_devices(1, 64))
    assert said == "training on 1 of 4 devices; --devices all takes them all"
    assert describe_devices(choose_devices(2, 64)) == "training on 2 devices: gpu:0, gpu:1"


def test_a_machine_without_gpus_is_not_lectured():
    assert describe_devices(choose_devices(1, 64)) is None
