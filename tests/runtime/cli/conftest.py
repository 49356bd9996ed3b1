"""The command line, run in this process, and what its output is read with."""

import csv
import io

import numpy as np
import pytest

from vae_runtime.cli import main


class Done:
    """What a command printed, and its exit code."""

    def __init__(self, code, captured):
        self.code, self.out, self.err = code, captured.out, captured.err


@pytest.fixture
def run(capsys):
    """Runs the command in this process."""

    def call(*arguments):
        code = main([str(argument) for argument in arguments])
        return Done(code, capsys.readouterr())

    return call


@pytest.fixture
def rows(digits, tmp_path):
    """A file of rows for the digits bundle."""
    path = tmp_path / "rows.npy"
    np.save(path, digits.x)
    return path


@pytest.fixture(scope="session")
def table_of():
    """The columns of a CSV as arrays of text."""

    def columns(text):
        header, *lines = csv.reader(io.StringIO(text))
        return dict(zip(header, np.array(lines).T, strict=True))

    return columns


@pytest.fixture(scope="session")
def check_failed():
    """Exit code 1, one message on standard error, nothing on standard output."""

    def check(done, message):
        assert done.code == 1
        assert done.out == ""
        assert done.err.startswith("vae-runtime: ")
        assert message in done.err
        assert done.err.count("\n") == 1

    return check
