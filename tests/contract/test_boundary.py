"""The device has numpy and onnxruntime and nothing else. Three guards, of which these are two.

The third is the lint rule in runtime/ruff.toml, which `make lint` applies; here it is seen to bite.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORBIDDEN = (
    "tensorflow",
    "keras",
    "onnx",
    "tf2onnx",
    "sklearn",
    "PIL",
    "pyarrow",
    "vae_keras",
    "vae_export",
)

# What `pip install ./runtime` may bring: numpy, onnxruntime, and what onnxruntime itself needs, of
# which its older versions had more.
ALLOWED = {"numpy", "onnxruntime", "vae-runtime"}
ALLOWED_OF_ONNXRUNTIME = {"flatbuffers", "packaging", "protobuf"}
ALLOWED_OF_OLD_ONNXRUNTIME = {"coloredlogs", "humanfriendly", "sympy", "mpmath"}

# The oldest versions that runtime/pyproject.toml admits.
FLOOR = ("numpy==1.26.4", "onnxruntime==1.17.0")

USE_EVERYTHING = """
import json, sys
from pathlib import Path
import numpy as np
import vae_runtime
from vae_runtime import Runner
assert "onnxruntime" not in sys.modules, "importing vae_runtime must not load onnxruntime"
runner = Runner.load(sys.argv[1])
x = runner.reconstruct(runner.sample(300, seed=0))
scores = runner.score(x)
assert runner.selftest().passed
assert runner.explain(x).shape == x.shape
json.dump({"score": scores.score.tolist(), "modules": sorted(sys.modules)}, sys.stdout)
"""


def python_executable(version):
    """A Python of this version on this machine; skips where there is none."""
    found = [shutil.which(f"python{version}"), sys.executable]
    found += sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    for candidate in filter(None, found):
        asked = subprocess.run(
            [candidate, "--version"], capture_output=True, text=True, check=False
        )
        if asked.returncode == 0 and asked.stdout.startswith(f"Python {version}."):
            return str(candidate)
    pytest.skip(f"this machine has no Python {version}")


@pytest.fixture(scope="module")
def clean_environment(tmp_path_factory):
    """Makes a new virtual environment with ./runtime alone; returns the path of its Python."""

    def make(version, *pins):
        where = tmp_path_factory.mktemp("clean") / "venv"
        subprocess.run([python_executable(version), "-m", "venv", where], check=True)
        python = where / "bin" / "python"
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        constraint = [] if pins else ["--constraint", ROOT / "constraints.txt"]
        subprocess.run([*command, *constraint, ROOT / "runtime", *pins], check=True)
        return python

    return make


def run(python, *arguments):
    """Runs outside the checkout and without its environment, so that nothing leaks in."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [python, *arguments], capture_output=True, text=True, env=environment, cwd="/", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def installed(python):
    listed = json.loads(run(python, "-m", "pip", "list", "--format", "json"))
    return {package["name"].lower() for package in listed} - {"pip", "setuptools", "wheel"}


@pytest.mark.parametrize(
    ("version", "pins"),
    [("3.11", ()), ("3.12", ()), ("3.13", ()), ("3.11", FLOOR)],
    ids=["3.11", "3.12", "3.13", "3.11-floor"],
)
def test_a_clean_environment_runs_a_bundle(
    clean_environment, digits_bundle, tmp_path, version, pins
):
    python = clean_environment(version, *pins)
    allowed = ALLOWED | ALLOWED_OF_ONNXRUNTIME | (ALLOWED_OF_OLD_ONNXRUNTIME if pins else set())
    assert ALLOWED <= installed(python) <= allowed

    command = (python.parent / "vae-runtime", digits_bundle)
    assert "selftest passed" in run(python, command[0], "selftest", command[1])
    samples = tmp_path / "samples.npy"
    run(python, command[0], "sample", command[1], "--seed", "0", "-o", samples)
    scores = run(python, command[0], "score", command[1], samples)
    assert len(scores.splitlines()) == 17  # a header and 16 rows

    used = json.loads(run(python, "-c", USE_EVERYTHING, digits_bundle))
    assert not [module for module in used["modules"] if module.split(".")[0] in FORBIDDEN]
    assert len(used["score"]) == 300


def test_even_where_the_workstation_is_installed_none_of_it_is_imported(table_bundle):
    used = json.loads(run(sys.executable, "-c", USE_EVERYTHING, table_bundle))
    assert not [module for module in used["modules"] if module.split(".")[0] in FORBIDDEN]


# What a device without pyarrow does; then Parquet, where there is none and where there is.
USE_FILES = """
import sys
import numpy as np
from vae_runtime.cli import main
from vae_runtime.files import read_rows
bundle, table, folder = sys.argv[1:]
x = read_rows(table).x[:50, :6]
np.save(folder + "/rows.npy", x)
np.savez(folder + "/rows.npz", x=x)
for name in (table, folder + "/rows.npy", folder + "/rows.npz"):
    assert main(["score", bundle, name, "-o", folder + "/scores.csv"]) == 0, name
assert main(["encode", bundle, table, "-o", folder + "/z.npy"]) == 0
assert not [name for name in sys.modules if name.startswith("pyarrow")]
sys.modules["pyarrow.parquet"] = None  # as if it were not installed
assert main(["score", bundle, folder + "/rows.parquet"]) == 1
del sys.modules["pyarrow.parquet"]
assert main(["score", bundle, folder + "/rows.parquet", "-o", folder + "/scores.csv"]) == 0
assert "pyarrow.parquet" in sys.modules
"""


def test_pyarrow_is_imported_only_to_read_parquet(table_bundle, sensor_csv, tmp_path):
    import pyarrow.csv
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.csv.read_csv(sensor_csv), tmp_path / "rows.parquet")
    done = subprocess.run(
        [sys.executable, "-c", USE_FILES, table_bundle, sensor_csv, tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "reading Parquet needs pyarrow" in done.stderr


@pytest.mark.parametrize(
    "module", ["tensorflow", "keras", "onnx", "sklearn", "PIL", "pyarrow", "vae_keras"]
)
def test_the_lint_rule_refuses_the_workstation_in_the_runtime(module):
    ruff = Path(sys.executable).with_name("ruff")
    probe = ROOT / "runtime" / "vae_runtime" / "probe.py"  # a name for standard input, not a file
    command = [ruff, "check", "--stdin-filename", probe, "--output-format", "concise", "-"]
    done = subprocess.run(
        command, input=f"import {module}\n", cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "TID251" in done.stdout
