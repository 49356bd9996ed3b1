"""`score --follow`: the options reach the stream, and the lines its results."""

import argparse
import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vae_runtime.cli.arguments import parser

COMMAND = Path(sys.executable).with_name("vae-runtime")


@pytest.fixture
def lines(table, tmp_path):
    """The first rows of the table's test set, as a file of JSON lines."""
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in table.x[:30].tolist()))
    return path


def records(done):
    return [json.loads(line) for line in done.out.splitlines()]


def test_lines_are_scored_as_the_rows_of_a_file(run, table, lines):
    done = run("score", table.bundle, lines, "--follow", "--alpha", "0.1")
    expected = table.runner.score(table.x[:30], alpha=0.1)
    found = records(done)
    assert done.code == 0
    assert [r["is_anomaly"] for r in found] == expected.is_anomaly.tolist()
    np.testing.assert_allclose([r["score"] for r in found], expected.score, rtol=1e-5)
    assert done.err == (f"{expected.is_anomaly.sum()} anomalies in 30 results; 0 invalid lines\n")


def test_windows_are_scored_as_those_of_a_file(run, table_of, pump, pump_csv, tmp_path):
    with pump_csv.open() as file:
        header, *rows = csv.reader(file)
    one = [row for row in rows if row[0] == "m0"]  # a hole in its time is in it
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *one])
    (tmp_path / "m0.csv").write_text(text.getvalue())
    followed = records(run("score", pump.bundle, tmp_path / "m0.csv", "--follow", "--period", "1"))
    whole = table_of(run("score", pump.bundle, tmp_path / "m0.csv").out)
    assert [r["first_row"] for r in followed] == whole["first_row"].astype(int).tolist()
    assert [r["is_anomaly"] for r in followed] == (whole["is_anomaly"] == "1").tolist()


def test_a_restart_goes_on_where_it_was(run, table, lines, tmp_path):
    state = tmp_path / "state.json"
    options = ("--follow", "--state", state, "--drift", "1e6", "--spacing", "2", "--top", "1")
    first = records(run("score", table.bundle, lines, *options))
    again = records(run("score", table.bundle, lines, *options))
    assert [r["last_row"] for r in again] == list(range(30, 60))
    assert [r["top"] for r in again] == [r["top"] for r in first]


def test_a_bad_line_is_told_of_and_the_rest_is_scored(run, table, tmp_path):
    good = json.dumps(table.x[0].tolist())
    (tmp_path / "lines").write_text(f"{good}\n[1, 2]\n{good}\n")
    done = run("score", table.bundle, tmp_path / "lines", "--follow")
    assert [set(r) & {"error", "score"} for r in records(done)] == [{"score"}, {"error"}, {"score"}]
    assert done.err.endswith("in 2 results; 1 invalid line\n")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("place", [0, 1, 5])
@pytest.mark.parametrize("header", [True, False])
def test_an_open_quote_is_a_bad_line_alone(run, table, tmp_path, header, place, end):
    """In a file it would make one cell of all that follows; here a line is all that there is."""
    rows = [list(map(str, row)) for row in table.x[:5].tolist()]
    bad = [f'"{cell}' if i == place else cell for i, cell in enumerate(rows[1])]
    lines = [",".join(row) for row in (rows[0], bad, rows[2], rows[3])]
    names = table.runner.manifest.model.feature_names
    text = end.join([*([",".join(names)] if header else []), *lines]) + end
    (tmp_path / "rows.csv").write_text(text, newline="")
    done = run("score", table.bundle, tmp_path / "rows.csv", "--follow")
    assert done.code == 0
    first, told, *later = records(done)
    assert told["line"] == 2 + header
    assert told["error"].startswith("expected a line of CSV. Received: ")
    expected = table.runner.score(table.x[[0, 2, 3]])
    found = [r["score"] for r in (first, *later)]
    np.testing.assert_allclose(found, expected.score, rtol=1e-5)
    assert done.err.endswith("in 3 results; 1 invalid line\n")


