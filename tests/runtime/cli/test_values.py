"""Numbers that are typed: each option that takes one says what it expects, or works."""

import argparse
import threading

import numpy as np
import pytest

from vae_runtime.cli.arguments import parser
from vae_runtime.cli.values import duration, real_number, whole_number, whole_numbers

HUGE = "1000000000"
NO_NUMBERS = ("", "all", "0x10", "one")

# One row each: the command behind the bundle, with {} where the number goes; and what is refused.
# ROWS is a file of rows, OUT one to write.
WHOLE = {
    "score ROWS -o OUT.csv --threads={}": ("-1", "-2", "257", "100000", HUGE),
    "explain ROWS -o OUT.csv --threads={}": ("-1", "100000"),
    "encode ROWS -o OUT.csv --threads={}": ("-1", "100000"),
    "decode ROWS -o OUT.csv --threads={}": ("-1", "100000"),
    "reconstruct ROWS -o OUT.csv --threads={}": ("-1", "100000"),
    "sample -n 2 -o OUT.csv --threads={}": ("-1", "100000"),
    "interpolate ROWS -o OUT.npy --threads={}": ("-1", "100000"),
    "selftest --threads={}": ("-1", "100000"),
    "bench --threads={}": ("-1", "100000"),
    "score --follow --threads={}": ("-1", "100000"),
    "score ROWS -o OUT.csv --threshold 3 --samples={}": ("-1", "0", HUGE),
    "score ROWS -o OUT.csv --threshold 3 --samples 2 --seed={}": ("-1",),
    "score ROWS -o OUT.csv --top={}": ("-1", "0"),
    "score ROWS -o OUT.csv --skiprows={}": ("-1", HUGE),
    "score ROWS -o OUT.csv --stride={}": ("-1", "0", HUGE),
    "score --follow --stride={}": ("-1", "0", HUGE),
    "score --follow --drift 1e6 --spacing={}": ("-1", "0"),
    "sample -o OUT.npy -n={}": ("-1", "0"),
    "sample -n 2 -o OUT.npy --seed={}": ("-1",),
    "encode ROWS -o OUT.npy --draws={}": ("-1", "0", HUGE),
    "interpolate ROWS -o OUT.npy --steps={}": ("-1", "0", "1", HUGE),
    "interpolate ROWS -o OUT.npy --rows=0,{}": ("-1", HUGE),
    "bench --sizes={}": ("-1", "0", HUGE),
}
REAL = {
    "score ROWS -o OUT.csv --alpha={}": ("-1", "0", "1", "nan", "inf", "-inf", "1e400", "1e-320"),
    "score ROWS -o OUT.csv --fdr={}": ("-1", "0", "1", "nan", "inf", "-inf", "1e-320"),
    "score ROWS -o OUT.csv --threshold={}": ("nan",),
    "score --follow --alpha={}": ("-1", "0", "nan", "inf"),
    "score --follow --threshold={}": ("nan",),
    "score --follow --drift={}": ("-1", "0", "nan", "inf"),
    "bench --sizes 1 --seconds={}": ("-1", "0", "nan", "inf", HUGE),
    "calibrate ROWS -o OUT --alpha={}": ("-1", "0", "1", "nan", "inf", "1e-320"),
}


@pytest.fixture
def typed(run, capsys, golden, golden_rows, tmp_path):
    """Types a command of the table with a value; returns exit code and the last line of errors."""
    np.save(tmp_path / "rows.npy", golden_rows(120, 0))

    def call(line, value):
        words = [word.format(value) for word in line.split()]
        given = {"ROWS": str(tmp_path / "rows.npy")}
        words = [given.get(w, w.replace("OUT", str(tmp_path / "out"))) for w in words]
        try:
            done = run(words[0], golden, *words[1:])
        except SystemExit as wrong_usage:
            return wrong_usage.code, capsys.readouterr().err.splitlines()[-1]
        return done.code, done.err.rstrip("\n")

    return call


@pytest.mark.parametrize(
    ("line", "value"), [(line, v) for line, refused in (WHOLE | REAL).items() for v in refused]
)
def test_a_number_that_cannot_be_is_refused_in_one_line(typed, tmp_path, line, value):
    threads = threading.active_count()
    code, said = typed(line, value)
    assert code in (1, 2)
    assert "\n" not in said
    assert "expected " in said or " needs at least " in said  # rows for an alarm level
    assert [path.name for path in tmp_path.iterdir()] == ["rows.npy"]
    assert threading.active_count() == threads


@pytest.mark.parametrize(
    ("line", "value"),
    [(line, v) for line in (*WHOLE, *REAL) for v in NO_NUMBERS]
    + [(line, v) for line in WHOLE for v in ("1.5", "nan", "inf")],
)
def test_what_is_no_number_is_wrong_usage_in_words(typed, line, value):
    code, said = typed(line, value)
    assert code == 2
    kind = "whole number" if line in WHOLE else "number"
    assert f"expected a {kind}. Received: {value!r}." in said or "as in 1,16,256" in said


@pytest.mark.parametrize("option", ["--follow --period", "--gap"])
@pytest.mark.parametrize("value", ["-1", "0", "nan", "inf", *NO_NUMBERS])
def test_a_time_that_cannot_be_is_wrong_usage_in_words(typed, option, value):
    code, said = typed(f"score ROWS --time t {option}={{}}", value)
    assert code == 2
    assert f"expected a time above 0, as 0.1, 90s, 5min or 1h. Received: {value!r}." in said


def test_every_option_that_takes_a_number_is_in_the_tables():
    """One that is added must say what it makes of numbers that cannot be."""
    tried = {line.split("={}")[0].split()[-1].split("=")[0] for line in (*WHOLE, *REAL)}
    (commands,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    numeric = {
        action.option_strings[-1]
        for command in commands.choices.values()
        for action in command._actions
        if action.type in (int, float, whole_numbers)
    }
    assert numeric == tried


def test_threads_as_many_as_cores_and_as_named_score_alike(typed, tmp_path):
    found = []
    for threads in ("0", "1", "3", "256"):
        assert typed("score ROWS -o OUT.csv --threads={}", threads)[0] == 0
        found.append((tmp_path / "out.csv").read_bytes())
    assert len(set(found)) == 1


def test_an_error_about_threads_says_how_many_cores_there_are(typed):
    from vae_runtime.backends.threads import cores

    for line in ("score ROWS -o OUT.csv --threads={}", "selftest --threads={}"):
        assert typed(line, "-1")[1].endswith(f"Received: -1. Cores here: {cores()}.")


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [(whole_number, "-3", -3), (real_number, "-inf", -np.inf), (whole_numbers, "1, 2", (1, 2))],
)
def test_what_is_a_number_is_one(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0.1", 0.1),
        ("90s", 90.0),
        ("5min", 300.0),
        ("1 h", 3600.0),
        ("2d", 172800.0),
        ("5e2ms", 0.5),
    ],
)
def test_a_time_may_have_a_unit(text, seconds):
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "nan", "inf", "1e999", "s", "5 minutes", "1:30", "1_0", "--", "1e"]
)
def test_what_is_no_time_is_refused_in_words(text):
    with pytest.raises(argparse.ArgumentTypeError, match=r"expected a time above 0, as 0\.1, 90s"):
        duration(text)


def test_a_number_of_thousands_of_digits_is_refused_and_cut_short():
    with pytest.raises(argparse.ArgumentTypeError, match=r"whole number\. Received: '9{59}\.$"):
        whole_number("9" * 5000)
