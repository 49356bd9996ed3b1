"""`score --follow`: the options reach the stream, and the lines its results."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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
    assert done.err == (
        f"{expected.is_anomaly.sum()} anomalies in 30 results; 0 lines were no samples\n"
    )


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
    assert done.err.endswith("in 2 results; 1 lines were no samples\n")


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
