"""The parser of the three commands: options that have another name since."""

import pytest

from vae_export.cli import main as export
from vae_keras.cli import main as keras
from vae_runtime.cli import main as runtime
from vae_runtime.cli.arguments import parse

OLD = {"--unit": "--machine", "--unit-column": "--machine-column", "--group": "--recording"}


@pytest.mark.parametrize(("old", "new"), OLD.items())
@pytest.mark.parametrize(
    ("command", "typed"),
    [
        (keras, ["train", "--data", "x.csv", "--out", "run"]),
        (keras, ["evaluate", "run"]),
        (keras, []),
        (export, ["run", "--out", "bundle"]),
        (runtime, ["score", "bundle", "x.csv"]),
        (runtime, ["calibrate", "bundle", "x.csv", "-o", "new"]),
        (runtime, ["info", "bundle"]),
    ],
)
def test_the_old_name_of_an_option_is_refused_in_one_line_with_the_new(
    command, typed, old, new, capsys
):
    for said in ([old, "pump"], [f"{old}=pump"], [old]):
        with pytest.raises(SystemExit) as left:
            command([*typed, *said])
        printed = capsys.readouterr()
        assert (left.value.code, printed.out) == (2, "")
        assert printed.err.endswith(f": error: {old} is now {new}\n")
        assert printed.err.count("\n") == 1


def test_a_value_may_be_what_an_option_was_called():
    assert parse(["score", "bundle", "x.csv", "--keep=--unit"]).keep == ("--unit",)
    assert str(parse(["info", "--", "--group"]).bundle) == "--group"
