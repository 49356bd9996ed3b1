"""What is typed and what paths are called reaches the terminal in one line, without controls."""

import pytest

from vae_export.cli import main

WRONG = [
    ["run", "--out", "bundle", "TEXT"],
    ["run", "--out", "bundle", "--TEXT"],
    ["run", "--out", "bundle", "--formats", "TEXT,TEXT"],
    ["run", "--out", "bundle", "--zip=TEXT"],
    ["run", "--out", "bundle", "--s=TEXT"],
]
NAME = "a\x1b[31m\nb\u200e"
SHOWN = "a\\x1b[31m\\nb\\u200e"


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_usage_does_not_reach_the_terminal(refused_in_a_line, arguments):
    refused_in_a_line(main, arguments)


def test_names_of_paths_do_not_reach_the_terminal(table_run, tmp_path, capsys):
    """Each line is one, of files that lose accuracy too."""
    out = tmp_path / NAME
    command = [str(table_run.path), "--out", str(out), "--formats", "onnx"]
    assert main([*command, "--precision", "fp32,dynamic", "--allow-degraded"]) == 0
    done = capsys.readouterr()
    assert f"wrote {tmp_path}/{SHOWN}: try " in done.out
    assert all(line.isprintable() for line in [*done.err.split("\n"), *done.out.split("\n")])
    assert main([str(out), "--out", str(tmp_path / "other")]) == 1
    err = capsys.readouterr().err
    assert SHOWN in err
    assert err.removesuffix("\n").isprintable()