@pytest.mark.parametrize("bad", ['"', '1,"2"3,4,5,6', '{"flow: 1}', '["1, 2, 3, 4, 5, 6]'])
def test_other_quotes_that_are_wrong_are_bad_lines(run, table, tmp_path, bad):
    good = json.dumps(table.x[0].tolist())
    (tmp_path / "lines").write_text(f"{good}\n{bad}\n{good}\n")
    found = records(run("score", table.bundle, tmp_path / "lines", "--follow"))
    assert [r.get("line") for r in found] == [None, 2, None]


def test_an_open_quote_in_the_header_is_a_bad_line(run, table, tmp_path):
    names, rows = table.runner.manifest.model.feature_names, table.x[:2].tolist()
    lines = [f'"{",".join(names)}', *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    found = records(run("score", table.bundle, tmp_path / "rows.csv", "--follow"))
    assert [r.get("line") for r in found] == [1, None, None]  # in the order of the features


@pytest.mark.parametrize(
    "bad",
    [
        "[1, 2]",
        '["a", "b", "c", "d", "e", "f"]',
        "{}",
        "{",
        "[NaN, 1, 2, 3, 4, 5]",
        "[Infinity, 1, 2, 3, 4, 5]",
        "[1e400, 1, 2, 3, 4, 5]",
        "[[true], 1, 2, 3, 4, 5]",
        "1,2",
    ],
)
def test_lines_none_of_which_is_a_sample_are_a_failure(run, table, tmp_path, bad):
    good, state = json.dumps(table.x[0].tolist()), tmp_path / "state"
    (tmp_path / "lines").write_text(f"{bad}\n" * 3)
    (tmp_path / "some").write_text(f"{bad}\n{good}\n")
    (tmp_path / "blank").write_text("\n\n")
    done = run("score", table.bundle, tmp_path / "lines", "--follow")
    assert done.code == 1
    assert [r["line"] for r in records(done)] == [1, 2, 3]
    assert "Received: 3 invalid lines." in done.err
    for name, code in (("some", 0), ("blank", 0), ("lines", 1)):  # the last goes on from a state
        options = ("--follow", "--state", state)
        assert run("score", table.bundle, tmp_path / name, *options).code == code


def test_a_sample_that_completes_no_window_is_no_failure(run, pump, tmp_path):
    (tmp_path / "lines").write_text("[1, 2, 3]\n[1, 2]\n")
    done = run("score", pump.bundle, tmp_path / "lines", "--follow", "--time", "")
    assert (done.code, done.err.count("\n")) == (0, 1)


def test_a_key_that_stands_twice_is_no_sample(run, table, tmp_path):
    row = dict(zip(table.runner.manifest.model.feature_names, table.x[0].tolist(), strict=True))
    good = json.dumps(row)
    twice = [f'{good[:-1]}, "flow": 1.0}}', f'{good[:-1]}, "note": {{"a": 1, "a": 2}}}}']
    (tmp_path / "lines").write_text("\n".join([good, *twice, good]) + "\n")
    found = records(run("score", table.bundle, tmp_path / "lines", "--follow"))
    assert [r.get("line") for r in found] == [None, 2, 3, None]
    assert "the key flow twice" in found[1]["error"]


OF_FILES = {
    "-o": ["out.csv"],
    "--to": ["csv"],
    "--keep": ["a"],
    "--column": ["x"],
    "--on-bad-row": ["fail"],
    "--rejects": ["r.csv"],
    "--resume": [],
    "--metrics": ["m.prom"],
    "--json": [],
    "--fdr": ["0.1"],
    "--samples": ["2"],
    "--seed": ["0"],
    "--latents": [],
    "--reconstruction": [],
    "--recording": ["machine"],
    "--engine": ["ray"],
    "--address": ["local"],
    "--ship": [],
}
FOLLOWED = {
    "--precision", "--backend", "--profile", "--threads", "--provider", "--by", "--stride",
    "--time", "--time-format", "--gap", "--machine", "--machine-column", "--follow", "--period",
    "--state", "--drift", "--spacing", "--alpha", "--threshold", "--top", "--verify", "--help",
    "--sep", "--decimal", "--thousands", "--comment", "--missing", "--missing-values",
    "--encoding", "--header", "--skiprows",
}  # fmt: skip


@pytest.mark.parametrize(("option", "value"), OF_FILES.items())
def test_an_option_of_files_is_refused_by_name(run, capsys, table, lines, option, value):
    with pytest.raises(SystemExit) as e:
        run("score", table.bundle, lines, "--follow", option, *value)
    assert e.value.code == 2
    said = capsys.readouterr().err
    assert f"error: expected no {option} with --follow, wh" in said


def test_every_option_is_followed_or_refused():
    (commands,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    score = commands.choices["score"]
    known = {action.option_strings[-1] for action in score._actions if action.option_strings}
    assert known == {*OF_FILES, *FOLLOWED} - {"-o"} | {"--output"}


def test_standard_input_is_followed_as_it_comes(table):
    """The answer to a line is there before the next is written."""
    command = [COMMAND, "score", table.bundle, "--follow"]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True) as process:
        for row in range(3):
            process.stdin.write(json.dumps(table.x[row].tolist()) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["last_row"] == row
        process.stdin.close()
        assert process.wait() == 0


def as_text(table, sep=";", *, names=True, rows=5):
    """Rows of the table as text, below their names or without."""
    head = [sep.join(table.runner.manifest.model.feature_names)] if names else []
    return "".join(
        f"{line}\n" for line in (*head, *(sep.join(map(str, r)) for r in table.x[:rows].tolist()))
    )


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "latin-1", "cp1252"])
def test_a_stream_has_an_encoding(run, table, tmp_path, encoding):
    (tmp_path / "plain").write_text(as_text(table))
    (tmp_path / "m").write_bytes(f"# 5 °C\n{as_text(table)}".encode(encoding))
    plain = records(run("score", table.bundle, tmp_path / "plain", "--follow"))
    options = ("--encoding", encoding, "--comment", "#")
    done = run("score", table.bundle, tmp_path / "m", "--follow", *options)
    assert records(done) == plain
    assert len(plain) == 5


