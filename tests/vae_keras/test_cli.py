"""The command as a user types it."""

import dataclasses
import json
import os
import subprocess
import sys

import pytest

from vae_keras import DataConfig
from vae_keras.cli import main
from vae_keras.configs.options import DATA
from vae_runtime.bundle import open_bundle
from vae_runtime.bundle.containers import pack


def test_train_then_evaluate(tmp_path, sensor_csv, capsys):
    run = tmp_path / "run"
    options = ["--label", "broken", "--epochs", "20", "--hidden", "16,8", "--latent-dim", "2"]
    options += ["--folds", "1"]
    assert main(["train", "--data", str(sensor_csv), "--out", str(run), *options]) == 0
    trained = capsys.readouterr()
    assert f"wrote {run}" in trained.out
    assert "rows/s" in trained.err or "done in" in trained.err
    assert json.loads((run / "config.json").read_text())["model"]["hidden"] == [16, 8]
    assert main(["evaluate", str(run)]) == 0
    assert capsys.readouterr().out.strip() in trained.out  # the same verdict on the same rows


def given_to(monkeypatch, arguments):
    """The configuration of the rows that a command line asks `train` for."""
    asked = []

    def stand_in(data_config, *_, **__):
        asked.append(data_config)
        raise ValueError("that is all")

    monkeypatch.setattr("vae_keras.training.train", stand_in)
    assert main(["train", "--data", "rows", "--out", "run", *arguments]) == 1
    return asked[0]


def test_every_option_of_the_rows_can_be_said(monkeypatch):
    options = "--window 8 --stride 2 --recording m --time t --on-bad-row reject --bad-columns drop"
    expected = DataConfig(
        "rows", window=8, stride=2, recording="m", time="t", on_bad_row="reject", bad_columns="drop"
    )
    assert given_to(monkeypatch, options.split()) == expected
    options = "--image-size 48x32 --channels 3 --columns a,b --one-hot c --stream"
    expected = DataConfig(
        "rows", image_size=(32, 48), channels=3, columns=("a", "b"), one_hot=("c",), stream=True
    )
    assert given_to(monkeypatch, options.split()) == expected
    assert given_to(monkeypatch, ["--folds", "7"]) == DataConfig("rows", folds=7)
    assert given_to(monkeypatch, []) == DataConfig("rows")
    assert set(DATA) == {f.name for f in dataclasses.fields(DataConfig)} - {
        "source",
        "seed",
        "category_values",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("64x48", (48, 64)),
        ("64X48", (48, 64)),
        ("64\u00d748", (48, 64)),
        (" 64 x 48 ", (48, 64)),
        ("32", (32, 32)),
    ],
)
def test_the_size_of_images_is_said_as_width_and_height(monkeypatch, text, expected):
    assert given_to(monkeypatch, ["--image-size", text]).image_size == expected


@pytest.mark.parametrize("text", ["", "x", "64x", "x48", "64x48x3", "64*48", "-64x48", "6.4x48"])
def test_a_size_of_no_image_is_refused_with_what_to_type(capsys, text):
    with pytest.raises(SystemExit):
        main(["train", "--data", "rows", "--out", "run", f"--image-size={text}"])
    assert (
        f"expected WIDTHxHEIGHT, such as 64x48, or one number for squares. Received: {text!r}."
    ) in capsys.readouterr().err


