"""What TensorFlow says at import: greetings go, all else stays."""

import os

import pytest

from vae_keras.greetings import without_greetings

GREETING = b"I0000 port.cc:153] oneDNN custom operations are on. You may see ...\n"


def test_greetings_are_dropped_and_other_lines_passed_on(capfd):
    with without_greetings():
        os.write(2, GREETING + b"E0000 something is wrong\n")
    assert capfd.readouterr().err == "E0000 something is wrong\n"


def test_standard_error_is_back_afterwards_also_where_the_import_fails(capfd):
    def fail():
        with without_greetings():
            os.write(2, b"a reason\n")
            raise ImportError

    with pytest.raises(ImportError):
        fail()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "a reason\nafter\n"
