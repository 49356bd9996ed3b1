"""The device has numpy and onnxruntime and nothing else. Three guards, of which these are two.

The third is the lint rule in runtime/ruff.toml, which `make lint` applies; here it is seen to bite.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from vae_keras.likelihoods import LIKELIHOODS
from vae_runtime import __version__

ROOT = Path(__file__).parents[2]
FORBIDDEN = (
    "tensorflow",
    "keras",
    "onnx",
    "tf2onnx",
    "sklearn",
    "PIL",
    "pyarrow",
    "pyspark",
    "ray",
    "ai_edge_litert",
    "vae_keras",
    "vae_export",
)

# What `pip install ./runtime` may bring: numpy, onnxruntime, and what onnxruntime itself needs, of
# which its older versions had more.
ALLOWED = {"numpy", "onnxruntime", "vae-runtime"}
ALLOWED_OF_ONNXRUNTIME = {"flatbuffers", "packaging", "protobuf"}
ALLOWED_OF_OLD_ONNXRUNTIME = {"coloredlogs", "humanfriendly", "sympy", "mpmath"}

DECLARED = tomllib.loads((ROOT / "runtime" / "pyproject.toml").read_text())["project"][
    "dependencies"
]

# The oldest versions that runtime/pyproject.toml admits.
FLOOR = tuple(requirement.replace(">=", "==") for requirement in DECLARED)

PINNED = ("--constraint", str(ROOT / "constraints.txt"))
NEWEST = ()  # whatever the index has today

# By how much answers of two versions of onnxruntime may differ, as a share of the answers' spread:
# a value that int8 rounds the other way moves them by more than float32 does. Seen: 1.6e-6.
VERSION_TOLERANCE = 1e-3

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

# The runner scores in fp32; whoever reads the other ONNX files does so with onnxruntime itself.
RUN_ONNX = """
import json, sys
import onnxruntime as ort
from vae_runtime.bundle import open_bundle
bundle = open_bundle(sys.argv[1])
probe, options = bundle.read_probe(), ort.SessionOptions()
options.log_severity_level = 3
answers = {}
for file in bundle.manifest.files:
    if file.format == "onnx":
        session = ort.InferenceSession(bundle.read(file), options, ["CPUExecutionProvider"])
        feed = {session.get_inputs()[0].name: probe[session.get_inputs()[0].name]}
        outputs = [output.name for output in session.get_outputs()]
        found = zip(outputs, session.run(outputs, feed))
        answers[file.name] = {name: value.tolist() for name, value in found}
json.dump(answers, sys.stdout)
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
def clean_environment(tmp_path_factory, pip_install, wheels):
    """Makes a virtual environment with the runtime's wheel alone; returns its Python."""

    def make(version, options):
        where = tmp_path_factory.mktemp("clean") / "venv"
        subprocess.run([python_executable(version), "-m", "venv", where], check=True)
        python = where / "bin" / "python"
        pip_install(python, wheels["vae-runtime"], *options)
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
    ("version", "options"),
    [("3.11", PINNED), ("3.12", PINNED), ("3.13", PINNED), ("3.11", FLOOR), ("3.11", NEWEST)],
    ids=["3.11", "3.12", "3.13", "3.11-floor", "3.11-newest"],
)
def test_a_clean_environment_runs_a_bundle(
    clean_environment, digits_bundle, digits_int8_bundle, tmp_path, version, options
):
    python = clean_environment(version, options)
    older = ALLOWED_OF_OLD_ONNXRUNTIME if options == FLOOR else set()
    assert ALLOWED <= installed(python) <= ALLOWED | ALLOWED_OF_ONNXRUNTIME | older
    if options == FLOOR:
        assert {*FLOOR} <= {*run(python, "-m", "pip", "freeze").split()}

    command = (python.parent / "vae-runtime", digits_bundle)
    assert "selftest passed" in run(python, command[0], "selftest", command[1])
    samples = tmp_path / "samples.npy"
    run(python, command[0], "sample", command[1], "--seed", "0", "-o", samples)
    scores = run(python, command[0], "score", command[1], samples)
    assert len(scores.splitlines()) == 17  # a header and 16 rows

    size, of_files, *contents = run(python, "-c", INSTALLED).split()
    assert int(size) <= INSTALLED_KB * 1024
    assert int(of_files) <= OF_FILES_KB * 1024
    assert set(contents) <= {"vae_runtime", f"vae_runtime-{__version__}.dist-info", ".."}

    used = json.loads(run(python, "-c", USE_EVERYTHING, digits_bundle))
    assert not [module for module in used["modules"] if module.split(".")[0] in FORBIDDEN]
    assert len(used["score"]) == 300

    command = ("-c", RUN_ONNX, digits_int8_bundle)
    here, there = (json.loads(run(each, *command)) for each in (sys.executable, python))
    assert {"scorer.onnx", "encoder.int8.onnx", "decoder.int8.onnx", "scorer.int8.onnx"} <= {*here}
    assert here.keys() == there.keys()
    for name, outputs in here.items():
        for output, expected in outputs.items():
            off = np.max(np.abs(np.subtract(there[name][output], expected)))
            assert off <= VERSION_TOLERANCE * np.std(expected), (name, output)


