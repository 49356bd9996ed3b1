import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vae_runtime.cli import main
from vae_runtime.cli.arguments import parse

COMMAND = Path(sys.executable).with_name("vae-runtime")
PIPE_HOLDS = 65_536  # bytes on Linux; more than that must be written to notice a reader that left


def test_an_interrupted_command_says_so_in_one_line(run, digits, rows, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("vae_runtime.cli.scoring.plan_machines", interrupt)
    done = run("score", digits.bundle, rows)
    assert done.code == 130  # as a shell says of a program that SIGINT ended
    assert done.err == "vae-runtime: interrupted; nothing was written\n"


def test_every_command_takes_a_bundle_in_one_file(run, table, table_archive, sensor_csv, tmp_path):
    for command in ("info", "selftest"):
        assert run(command, table_archive).out == run(command, table.bundle).out
    scored = run("score", table_archive, sensor_csv)
    assert scored.code == 0
    assert scored.out == run("score", table.bundle, sensor_csv).out
    for bundle, out in ((table.bundle, "a.npy"), (table_archive, "b.npy")):
        assert run("sample", bundle, "--seed", 1, "-o", tmp_path / out).code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))


@pytest.mark.parametrize("command", ["info", "selftest"])
def test_a_missing_bundle_is_an_error(run, tmp_path, command, check_failed):
    check_failed(run(command, tmp_path / "nowhere"), "Received: nothing at that path.")


def test_a_damaged_bundle_is_an_error(run, bundle_copy, rows, check_failed):
    (bundle_copy / "scorer.onnx").write_bytes(b"")
    check_failed(run("score", bundle_copy, rows), "scorer.onnx: expected")


def test_a_missing_input_is_an_error_that_names_it(run, digits, tmp_path, check_failed):
    check_failed(run("score", digits.bundle, tmp_path / "no.npy"), str(tmp_path / "no.npy"))


def test_bad_rows_are_an_error_that_says_where(run, digits, tmp_path, check_failed):
    x = digits.x.copy()
    x[2, 3, 4, 0] = np.nan
    np.save(tmp_path / "bad.npy", x)
    done = run("score", digits.bundle, tmp_path / "bad.npy")
    check_failed(
        done, "bad.npy, row 2: x: expected finite numbers. Received: nan, feature (3, 4, 0)"
    )


@pytest.mark.parametrize(
    ("command", "extension", "message"),
    [
        ("score", ".json", "expected an output of .csv, .jsonl, .npz, .parquet, .arrow or"),
        ("score", ".npy", "expected an output of .csv, .jsonl, .npz, .parquet, .arrow or"),
        ("encode", ".png", "expected an output of .csv, .jsonl, .npz, .npy, .parquet"),
        ("reconstruct", "", "expected an output of .png, .csv, .jsonl, .npz, .npy"),
        ("pack", ".zip", "expected an output of .vaeb."),
    ],
)
def test_an_output_that_cannot_be_written_is_an_error_and_leaves_nothing(
    run, digits, rows, tmp_path, command, extension, message, check_failed
):
    before = set(tmp_path.iterdir())
    rows = [] if command == "pack" else [rows]
    check_failed(run(command, digits.bundle, *rows, "-o", tmp_path / f"out{extension}"), message)
    assert set(tmp_path.iterdir()) == before


def test_an_output_in_a_directory_that_is_not_there_makes_it(run, digits, rows, tmp_path):
    assert run("score", digits.bundle, rows, "-o", tmp_path / "new" / "out.csv").code == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.csv"]


def test_an_output_that_is_a_directory_is_an_error_that_names_it(
    run, digits, rows, tmp_path, check_failed
):
    (tmp_path / "out.csv").mkdir()
    done = run("score", digits.bundle, rows, "-o", tmp_path / "out.csv")
    check_failed(done, f"{tmp_path / 'out.csv'}: expected a file to write. Received: a folder")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["info"],
        ["score", "bundle"],
        ["score", "bundle", "rows.npy", "--alpha", "low"],
        ["score", "bundle", "rows.npy", "--precision", "int4"],
        ["score", "bundle", "rows.npy", "--state", "state.json"],
        ["score", "bundle", "rows.npy", "--drift", "1e6"],
        ["score", "bundle", "--follow", "--fdr", "0.1"],
        ["score", "bundle", "--follow", "--samples", "3"],
        ["score", "bundle", "--follow", "--seed", "0"],
        ["score", "bundle", "--follow", "--recording", "machine"],
        ["score", "bundle", "--follow", "--spacing", "3"],
        ["score", "bundle", "--follow", "-o", "out.csv"],
        ["bench", "bundle", "--backend", "litert", "--profile", "edge"],
        ["bench", "bundle", "--backend", "torch"],
        ["bench", "bundle", "--sizes", "1,many"],
        ["info", "bundle", "other"],
        ["score", "bundle", "rows.npy", "--fast"],
        ["score", "bundle", "rows.npy", "--stride", "some"],
        ["score", "bundle", "rows.npy", "--alpha", "0.1", "--threshold", "3"],
        ["sample", "bundle", "-o", "out.npy", "-n", "many"],
        ["sample", "bundle", "rows.npy"],
        ["encode", "bundle"],
        ["encode", "bundle", "-", "rows.npy"],
        ["info", "bundle", "--yaml"],
    ],
)
def test_wrong_usage_exits_with_2_and_says_how(capsys, arguments):
    with pytest.raises(SystemExit) as e:
        main(arguments)
    assert e.value.code == 2
    assert "usage: vae-runtime" in capsys.readouterr().err