def test_a_line_in_another_encoding_is_told_with_what_to_type(run, table, tmp_path):
    (tmp_path / "m").write_bytes(f"{as_text(table)}5 °C\n".encode("latin-1"))
    found = records(run("score", table.bundle, tmp_path / "m", "--follow"))
    assert "--encoding latin-1" in found[-1]["error"]
    assert len(found) == 6


def test_lines_above_a_stream_are_passed_over(run, table, tmp_path):
    (tmp_path / "m").write_text(f"1;2\nlogger 7\n{as_text(table)}")
    found = records(run("score", table.bundle, tmp_path / "m", "--follow", "--skiprows", "2"))
    assert [set(record) & {"error"} for record in found] == [set()] * 5


def test_a_stream_without_names_takes_every_line_as_a_sample(run, table, tmp_path):
    (tmp_path / "m").write_text(as_text(table, names=False) + "run;run;run\n")
    found = records(run("score", table.bundle, tmp_path / "m", "--follow", "--header", "none"))
    assert ["error" in record for record in found] == [False] * 5 + [True]


def test_a_first_line_of_names_must_have_them(run, table, tmp_path):
    (tmp_path / "m").write_text("1;2\n" + as_text(table))
    found = records(run("score", table.bundle, tmp_path / "m", "--follow", "--header", "0"))
    assert "in a header" in found[0]["error"]
    assert len(found) == 6