# What importing vae_runtime may bring beside numpy, so that it stays cheap: by modules, as no clock
# is the same twice. It takes 82, most of them its own.
MODULES_BESIDE_NUMPY = 82
NOT_YET = {
    "onnxruntime",
    "ai_edge_litert",
    "cryptography",
    "pyarrow",
    "csv",
    "concurrent",
    "asyncio",
}

# The package without what it depends on: what a device needs to answer from arrays, a fifth of it
# checks of what it is given; and what reads files as the field has them, and scores long ones.
INSTALLED_KB = 480
OF_FILES_KB = 500

IMPORT_ALONE = """
import json, sys
import numpy
before = set(sys.modules)
from vae_runtime import Runner
json.dump(sorted(set(sys.modules) - before), sys.stdout)
"""

INSTALLED = """
import importlib.metadata
files = importlib.metadata.files("vae-runtime")
size = {str(f): f.locate().stat().st_size for f in files if f.suffix != ".pyc"}
commands = ("batches", "clusters", "files", "generating", "scoring")
cli = tuple(f"vae_runtime/cli/{name}.py" for name in commands)
folders = ("batch", "engines", "rows")
files = (*(f"vae_runtime/{name}/" for name in folders), *cli)
of_files = sum(size[f] for f in size if f.startswith(files))
print(sum(size.values()) - of_files, of_files)
print(*sorted({f.split("/")[0] for f in size}))
"""


def test_importing_the_runtime_brings_little_beside_numpy():
    brought = json.loads(run(sys.executable, "-c", IMPORT_ALONE))
    assert len(brought) <= MODULES_BESIDE_NUMPY
    assert not NOT_YET & {module.split(".")[0] for module in brought}


def test_even_where_the_workstation_is_installed_none_of_it_is_imported(table_bundle):
    used = json.loads(run(sys.executable, "-c", USE_EVERYTHING, table_bundle))
    assert not [module for module in used["modules"] if module.split(".")[0] in FORBIDDEN]


# Arrays need no pyarrow; tables are read without one where there is none, but for Parquet.
USE_FILES = """
import sys
import numpy as np
from vae_runtime.cli import main
bundle, table, folder = sys.argv[1:]
x = np.genfromtxt(table, delimiter=",", skip_header=1)[:50, :6]
np.save(folder + "/rows.npy", x)
np.savez(folder + "/rows.npz", x=x)
for name in (folder + "/rows.npy", folder + "/rows.npz"):
    assert main(["score", bundle, name, "-o", folder + "/scores.csv"]) == 0, name
assert main(["encode", bundle, folder + "/rows.npy", "-o", folder + "/z.npy"]) == 0
assert not [name for name in sys.modules if name.startswith("pyarrow")]
sys.modules["pyarrow"] = None  # as if it were not installed
assert main(["score", bundle, table, "-o", folder + "/scores.csv"]) == 0
assert main(["score", bundle, folder + "/rows.parquet"]) == 1
del sys.modules["pyarrow"]
assert main(["score", bundle, folder + "/rows.parquet", "-o", folder + "/scores.csv"]) == 0
assert "pyarrow.parquet" in sys.modules
"""


def test_pyarrow_is_imported_only_where_it_reads(table_bundle, sensor_csv, tmp_path):
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


# Each backend imports its engine when it opens a graph, and never the other's.
USE_LITERT = """
import sys
from vae_runtime import LiteRT, Runner
assert "ai_edge_litert" not in sys.modules
runner = Runner.load(sys.argv[1], backend=LiteRT())
assert "ai_edge_litert" not in sys.modules
assert runner.selftest().passed
assert "ai_edge_litert" in sys.modules
assert "onnxruntime" not in sys.modules
"""


def test_an_engine_is_imported_only_by_the_backend_that_runs_it(table_bundle):
    command = [sys.executable, "-c", USE_LITERT, table_bundle]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "module",
    ["tensorflow", "keras", "onnx", "sklearn", "PIL", "pyarrow", "ai_edge_litert", "vae_keras"],
)
def test_the_lint_rule_refuses_the_workstation_in_the_runtime(module):
    ruff = Path(sys.executable).with_name("ruff")
    probe = ROOT / "runtime" / "vae_runtime" / "probe.py"  # a name for standard input, not a file
    command = [ruff, "check", "--stdin-filename", probe, "--output-format", "concise", "-"]
    done = subprocess.run(
        command, input=f"import {module}\n", cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "TID251" in done.stdout


def literals(path):
    """Every text in a module but for docstrings."""
    tree = ast.parse(path.read_text())
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said
    ]


def test_the_device_knows_no_likelihood_by_its_name():
    """What a likelihood computes is in the graphs: none is told from another there."""
    names = (*LIKELIHOODS, "categorical")
    modules = sorted((ROOT / "runtime" / "vae_runtime").rglob("*.py"))
    assert len(modules) > 50
    assert any("the score: all of the bundle's" in text for m in modules for text in literals(m))
    for module in modules:
        found = [t for t in literals(module) if any(name in t.lower() for name in names)]
        assert not found, (module.name, found)