def test_a_size_with_a_comma_is_refused_as_it_once_meant_the_height_first(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--data", "rows", "--out", "run", "--image-size", "48,64"])
    assert "type 64x48 for 64 pixels in width and 48 in height" in capsys.readouterr().err


def test_what_was_left_out_is_said_before_training(tmp_path, sensor_csv, capsys):
    lines = sensor_csv.read_text().splitlines()
    table = tmp_path / "rows.csv"
    table.write_text(
        "\n".join(f"{line},{'note' if not i else 'ok'}" for i, line in enumerate(lines))
    )
    options = ["--label", "broken", "--bad-columns", "drop", "--epochs", "1", "--hidden", "4"]
    options += ["--folds", "1"]
    assert main(["train", "--data", str(table), "--out", str(tmp_path / "run"), *options]) == 0
    assert capsys.readouterr().err.startswith("left out as they hold text: note\nrows: rows of 6: ")


def test_windows_are_trained_on_and_judged(pump_run, pump_bundle, pump_csv, capsys):
    options = [
        "--data",
        str(pump_csv),
        "--label",
        "fault",
        "--recording",
        "machine",
        "--time",
        "time",
    ]
    said = []
    for judged in (pump_run.path, pump_bundle):
        assert main(["evaluate", str(judged), *options]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert "of 23 anomalies, AUROC" in said[0]


def test_train_with_classes_then_evaluate(tmp_path, states_csv, capsys):
    run = tmp_path / "run"
    options = ["--classes", "state", "--labels-per-class", "5", "--epochs", "25", "--hidden", "16"]
    options += ["--learning-rate", "3e-3", "--classifier-weight", "5", "--folds", "1"]
    assert main(["train", "--data", str(states_csv), "--out", str(run), *options]) == 0
    trained = capsys.readouterr()
    assert "; 3 classes, 15 of the rows to train labelled" in trained.err
    assert "cross_entropy" in trained.err
    assert json.loads((run / "config.json").read_text())["model"]["classifier_weight"] == 5.0
    metrics = json.loads((run / "metrics.json").read_text())
    said = f"class right in {metrics['accuracy']:.1%} of {metrics['labelled_rows']} rows"
    assert trained.out.strip().endswith(said)
    assert main(["evaluate", str(run)]) == 0
    assert capsys.readouterr().out.strip().endswith(said)


def test_evaluate_judges_the_classes_of_other_rows(states_run, states_bundle, states_csv, capsys):
    said = []
    for judged in (states_run.path, states_bundle):
        options = ["--data", str(states_csv), "--classes", "state"]
        assert main(["evaluate", str(judged), *options]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert said[0].strip().endswith("% of 100 rows")


def test_classes_of_a_model_without_any_are_refused(table_bundle, states_csv, capsys):
    options = ["--data", str(states_csv), "--classes", "state"]
    assert main(["evaluate", str(table_bundle), *options]) == 1
    assert "this model was trained without any" in capsys.readouterr().err


def test_evaluate_takes_a_bundle_of_either_kind(table_bundle, sensor_csv, tmp_path, capsys):
    (tmp_path / "sensors.vaeb").write_bytes(pack(open_bundle(table_bundle).contents()))
    said = []
    for bundle in (table_bundle, tmp_path / "sensors.vaeb"):
        assert main(["evaluate", str(bundle), "--data", str(sensor_csv), "--label", "broken"]) == 0
        said.append(capsys.readouterr().out)
    assert "of 40 anomalies, AUROC" in said[0]
    assert said[1] == said[0]


def test_a_bundle_needs_rows_to_be_judged_on(table_bundle, capsys):
    assert main(["evaluate", str(table_bundle)]) == 1
    assert "expected --data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("nowhere.csv", "nowhere.csv: expected digits, mnist, fashion_mnist, a file of"),
        ("rows.xlsx", "Received: .xlsx. Save the sheet as .csv."),
        ("empty", "expected images (.png, "),
        ("rows.parquet", "rows.parquet is not a readable Parquet file: "),
    ],
)
def test_what_cannot_be_read_is_one_line_and_exit_code_1(tmp_path, data, message, capsys):
    (tmp_path / "empty").mkdir()
    for name in ("rows.xlsx", "rows.parquet"):
        (tmp_path / name).write_text("something else")
    assert main(["train", "--data", str(tmp_path / data), "--out", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("vae-keras: ")
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--network", "deep"],
        ["--hidden", "a,b"],
        ["--value-range", "1"],
        ["--window", "many"],
        ["--bad-rows", "ignore"],
        ["--bad-columns", "keep"],
        ["--image-size", "8,8"],
        ["--channels", "grey"],
    ],
)
def test_wrong_usage_is_exit_code_2(options, capsys):
    required = ["--data", "digits", "--out", "nowhere"] if options else []
    with pytest.raises(SystemExit) as exit_code:
        main(["train", *required, *options])
    assert exit_code.value.code == 2
    assert (options or ["--data"])[0] in capsys.readouterr().err


def test_an_interruption_is_one_line_and_no_traceback(tmp_path, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("vae_keras.training.train", interrupt)
    assert main(["train", "--data", "digits", "--out", str(tmp_path / "run")]) == 130
    said = "vae-keras: interrupted\n"
    assert capsys.readouterr().err == said


def test_help_does_not_wait_for_tensorflow():
    code = (
        "import sys, vae_keras.cli as cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: assert 'tensorflow' not in sys.modules, 'tensorflow was imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("checkpoint", "options", "resumes"),
    [
        (None, [], False),
        ("run.checkpoint.npz", [], True),
        ("run.fold3.checkpoint.npz", [], True),
        ("run.folds.checkpoint.npz", [], True),
        ("run2.checkpoint.npz", [], False),  # of another run
        ("earlier", [], False),  # of another training, which may have had other options
        ("earlier", ["--resume"], True),
    ],
)
def test_an_interrupted_training_promises_to_resume_where_it_can(
    tmp_path, monkeypatch, capsys, checkpoint, options, resumes
):
    earlier = tmp_path / "run.checkpoint.npz"
    if checkpoint == "earlier":
        earlier.touch()
        os.utime(earlier, (0, 0))

    def interrupt(args):
        if checkpoint not in (None, "earlier"):
            (tmp_path / checkpoint).touch()
            os.utime(tmp_path / checkpoint, (2**32, 2**32))
        raise KeyboardInterrupt

    monkeypatch.setattr("vae_keras.cli._train", interrupt)
    assert main(["train", "--data", "x.csv", "--out", str(tmp_path / "run"), *options]) == 130
    said = capsys.readouterr().err
    assert said.startswith("vae-keras: interrupted")
    assert ("--resume goes on" in said) == resumes
