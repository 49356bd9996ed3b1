"""The command `vae-keras inspect`."""

import json
import subprocess
import sys

import numpy as np
import pytest

from vae_keras.cli import main

ROWS = 600


@pytest.fixture
def logger_file(tmp_path):
    rng = np.random.default_rng(0)
    load = rng.normal(size=ROWS)
    lines = ["time,temp,flöw,mode,fault"]
    for i in range(ROWS):
        mode = "idle" if i % 40 < 20 else "run"
        clock = f"2026-03-01 08:{i // 60:02}:{i % 60:02}"
        lines.append(f"{clock},{40 + load[i]:.2f},{9 * load[i]:.2f},{mode},{int(i > 550)}")
    path = tmp_path / "pump 7.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_a_line_a_column_then_the_command(logger_file, capsys):
    assert main(["inspect", str(logger_file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "600 rows of 5 columns" in lines[0]
    assert "a row every 1 second" in lines[1]
    (temp,) = [line for line in lines if line.startswith("temp")]
    assert temp.split()[1] == "sensor"
    assert all(len(line) <= 100 for line in lines[2:-1])
    assert lines[-1].startswith("vae-keras train --data '")
    assert "--label fault" in lines[-1]


def test_json_has_all_of_it(logger_file, capsys):
    assert main(["inspect", "--json", str(logger_file)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == ROWS
    assert {c["name"]: c["kind"] for c in found["columns"]}["mode"] == "category"
    assert found["times"]["step"] == 1
    assert found["command"][:4] == ["vae-keras", "train", "--data", str(logger_file)]


def test_a_page_stands_alone(logger_file, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["inspect", "--html", str(page), str(logger_file)]) == 0
    text = page.read_text()
    assert text.count("<svg") == 3
    assert "<script" not in text
    assert "http" not in text
    assert "flöw" in text


def test_names_cannot_write_html_or_control_the_terminal(tmp_path, capsys):
    path, page = tmp_path / "bad.csv", tmp_path / "bad.html"
    rows = "".join(f"{i % 7},{i % 5},\x1b[31m{i % 3}\n" for i in range(50))
    path.write_text(f"<b>x</b>,y,note\n{rows}")
    assert main(["inspect", "--html", str(page), str(path)]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert "<b>" not in page.read_text()
    path.write_text("x,\x1b[31my\n1,2\n3,1\n")
    assert main(["inspect", str(path)]) == 0  # to look at a column takes no name for a bundle
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out + shown.err
    assert "\\x1b[31my" in shown.out
    assert main(["train", "--data", str(path), "--out", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "expected text without control characters" in said


def test_a_terminal_of_ascii_gets_ascii(logger_file):
    ran = subprocess.run(
        [sys.executable, "-m", "vae_keras", "inspect", str(logger_file)],
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
        capture_output=True,
        check=True,
    )
    assert ran.stdout.isascii()
    assert b"fl\\xf6w" in ran.stdout


def test_no_training_framework_is_loaded(logger_file):
    code = (
        "import sys; from vae_keras.cli import main; "
        f"main(['inspect', {str(logger_file)!r}]); "
        "print(sorted({'keras', 'tensorflow', 'matplotlib'} & {*sys.modules}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_a_missing_file_is_said(tmp_path, capsys):
    assert main(["inspect", str(tmp_path / "none.csv")]) == 1
    assert "none.csv" in capsys.readouterr().err
