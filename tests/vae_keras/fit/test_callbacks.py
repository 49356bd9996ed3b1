"""What shows a training while it runs, and what is refused before it would be lost."""

import csv
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_keras import VAE, TrainConfig, mlp_pair
from vae_keras.cli import main
from vae_keras.fit.callbacks import CsvLog, make_callbacks
from vae_keras.fit.early_stopping import Stopping
from vae_keras.fit.loop import fit

ROWS = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)


class Kill(keras.callbacks.Callback):
    """A power cut at the end of an epoch, before its checkpoint."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise InterruptedError


def trained(tmp_path, *callbacks, every=0.0, **options):
    """Four epochs, with a checkpoint after each or after none."""
    keras.utils.set_random_seed(0)
    vae = VAE(*mlp_pair((6,), 2, (8,)), likelihood="gaussian")
    stopping = Stopping(tmp_path / "checkpoint.npz", {}, 30, every=every)
    config = TrainConfig(epochs=4, batch_size=32)
    options |= {"stopping": stopping, "callbacks": callbacks, "log": lambda _: None}
    fit(vae, ROWS[:200], ROWS[200:], config, **options)
    return stopping.history


def columns(path):
    """A log as `Stopping` has the history: lists by name; the epochs apart."""
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def test_the_log_holds_every_epoch_and_each_as_soon_as_it_is_over(tmp_path):
    log, seen = CsvLog(tmp_path / "log.csv"), []
    look = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(len(log.path.read_text().splitlines()))
    )
    history = trained(tmp_path, log, look)
    assert seen == [2, 3, 4, 5]  # with the header
    assert columns(log.path) == {"epoch": [0, 1, 2, 3], **history}


@pytest.mark.parametrize("every", [0.0, 3600.0], ids=["checkpoint", "no checkpoint"])
def test_a_resumed_training_goes_on_in_its_log_and_repeats_no_epoch(tmp_path, every):
    path = tmp_path / "log.csv"
    with pytest.raises(InterruptedError):
        trained(tmp_path, CsvLog(path), Kill(2), every=every)
    assert columns(path)["epoch"] == [0, 1, 2]
    path.write_text(path.read_text() + "3,-8.1")  # and half a line, which a kill can leave
    history = trained(tmp_path, CsvLog(path), resume=True)
    assert columns(path) == {"epoch": [0, 1, 2, 3], **history}


def test_an_earlier_log_is_replaced(tmp_path):
    path = tmp_path / "log.csv"
    for _ in range(2):
        history = trained(tmp_path, CsvLog(path))
    assert columns(path) == {"epoch": [0, 1, 2, 3], **history}


@pytest.mark.parametrize("content", [b"temperature,speed\n1,2\n", b"PK\x03\x04\xff\xfe"])
def test_a_file_that_is_no_log_is_left_alone(tmp_path, content):
    path = tmp_path / "precious.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"expected a new file.*precious\.csv, which begins with"):
        CsvLog(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("option", ["--csv-log", "--tensorboard"])
def test_a_path_that_cannot_be_written_is_refused_before_training(
    tmp_path, sensor_csv, option, capsys
):
    if option == "--tensorboard":
        pytest.importorskip("tensorboard")
    (tmp_path / "file").touch()
    bad = ["--label", "broken", option, str(tmp_path / "file" / "log")]
    assert main(["train", "--data", str(sensor_csv), "--out", str(tmp_path / "run"), *bad]) == 1
    error = capsys.readouterr().err
    assert str(tmp_path / "file") in error
    assert len(error.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("path", ["run", "run/log", "run/../run/a/log"])
def test_a_path_in_the_run_directory_is_refused(tmp_path, path):
    with pytest.raises(ValueError, match="expected a path outside the run directory"):
        make_callbacks(tmp_path / path, None, out=tmp_path / "run")
    with pytest.raises(ValueError, match="expected a path outside the run directory"):
        make_callbacks(None, tmp_path / path, out=tmp_path / "run")


def test_nothing_watches_unless_asked(tmp_path):
    assert make_callbacks(None, None, out=tmp_path) == []


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ValueError, match=r"needs tensorboard: pip install tensorboard"):
        make_callbacks(None, tmp_path / "board", out=tmp_path / "run")
    assert not (tmp_path / "board").exists()


def test_tensorboard_is_given_the_losses_of_every_epoch(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    history = trained(tmp_path, *make_callbacks(None, tmp_path / "board", out=tmp_path / "run"))
    for folder, prefix in (("train", ""), ("validation", "val_")):
        events = EventAccumulator(str(tmp_path / "board" / folder), size_guidance={"tensors": 0})
        events.Reload()
        values = [tf.make_ndarray(e.tensor_proto) for e in events.Tensors("epoch_nll")]
        np.testing.assert_allclose(values, history[f"{prefix}nll"], rtol=1e-6)
