"""What `score --engine` refuses before anything runs; test_spark and test_ray have the jobs."""

import subprocess
import sys

import numpy as np
import pytest

MISSING = """
import sys
sys.modules["pyspark"] = sys.modules["ray"] = None  # as where they are not installed
from vae_runtime.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def sensors(table, tmp_path):
    """A file of rows for the table bundle."""
    path = tmp_path / "sensors.npy"
    np.save(path, table.x)
    return path


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--resume",), "expected no --resume with --engine spark: a job starts anew"),
        (("--fdr", ".1"), "expected no --fdr with --engine spark: it judges all rows together"),
        (("--rejects", "r.csv"), "expected no --rejects with --engine spark: rejected rows keep"),
        (("--stride", "2"), "windows are cut on a single machine"),
        (("--threads", "0"), "each worker has one"),
        (("-",), "expected files that all workers see with --engine spark. Received: -."),
    ],
)
def test_what_a_single_machine_alone_does_is_refused(
    run, table, sensors, tmp_path, capsys, options, message
):
    with pytest.raises(SystemExit, match="2"):
        run("score", table.bundle, sensors, "-o", tmp_path / "o", "--engine", "spark", *options)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("options", [("--address", "local[2]"), ("--ship",)])
def test_options_of_engines_need_one(run, table, sensors, tmp_path, capsys, options):
    with pytest.raises(SystemExit, match="2"):
        run("score", table.bundle, sensors, "-o", tmp_path / "o.csv", *options)
    assert "with --engine. Received" in capsys.readouterr().err


def test_an_output_that_is_no_new_folder_is_refused(run, table, sensors, tmp_path, capsys):
    done = run("score", table.bundle, sensors, "-o", tmp_path / "o.csv", "--engine", "ray")
    assert (done.code, "a name of .csv" in done.err) == (1, True)
    done = run("score", table.bundle, sensors, "-o", tmp_path, "--engine", "ray")
    assert (done.code, "expected a new folder" in done.err) == (1, True)
    within = sensors.parent / "scores"
    done = run("score", table.bundle, sensors.parent, "-o", within, "--engine", "ray")
    assert (done.code, "that the next run would read too" in done.err) == (1, True)
    with pytest.raises(SystemExit, match="2"):
        run("score", table.bundle, sensors, "--engine", "ray")
    assert "expected -o FOLDER with --engine ray" in capsys.readouterr().err


@pytest.mark.parametrize("engine", ["spark", "ray"])
def test_what_is_not_installed_is_named(table, sensors, tmp_path, engine):
    given = ["score", table.bundle, sensors, "-o", tmp_path / "o", "--engine", engine]
    command = [sys.executable, "-c", MISSING, *map(str, given)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"pip install 'vae-runtime[{engine}]'" in done.stderr
    assert not (tmp_path / "o").exists()
