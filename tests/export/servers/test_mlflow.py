"""MLflow models: read as MLflow reads them, and by MLflow itself."""

import dataclasses
import importlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from vae_export.cli import main
from vae_export.servers import mlflow
from vae_runtime import BundleError, Runner, __version__

ROOT = Path(__file__).parents[3]
FILES = sorted(["MLmodel", "bundle.vaeb", *mlflow.OTHER_FILES])
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


SCRIPT = """
import json
import sys
import mlflow.models
import mlflow.pyfunc
import numpy as np
import pandas as pd

def refuse_network(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise RuntimeError(f"{event} {arguments}")

def error_of(frame):
    try:
        return str(sensors.predict(frame))
    except Exception as error:
        return str(error)

sys.addaudithook(refuse_network)
folder, answers = sys.argv[1], {}
for name in ("digits", "pump", "sensors"):
    path = f"{folder}/{name}-model"
    model = mlflow.pyfunc.load_model(path)
    example = model.input_example
    output = f"{folder}/{name}.json"
    mlflow.models.predict(path, example, env_manager="local", output_path=output)
    with open(output) as file:
        answers[name] = json.load(file)["predictions"]
    body = json.loads(model.metadata.get_serving_input(path))
    np.testing.assert_array_equal(body["inputs"] if "inputs" in body else
                                  body["dataframe_split"]["data"], example)
    answers[f"{name} outputs"] = model.metadata.signature.outputs.input_names()

rows = np.load(f"{folder}/x.npy")
received = mlflow.pyfunc.load_model(f"{folder}/digits-model").predict(rows)
np.savez(f"{folder}/answers.npz", **received)

sensors = mlflow.pyfunc.load_model(f"{folder}/sensors-model")
names = sensors.metadata.signature.inputs.input_names()
frame = pd.concat([sensors.input_example] * 3).set_axis([7, 8, 9])
whole = sensors.predict(frame.round().astype(int)[names[::-1]])
answers["whole"] = [whole.index.tolist(), whole["score"].tolist()]
answers["frame"] = sensors.predict(frame.round())["score"].tolist()
flow = names[3]
answers["missing"] = error_of(frame.drop(columns=flow))
answers["errors"] = [
    error_of(frame.assign(**{flow: pd.array(values, dtype=dtype)}))
    for values, dtype in (
        ([1, pd.NA, 2], "Int64"),
        ([1.5, pd.NA, 2], object),
        ([1.5, None, 2], object),
        ([1.5, np.nan, 2], "float64"),
        ([1, "x", 2], object),
    )
]
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def models(digits_bundle, table_bundle, pump_bundle, tmp_path_factory):
    """A folder of them."""
    folder = tmp_path_factory.mktemp("mlflow")
    for bundle in (digits_bundle, table_bundle, pump_bundle):
        mlflow.write(bundle, folder / f"{bundle.name}-model")
    return folder


@pytest.mark.skipif(not os.environ.get("CI"), reason="installs MLflow, 300 MB; with CI set it runs")
def test_mlflow_loads_and_predicts(models, digits_bundle, digits_run, tmp_path, pip_install):
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip_install(python, "mlflow-skinny", "pandas", ROOT / "runtime")
    x = digits_run.test["x"]
    np.save(models / "x.npy", x)
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    command = [python, "-W", "ignore", "-c", SCRIPT, models]
    done = subprocess.run(
        command, env={**os.environ, **quiet}, stdout=subprocess.PIPE, check=True, cwd=tmp_path
    )
    received, expected = np.load(models / "answers.npz"), Runner.load(digits_bundle).score(x)
    for name in SCORES:
        np.testing.assert_array_equal(received[name], getattr(expected, name))
    check_answers(json.loads(done.stdout.splitlines()[-1]))


def check_answers(answers):
    """What `SCRIPT` prints: verdicts on the examples, signatures as MLflow reads them, errors."""
    for name in ("digits", "pump"):
        assert answers[name]["is_anomaly"] == [False]
    assert [row["is_anomaly"] for row in answers["sensors"]] == [False]
    for name in ("digits", "pump", "sensors"):
        assert tuple(answers[f"{name} outputs"]) == SCORES
    assert answers["whole"] == [[7, 8, 9], answers["frame"]]
    assert "missing inputs ['flow']" in answers["missing"]
    assert len(answers["errors"]) == 5
    for error in answers["errors"]:
        assert "'flow'" in error
        assert " in row 1" in error


def described(model, key):
    return json.loads((model / "MLmodel").read_text())[key]


@pytest.mark.parametrize(("name", "shape"), [("digits", [-1, 8, 8, 1]), ("pump", [-1, 12, 3])])
def test_rows_of_an_array_are_described_as_tensors(models, name, shape):
    signature = described(models / f"{name}-model", "signature")
    (end,) = json.loads(signature["inputs"])
    assert end == {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": shape}}
    outputs = json.loads(signature["outputs"])
    assert [(o["name"], o["tensor-spec"]["dtype"]) for o in outputs] == [
        ("score", "float32"),
        ("p_value", "float64"),
        ("is_anomaly", "bool"),
    ]


def test_columns_of_a_table_are_described_by_name(models, table_bundle):
    signature = described(models / "sensors-model", "signature")
    columns = json.loads(signature["inputs"])
    names = Runner.load(table_bundle).manifest.model.feature_names
    assert tuple(column["name"] for column in columns) == names
    assert all(column["required"] for column in columns)
    assert tuple(column["name"] for column in json.loads(signature["outputs"])) == SCORES


@pytest.mark.parametrize("name", ["digits", "pump", "sensors"])
def test_the_example_is_a_usual_row_and_none_of_the_data(models, name):
    model = models / f"{name}-model"
    info = described(model, "saved_input_example_info")
    shown = json.loads((model / info["artifact_path"]).read_text())
    served = json.loads((model / info["serving_input_path"]).read_text())
    runner = Runner.load(model / "bundle.vaeb")
    if info["type"] == "dataframe":
        assert served == {"dataframe_split": shown}
        assert tuple(shown["columns"]) == runner.manifest.model.feature_names
        rows = np.float32(shown["data"])
    else:
        assert served == {"inputs": shown}
        rows = np.float32(shown)
    np.testing.assert_array_equal(rows, mlflow.example(runner))
    assert not runner.score(rows).is_anomaly.any()
    assert not any(np.array_equal(rows[0], row) for row in runner.probe_rows())


def test_an_example_keeps_to_what_rows_may_be(models):
    model = Runner.load(models / "sensors-model" / "bundle.vaeb").manifest.model
    categories = dataclasses.replace(model, one_hot=(3, 2))
    means = np.float32([[5.5, 0.2, 0.5, 0.3, 0.4, 0.6], [-1.0, 0.4, 0.4, 0.2, 0.9, 0.1]])
    expected = [[5.5, 0, 1, 0, 0, 1], [-1, 1, 0, 0, 1, 0]]
    np.testing.assert_array_equal(mlflow.nearest(means, categories), np.float32(expected))
    grey = dataclasses.replace(model, input_dtype="uint8", value_range=(0.0, 255.0))
    levels = mlflow.nearest(np.float32([[-0.2, 0.4, 0.6, 254.6, 255.3, 9.0]]), grey)
    assert levels.dtype == np.uint8
    assert levels.tolist() == [[0, 0, 1, 255, 255, 9]]


def test_requirements_are_those_of_the_runtime(models):
    model = models / "digits-model"
    lines = (model / "requirements.txt").read_text().splitlines()
    required = [line for line in lines if not line.startswith("#")]
    project = tomllib.loads((ROOT / "runtime" / "pyproject.toml").read_text())["project"]
    assert required == [*project["dependencies"], f"vae-runtime=={__version__}"]
    flavor = described(model, "flavors")["python_function"]
    conda = json.loads((model / flavor["env"]["conda"]).read_text())
    assert conda["dependencies"][-1] == {"pip": required}
    python_env = json.loads((model / flavor["env"]["virtualenv"]).read_text())
    assert python_env["dependencies"] == ["-r requirements.txt"]
    assert python_env["python"] == flavor["python_version"]


def test_an_earlier_model_is_replaced_and_another_is_not(digits_bundle, tmp_path):
    for _ in range(2):
        model = mlflow.write(digits_bundle, tmp_path / "model")
        assert names(model) == FILES
    (model / "mine").touch()
    with pytest.raises(ValueError, match="Received: also mine, which would be lost"):
        mlflow.write(digits_bundle, model)
    (model / "bundle.vaeb").unlink()
    with pytest.raises(ValueError, match="something else that is there already"):
        mlflow.write(digits_bundle, model)
    assert names(model) == sorted({*FILES, "mine"} - {"bundle.vaeb"})


@pytest.fixture
def earlier(digits_bundle, tmp_path):
    """A model as it was written when there were but two files."""
    model = mlflow.write(digits_bundle, tmp_path / "model")
    for name in mlflow.OTHER_FILES:
        (model / name).unlink()
    flavor = {"loader_module": mlflow.LOADER, "data": "bundle.vaeb", "python_version": "3.11.2"}
    (model / "MLmodel").write_text(json.dumps({"flavors": {"python_function": flavor}}))
    return model


def test_a_model_of_two_files_is_replaced(earlier, digits_bundle):
    assert names(mlflow.write(digits_bundle, earlier)) == FILES


@pytest.mark.parametrize("document", [None, b"flavors: {}", b"[]", b""])
def test_what_somebody_laid_beside_those_two_is_not_lost(earlier, digits_bundle, document):
    if document is not None:
        (earlier / "MLmodel").write_bytes(document)
    (earlier / "requirements.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"Received: also requirements.txt, which would be lost"):
        mlflow.write(digits_bundle, earlier)
    assert (earlier / "requirements.txt").read_text() == "mine"


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
