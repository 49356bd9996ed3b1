"""The workstation's libraries, missing or broken, and what its commands make of that."""

import os
import subprocess
import sys

import pytest

LOST = "libgomp.so.1: cannot open shared object file: No such file or directory"
MISSING, BROKEN, OTHER_NUMPY = (
    "missing",
    f"raise ImportError({LOST!r})",
    "raise RuntimeError('module was compiled against ABI version 0x1000009')",
)
TRAIN = ["vae_keras", "train", "--data", "digits", "--out", "run"]
EXPORT = ["vae_export", "run", "--out", "bundle"]


@pytest.fixture
def run(tmp_path):
    """Runs a command where libraries are in a state."""

    def call(command, libraries, state, **more):
        folder = tmp_path / "spoilt"
        folder.mkdir()
        if state == MISSING:
            hidden = [f"sys.modules[{library!r}] = None" for library in libraries]
            (folder / "sitecustomize.py").write_text("\n".join(["import sys", *hidden]))
        for library in () if state == MISSING else libraries:
            (folder / library).mkdir()
            (folder / library / "__init__.py").write_text(state)
        environment = {**os.environ, "PYTHONPATH": str(folder), **more}
        return subprocess.run(
            [sys.executable, *(() if command[0] == "-c" else ("-m",)), *map(str, command)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.mark.parametrize("state", [MISSING, BROKEN, OTHER_NUMPY], ids=["missing", "so", "abi"])
@pytest.mark.parametrize(
    ("command", "library", "needs"),
    [
        (TRAIN, "tensorflow", "training needs tensorflow"),
        (["vae_keras", "evaluate", "run"], "keras", "judging needs keras"),
        (EXPORT, "tensorflow", "exporting needs tensorflow"),
        (["vae_keras", "inspect", "rows.csv"], "pyarrow", "inspecting files needs pyarrow"),
    ],
)
def test_what_a_command_cannot_do_without_is_said_in_a_line(run, command, library, needs, state):
    done = run(command, [library], state)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    if (library, state) != ("keras", OTHER_NUMPY):  # which TensorFlow does not survive either
        assert needs in line
    assert "pip install " in line
    assert (LOST in line) == (state == BROKEN)


@pytest.mark.parametrize(
    ("command", "library", "more"),
    [
        (TRAIN, "sklearn", {}),
        (TRAIN, "jax", {"KERAS_BACKEND": "jax"}),
        ([*TRAIN, "--tensorboard", "log"], "tensorboard", {}),
        (TRAIN, "PIL", {}),
        (EXPORT, "matplotlib", {}),
        (EXPORT, "tf2onnx", {}),
        (EXPORT, "ai_edge_litert", {}),
        ([*EXPORT, "--sign", __file__], "cryptography", {}),
    ],
)
def test_those_of_a_part_too(run, command, library, more):
    done = run(command, [library], BROKEN, **more)
    assert done.returncode == 1
    *_, line = done.stderr.splitlines()
    assert "which is here and cannot be imported: libgomp.so.1" in line
    assert "pip install --force-reinstall " in line
    assert "Traceback" not in done.stderr


EXPORTED = """
import vae_export
try:
    vae_export.{name}
except vae_export.ExportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("library", "state"),
    [("tf2onnx", MISSING), ("matplotlib", BROKEN), ("onnxruntime", OTHER_NUMPY)],
    ids=["missing", "so", "abi"],
)
def test_an_export_from_python_says_so_in_a_line_too(run, library, state):
    done = run(["-c", EXPORTED.format(name="export")], [library], state)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"exporting needs {library}")
    assert ("pip install --force-reinstall " if state != MISSING else "pip install ") in line


def test_signing_needs_none_of_them(run):
    libraries = ["tf2onnx", "matplotlib", "onnxruntime"]
    done = run(["-c", EXPORTED.format(name="sign")], libraries, BROKEN)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_table_is_trained_on_without_what_it_does_not_need(run, sensor_csv, tmp_path):
    libraries = ["PIL", "cryptography", "jax", "tensorboard", "matplotlib", "tf2onnx", "pyarrow"]
    command = ["vae_keras", "train", "--data", sensor_csv, "--label", "broken", "--out", "run"]
    done = run([*command, "--epochs", "1", "--folds", "1"], libraries, BROKEN)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "model.keras").is_file()


@pytest.mark.parametrize("module", ["vae_keras", "vae_export"])
def test_help_needs_none_of_them(run, module):
    libraries = ["tensorflow", "keras", "sklearn", "onnx", "onnxruntime", "matplotlib", "PIL"]
    done = run([module, "--help"], libraries, BROKEN)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: {module.replace('_', '-')} ")


@pytest.mark.parametrize("module", ["vae_keras", "vae_export", "vae_runtime"])
def test_python_m_is_the_command(run, module):
    done = run([module, "--version"], [], BROKEN)
    assert (done.returncode, done.stdout.split()[0]) == (0, module.replace("_", "-"))
