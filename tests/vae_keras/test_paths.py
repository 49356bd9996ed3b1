"""Paths of training: empty, or in the way of what they would replace."""

import os

import pytest

from vae_keras import DataConfig, ModelConfig, TrainConfig
from vae_keras.cli import main
from vae_keras.data import load
from vae_keras.fit.callbacks import CsvLog, make_callbacks
from vae_keras.training import train

TRAIN = ["train", "--data", "digits", "--out", "run"]
EMPTY = [
    ["train", "--data", "", "--out", "run"],
    ["train", "--data", "digits", "--out", ""],
    [*TRAIN, "--csv-log", ""],
    [*TRAIN, "--tensorboard", " "],
    [*TRAIN, "--data-dir", ""],
    ["evaluate", ""],
    ["evaluate", "run", "--data", ""],
]


@pytest.mark.parametrize("arguments", EMPTY, ids=" ".join)
def test_an_empty_text_is_not_the_current_folder(refused_empty, arguments):
    refused_empty(main, arguments)


@pytest.mark.parametrize(("source", "out"), [("", "run"), ("digits", "")])
def test_nor_from_python(tmp_path, monkeypatch, source, out):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="an empty text"):
        train(DataConfig(source), ModelConfig(), TrainConfig(epochs=1), out=out)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("config", [DataConfig(""), DataConfig("mnist", data_dir="")])
def test_nor_where_rows_are_read(config):
    with pytest.raises(ValueError, match="an empty text"):
        load(config)


def test_a_log_of_losses_is_no_pipe_and_nobody_waits_at_one(tmp_path):
    os.mkfifo(tmp_path / "log.csv")
    with pytest.raises(ValueError, match=r"log\.csv: expected a file to write\. Received: a pipe"):
        CsvLog(tmp_path / "log.csv")
    with pytest.raises(ValueError, match=r"Received: one of the system's"):
        CsvLog("/dev/stdout")


@pytest.mark.parametrize("name", ["data.csv", "hard.csv", "soft.csv"])
def test_the_rows_are_no_log_of_losses(tmp_path, name):
    data = tmp_path / "data.csv"
    data.write_text("epoch,speed\n0,1\n")
    os.link(data, tmp_path / "hard.csv")
    (tmp_path / "soft.csv").symlink_to(data)
    with pytest.raises(ValueError, match="expected another file than the data"):
        make_callbacks(tmp_path / name, None, out=tmp_path / "run", data=str(data))
    assert data.read_text() == "epoch,speed\n0,1\n"


def test_rows_in_the_run_directory_that_would_be_replaced_are_refused(digits_run):
    source = str(digits_run.path / "test.npz")
    with pytest.raises(ValueError, match="expected rows outside the run directory"):
        train(DataConfig(source), ModelConfig(), TrainConfig(epochs=1), out=digits_run.path)
