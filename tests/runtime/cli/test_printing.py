"""What comes from files and arguments is printed in one line, without characters that control."""

import argparse

import numpy as np
import pytest

from vae_runtime._base.printable import printable
from vae_runtime.cli import main
from vae_runtime.cli.values import listed

STRANGE = [
    "\u200e",
    "\u200f",
    "\u061c",
    "\x1b[31m",
    "\n",
    "\r",
    "\x9b",
    "\u202e",
    "\u2066",
    "\u2028",
    "\x7f",
    "\x00",
    "\udc80",
]


@pytest.mark.parametrize("text", STRANGE)
def test_what_controls_a_terminal_is_escaped(text):
    found = printable(f"a{text}b")
    assert found.isprintable()
    assert found.startswith("a\\")
    assert found.endswith("b")


@pytest.mark.parametrize(
    "text", ["flow", "\u6e29\u5ea6 \u00e9", "\u0645\u0631\u062d\u0628\u0627", "a\\n"]
)
def test_other_text_is_as_it_is(text):
    assert printable(text) == text


@pytest.mark.parametrize("text", STRANGE[:-2])
def test_names_of_columns_do_not_reach_the_terminal(golden, tmp_path, capsys, text):
    path = tmp_path / "rows.csv"
    path.write_text(f'"a{text}b",c\n1,2\n', newline="")
    assert main(["score", str(golden), str(path)]) == 1
    err = capsys.readouterr().err
    assert err.endswith("\n")
    assert err[:-1].isprintable()


def test_names_of_files_do_not_reach_the_terminal(golden, tmp_path, capsys):
    path = tmp_path / "a\x1b[31m\nb.npy"
    np.save(path, np.zeros((2, 999)))
    assert main(["score", str(golden), str(path)]) == 1
    assert capsys.readouterr().err[:-1].isprintable()


WRONG = [
    ["TEXT"],
    ["info", "bundle", "TEXT"],
    ["info", "bundle", "--TEXT"],
    ["score", "bundle", "rows.npy", "--backend", "TEXT"],
    ["score", "bundle", "rows.npy", "--alpha", "TEXT"],
    ["score", "bundle", "rows.npy", "--keep", "TEXT,TEXT"],
    ["score", "bundle", "rows.npy", "--json=TEXT"],
    ["score", "bundle", "rows.npy", "--l=TEXT"],
    ["bench", "bundle", "--sizes", "TEXT"],
    ["sample", "bundle", "-n", "TEXT", "-o", "x.npy"],
]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_usage_does_not_reach_the_terminal(refused_in_a_line, arguments):
    refused_in_a_line(main, arguments)


@pytest.mark.parametrize("text", ["\u200e", "\u061c", "\u200f"])
def test_marks_of_direction_in_a_bundle_do_not_reach_the_terminal(
    table_copy, edit_manifest, capsys, text
):
    """Names may have them: they belong to Hebrew and Arabic."""

    def change(document):
        names = document["model"]["feature_names"]
        names[0] += text

    edit_manifest(table_copy, change)
    assert main(["info", str(table_copy)]) == 0
    out = capsys.readouterr().out
    assert f"\\u{ord(text):04x}, vibration" in out
    assert all(line.isprintable() for line in out.splitlines())


@pytest.mark.parametrize("text", ["temp,,flow", "", ",", "a,", " ,a"])
def test_an_empty_name_is_told(text):
    with pytest.raises(argparse.ArgumentTypeError, match="Received: an empty one in "):
        listed(text)


def test_a_name_that_is_there_twice_is_told():
    with pytest.raises(argparse.ArgumentTypeError, match="'a' several times in 'a,b,a'"):
        listed("a,b,a")


def test_names_are_without_the_spaces_around_them():
    assert listed(" flow, speed 2 ") == ("flow", "speed 2")
