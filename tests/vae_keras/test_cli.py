"""The command as a user types it."""

import json
import subprocess
import sys

import pytest

from vae_keras.cli import main


def test_train_then_evaluate(tmp_path, sensor_csv, capsys):
    run = tmp_path / "run"
    options = ["--label", "broken", "--epochs", "20", "--hidden", "16,8", "--latent-dim", "2"]
    assert main(["train", "--data", str(sensor_csv), "--out", str(run), *options]) == 0
    trained = capsys.readouterr()
    assert f"wrote {run}" in trained.out
    assert "rows/s" in trained.err or "done in" in trained.err
    assert json.loads((run / "config.json").read_text())["model"]["hidden"] == [16, 8]
    assert main(["evaluate", str(run)]) == 0
    assert capsys.readouterr().out.strip() in trained.out  # the same verdict on the same rows


def test_evaluate_takes_a_bundle(table_bundle, sensor_csv, capsys):
    options = ["--data", str(sensor_csv), "--label", "broken"]
    assert main(["evaluate", str(table_bundle), *options]) == 0
    assert "of 40 anomalies, AUROC" in capsys.readouterr().out


def test_a_bundle_needs_rows_to_be_judged_on(table_bundle, capsys):
    assert main(["evaluate", str(table_bundle)]) == 1
    assert "expected --data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "message"),
    [("nowhere.csv", "nowhere.csv"), ("rows.xlsx", "expected a .npy, .npz or .csv file")],
)
def test_what_cannot_be_read_is_one_line_and_exit_code_1(tmp_path, data, message, capsys):
    assert main(["train", "--data", str(tmp_path / data), "--out", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("vae-keras: ")
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    "options", [[], ["--network", "deep"], ["--hidden", "a,b"], ["--value-range", "1"]]
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
    said = "vae-keras: interrupted; train --resume goes on where it can\n"
    assert capsys.readouterr().err == said


def test_help_does_not_wait_for_tensorflow():
    code = (
        "import sys, vae_keras.cli as cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: assert 'tensorflow' not in sys.modules, 'tensorflow was imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