def test_help_lists_the_commands(capsys):
    with pytest.raises(SystemExit) as e:
        main(["--help"])
    assert e.value.code == 0
    said = capsys.readouterr().out
    for command in (
        "info",
        "selftest",
        "score",
        "classify",
        "sample",
        "encode",
        "reconstruct",
        "pack",
        "bench",
        "explain",
        "decode",
        "interpolate",
    ):
        assert command in said


def buffered():
    """This environment, with standard output as a user's shell has it."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}


def test_an_empty_path_of_a_key_is_refused(run, digits, check_failed):
    check_failed(run("info", digits.bundle, "--verify", ""), "a folder, or an empty path.")


@pytest.mark.skipif(os.name != "posix", reason="a pipeline of a POSIX shell")
def test_a_pipeline_that_has_seen_enough_ends_quietly(digits, tmp_path):
    many = np.resize(digits.x, (6000, 8, 8, 1))
    np.save(tmp_path / "rows.npy", many)
    assert 6000 * len("0,20.0,0.5,0\n") > PIPE_HOLDS
    done = subprocess.run(
        f'"{COMMAND}" score "{digits.bundle}" "{tmp_path}/rows.npy" | head -1',
        shell=True,
        capture_output=True,
        text=True,
        env=buffered(),
    )
    assert done.stdout == "row,score,p_value,is_anomaly\n"
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
@pytest.mark.parametrize("command", ["info", "selftest", "score"])
def test_output_that_nobody_reads_is_no_error(digits, rows, command):
    arguments = [command, digits.bundle, *([rows] if command == "score" else [])]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [COMMAND, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True, env=buffered()
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


INTERRUPTED = """
import sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            {action}

sys.meta_path.insert(0, Finder())
from vae_runtime.cli import main
sys.exit(main(sys.argv[1:]))
"""
INITIALISATION = "raise ImportError('initialization failed') from KeyboardInterrupt()"


@pytest.mark.parametrize("action", ["raise KeyboardInterrupt", INITIALISATION])
@pytest.mark.parametrize("module", ["numpy", "onnxruntime"])
def test_an_interrupt_while_modules_load_says_so_in_one_line(digits, module, action):
    script = INTERRUPTED.format(module=module, action=action)
    command = [sys.executable, "-c", script, "selftest", digits.bundle]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "vae-runtime: interrupted; nothing was written\n"


def test_memory_that_runs_out_is_told(run, digits, rows, monkeypatch, check_failed):
    def fail(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr("vae_runtime.cli.scoring.plan_machines", fail)
    check_failed(run("score", digits.bundle, rows), "expected more memory than there is.")


def in_a_shell(arguments, streams):
    script = f'exec "$@" {streams}'
    return subprocess.run(
        ["sh", "-c", script, "sh", COMMAND, *arguments], capture_output=True, text=True
    )


@pytest.mark.skipif(os.name != "posix", reason="redirections of a POSIX shell")
@pytest.mark.parametrize("command", ["info", "selftest", "score"])
def test_a_closed_standard_output_is_an_error(digits, rows, command):
    arguments = [command, digits.bundle, *([rows] if command == "score" else [])]
    done = in_a_shell(arguments, ">&-")
    assert done.returncode == 1
    assert done.stderr.startswith("vae-runtime: expected standard output, to write to.")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="redirections of a POSIX shell")
def test_a_command_with_an_output_needs_no_standard_streams(digits, rows, tmp_path):
    output = tmp_path / "out.csv"
    done = in_a_shell(["score", digits.bundle, rows, "-o", output], "<&- >&- 2>&-")
    assert done.returncode == 0
    assert len(output.read_text().splitlines()) == 1 + len(digits.x)


@pytest.mark.skipif(os.name != "posix", reason="redirections of a POSIX shell")
def test_messages_to_a_closed_standard_error_are_no_results(digits, rows):
    done = in_a_shell(["score", digits.bundle, rows], "2>&-")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1 + len(digits.x)


@pytest.mark.skipif(os.name != "posix", reason="redirections of a POSIX shell")
def test_a_closed_standard_input_cannot_be_followed(table):
    done = in_a_shell(["score", table.bundle, "--follow"], "<&-")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("vae-runtime: expected standard input, to read from.")


@pytest.mark.parametrize(
    "typed",
    ["selftest b", "classify b x.npy", "encode b x.npy -o z.npy", "sample b -o x.npy"],
)
def test_the_score_is_chosen_only_where_there_is_one_to_judge_by(typed, capsys):
    parse(typed.split())
    with pytest.raises(SystemExit, match="2"):
        parse([*typed.split(), "--by", "neg_elbo"])
    assert "unrecognized arguments: --by neg_elbo" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["score", "explain", "bench"])
def test_commands_that_judge_take_the_score_to_judge_by(command):
    rows = [] if command == "bench" else ["x.npy"]
    assert parse([command, "bundle", *rows, "--by", "neg_elbo"]).by == "neg_elbo"
    assert parse([command, "bundle", *rows]).by == "score"
