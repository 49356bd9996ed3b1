"""Paths of export that are empty are not the current folder."""

import pytest

from vae_export import export, sign
from vae_export.cli import main

EMPTY = [
    ["", "--out", "bundle"],
    ["run", "--out", ""],
    ["run", "--out", " ", "--zip"],
    ["run", "--out", "bundle", "--triton", ""],
    ["run", "--out", "bundle", "--mlflow", ""],
    ["run", "--out", "bundle", "--sign", ""],
]


@pytest.mark.parametrize("arguments", EMPTY, ids=" ".join)
def test_an_empty_text_is_not_the_current_folder(refused_empty, arguments):
    refused_empty(main, arguments)


@pytest.mark.parametrize(("run", "out"), [("", "bundle"), ("run", "")])
def test_nor_from_python(tmp_path, monkeypatch, run, out):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="an empty text"):
        export(run, out)


def test_nor_of_what_is_signed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="an empty"):
        sign("bundle", "")
