"""MLflow models: read as MLflow reads them, and by MLflow itself."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vae_export import mlflow
from vae_export.cli import main
from vae_runtime import BundleError, Runner

ROOT = Path(__file__).parents[2]
SCORES = ("score", "p_value", "is_anomaly")


def load(folder):
    """What `mlflow.pyfunc.load_model` does with the folder of a model."""
    flavor = json.loads((folder / "MLmodel").read_text())["flavors"]["python_function"]
    module = importlib.import_module(flavor["loader_module"])
    return module._load_pyfunc(str(folder / flavor["data"]))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_model_scores_as_the_bundle_does(digits_bundle, digits_run, tmp_path):
    model = load(mlflow.write(digits_bundle, tmp_path / "model"))
    received = model.predict(digits_run.test["x"])
    expected = Runner.load(digits_bundle).score(digits_run.test["x"])
    for name in SCORES:
        np.testing.assert_array_equal(received[name], getattr(expected, name))


PREDICT = """
import sys
import mlflow.pyfunc
import numpy as np

model, rows, answers = sys.argv[1:]
np.savez(answers, **mlflow.pyfunc.load_model(model).predict(np.load(rows)))
"""


@pytest.mark.skipif(not os.environ.get("CI"), reason="installs MLflow, 300 MB; with CI set it runs")
def test_mlflow_loads_it(digits_bundle, digits_run, tmp_path, pip_install):
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip_install(python, "mlflow-skinny", "pandas", ROOT / "runtime")
    x, model = digits_run.test["x"], mlflow.write(digits_bundle, tmp_path / "model")
    np.save(tmp_path / "x.npy", x)
    files = [model, tmp_path / "x.npy", tmp_path / "answers.npz"]
    subprocess.run([python, "-W", "ignore", "-c", PREDICT, *files], check=True)
    received, expected = np.load(tmp_path / "answers.npz"), Runner.load(digits_bundle).score(x)
    for name in SCORES:
        np.testing.assert_array_equal(received[name], getattr(expected, name))


def test_rows_of_an_array_are_described_and_those_of_a_table_are_not(
    digits_bundle, table_bundle, pump_bundle, tmp_path
):
    found = {}
    for bundle in (digits_bundle, table_bundle, pump_bundle):
        written = mlflow.write(bundle, tmp_path / bundle.name)
        found[bundle.name] = json.loads((written / "MLmodel").read_text()).get("signature")
    assert found["sensors"] is None
    for name, shape in (("digits", [-1, 8, 8, 1]), ("pump", [-1, 12, 3])):
        (end,) = json.loads(found[name]["inputs"])
        assert end == {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": shape}}


def test_an_earlier_model_is_replaced_and_another_is_not(digits_bundle, tmp_path):
    for _ in range(2):
        model = mlflow.write(digits_bundle, tmp_path / "model")
        assert names(model) == ["MLmodel", "bundle.vaeb"]
    (model / "mine").touch()
    with pytest.raises(ValueError, match="Received: also mine, which would be lost"):
        mlflow.write(digits_bundle, model)
    (model / "bundle.vaeb").unlink()
    with pytest.raises(ValueError, match="something else that is there already"):
        mlflow.write(digits_bundle, model)
    assert names(model) == ["MLmodel", "mine"]


def test_a_folder_that_holds_another_bundle_vaeb_is_left_alone(digits_bundle, tmp_path):
    (foreign := tmp_path / "model").mkdir()
    (foreign / "bundle.vaeb").write_text("notes about vae-bundle")
    with pytest.raises(ValueError, match="something else that is there already"):
        mlflow.write(digits_bundle, foreign)
    assert names(foreign) == ["bundle.vaeb"]


@pytest.mark.parametrize("arguments", [("", "model"), ("bundle", "")])
def test_an_empty_text_is_not_the_current_folder(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="an empty text"):
        mlflow.check(*arguments)


def test_an_altered_bundle_leaves_no_model(bundle_copy, tmp_path):
    (bundle_copy / "scorer.onnx").write_bytes(b"altered")
    with pytest.raises(BundleError, match=r"scorer.onnx"):
        mlflow.write(bundle_copy, tmp_path / "model")
    assert names(tmp_path) == [bundle_copy.name]


def test_no_model_is_written_into_its_bundle(tmp_path):
    with pytest.raises(ValueError, match="beside the bundle"):
        mlflow.check(tmp_path / "digits", tmp_path / "digits" / "model")


def test_the_command_writes_it(table_run, tmp_path, capsys):
    command = [str(table_run.path), "--out", str(tmp_path / "x"), "--formats", "onnx"]
    assert main([*command, "--mlflow", str(tmp_path / "x" / "model")]) == 1
    assert names(tmp_path) == []
    assert main([*command, "--mlflow", str(tmp_path / "model")]) == 0
    assert names(tmp_path) == ["model", "x"]
    assert f"wrote {tmp_path / 'model'}, a model" in capsys.readouterr().out