def test_a_wrong_period_is_seen_in_the_summary(run, pump, pump_csv, tmp_path):
    lines = [line for line in pump_csv.read_text().splitlines() if not line.startswith("m1")]
    (tmp_path / "m").write_text("\n".join([lines[0], *lines[1::5][:50]]) + "\n")
    done = run("score", pump.bundle, tmp_path / "m", "--follow", "--period", "0.1")
    (told,) = records(done)
    assert "correct the period" in told["error"]
    assert done.code == 1
    summary, error = done.err.splitlines()
    assert summary == (
        "0 anomalies in 0 results; 0 invalid lines; 49 gaps in time; most steps are gaps: see "
        "--period and --gap"
    )
    assert error.endswith(
        "expected steps in time of at most 0.35 s. Received: mostly gaps, 49, and no result. "
        "Correct the period (--period SECONDS), or say which steps are no gap (--gap SECONDS)."
    )


@pytest.mark.parametrize("option", [("--period", "2s"), ("--period", "2"), ("--gap", "0.1min")])
def test_a_gap_is_said_or_follows_from_the_period(run, pump, pump_csv, tmp_path, option):
    lines = [line for line in pump_csv.read_text().splitlines() if line.startswith(("ma", "m0"))]
    (tmp_path / "m").write_text("\n".join([lines[0], *lines[1::3][:50]]) + "\n")  # 3 s apart
    done = run("score", pump.bundle, tmp_path / "m", "--follow", *option)
    assert done.code == 0
    assert done.err.endswith("; 0 invalid lines; 0 gaps in time\n")


def test_what_happened_to_times_is_in_the_summary(run, table, tmp_path):
    names = table.runner.manifest.model.feature_names
    sample = dict(zip(names, table.x[0].tolist(), strict=True))
    lines = [json.dumps({**sample, "t": t}) for t in (1, 1, 1, 9, 2)]
    (tmp_path / "lines").write_text("\n".join(lines) + "\n")
    done = run("score", table.bundle, tmp_path / "lines", "--follow", "--time", "t", "--gap", "5")
    assert done.err.endswith(
        "; 0 invalid lines; 1 gap in time; the clock was set back 1 time; 2 repeated times\n"
    )
    assert [r["time"] for r in records(done) if "score" in r] == [1, 1, 1, 9, 2]


def test_windows_need_no_period_as_the_bundle_knows_it(run, pump, pump_csv, tmp_path):
    lines = [line for line in pump_csv.read_text().splitlines() if line.startswith(("ma", "m0"))]
    (tmp_path / "m0.csv").write_text("\n".join(lines) + "\n")
    for options in ((), ("--time", "time")):
        done = run("score", pump.bundle, tmp_path / "m0.csv", "--follow", *options)
        said = run("score", pump.bundle, tmp_path / "m0.csv", "--follow", "--period", "1")
        assert (done.code, done.out, done.err) == (said.code, said.out, said.err)
        assert done.err.endswith("; 1 gap in time\n")
    assert run("score", pump.bundle, "/dev/null", "--follow", "--time", "").code == 0


def test_a_period_needs_times(run, table, lines, check_failed):
    done = run("score", table.bundle, lines, "--follow", "--period", "1")
    check_failed(done, "expected the column or key of times (--time)")


@pytest.mark.parametrize("top", ["0", "-1"])
@pytest.mark.parametrize("follow", [[], ["--follow"]])
def test_no_feature_to_name_is_wrong_usage(run, capsys, table, lines, top, follow):
    with pytest.raises(SystemExit) as e:
        run("score", table.bundle, lines, "--top", top, *follow)
    assert e.value.code == 2
    assert f"expected --top from 1. Received: {top}." in capsys.readouterr().err


def test_a_state_that_is_a_pipe_is_refused_at_once(run, table, lines, tmp_path, check_failed):
    os.mkfifo(tmp_path / "pipe")
    done = run("score", table.bundle, lines, "--follow", "--state", tmp_path / "pipe")
    check_failed(done, "expected a file for the state")
