"""What is typed and what files are called reaches the terminal in one line, without controls."""

import pytest

from vae_keras import DataConfig, ModelConfig, TrainConfig, train
from vae_keras.cli import main

TRAIN = ["train", "--data", "digits", "--out", "run"]
WRONG = [
    ["TEXT"],
    [*TRAIN, "TEXT"],
    [*TRAIN, "--TEXT"],
    [*TRAIN, "--epochs", "TEXT"],
    [*TRAIN, "--beta", "TEXT"],
    [*TRAIN, "--devices", "TEXT"],
    [*TRAIN, "--network", "TEXT"],
    [*TRAIN, "--hidden", "TEXT"],
    [*TRAIN, "--resume=TEXT"],
    [*TRAIN, "--c=TEXT"],
    ["evaluate", "run", "TEXT"],
    ["evaluate", "run", "--classes", "a", "--TEXT=1"],
]
NAME = "a\x1b[31m\nb\u200e"
SHOWN = "a\\x1b[31m\\nb\\u200e"


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_usage_does_not_reach_the_terminal(refused_in_a_line, arguments):
    refused_in_a_line(main, arguments)


def check_lines(text, shown):
    """Every line can be printed, and one of them shows the name, escaped."""
    lines = text.removesuffix("\n").split("\n")
    assert all(line.isprintable() for line in lines)
    assert any(shown in line for line in lines)


@pytest.fixture
def named(tmp_path, sensor_csv):
    """A table whose name, and that of a column that is left out, would control a terminal."""
    head, *lines = sensor_csv.read_text().splitlines()
    path = tmp_path / f"{NAME}.csv"
    lines = [f'{line},"x"' for line in lines]
    path.write_text("\n".join([f'{head},"a\x1b[31m\u200eb"', *lines, ""]))
    return path


OPTIONS = ["--label", "broken", "--bad-columns", "drop", "--epochs", "1", "--folds", "1"]


def test_names_of_files_and_columns_do_not_reach_the_terminal(named, tmp_path, capsys):
    out = tmp_path / f"run{NAME}"
    assert main(["train", "--data", str(named), "--out", str(out), *OPTIONS]) == 0
    done = capsys.readouterr()
    check_lines(done.err, f"{SHOWN}: rows of 6: ")
    check_lines(done.err, "left out as they hold text: a\\x1b[31m\\u200eb")
    check_lines(done.out, f"wrote {tmp_path}/run{SHOWN}: alarms")
    assert main(["train", "--data", str(named), "--out", str(out), *OPTIONS, "--resume"]) == 0
    check_lines(capsys.readouterr().err, f"{SHOWN} is finished already")
    assert main(["evaluate", str(out)]) == 0
    assert main(["evaluate", str(out), "--data", f"{NAME}.csv"]) == 1
    err = capsys.readouterr().err
    check_lines(err, SHOWN)
    assert err.count("\n") == 1


def test_nor_from_python(named, tmp_path, capsys):
    data = DataConfig(str(named), label="broken", bad_columns="drop", folds=1)
    train(data, ModelConfig(hidden=(4,)), TrainConfig(epochs=1), out=tmp_path / "run")
    check_lines(capsys.readouterr().out, f"{SHOWN}: rows of 6: ")
