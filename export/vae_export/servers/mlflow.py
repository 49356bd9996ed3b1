"""A bundle as an MLflow model, a folder for `mlflow.pyfunc.load_model` and `mlflow models serve`.

    MLmodel                       how to load it, by `vae_runtime.mlflow` on numpy and onnxruntime
                                  alone, and what goes in and comes out
    bundle.vaeb                   the bundle as one file; marks the folder as ours
    input_example.json            a row for it, made up by the model itself
    serving_input_example.json    the same, as the body of a request to a server
    requirements.txt              what runs it; also as python_env.yaml and conda.yaml

Source: "MLflow Models", storage format. MLmodel is YAML, of which JSON is a part.
"""

import importlib.metadata
import json
import platform
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime import Runner
from vae_runtime._base import typed_json
from vae_runtime._base.directories import Kind, directory_aside
from vae_runtime.bundle import containers, open_bundle, writer
from vae_runtime.bundle.manifest import Model

from .target_folder import check_outside_bundle

DESCRIPTION = "MLmodel"
EXAMPLE = "input_example.json"
SERVING_EXAMPLE = "serving_input_example.json"
ENVIRONMENTS = {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}
REQUIREMENTS = "requirements.txt"
OTHER_FILES = (EXAMPLE, SERVING_EXAMPLE, REQUIREMENTS, *ENVIRONMENTS.values())


def _files(bundle: Path) -> Collection[str]:
    """Names of all files of an MLflow model; ValueError where `bundle.vaeb` is something else.

    Earlier ones had MLmodel and the bundle alone: what is beside them there is somebody's.
    """
    writer.check_out(bundle)
    return (DESCRIPTION, bundle.name, *(OTHER_FILES if _names_files(bundle) else ()))


def _names_files(bundle: Path) -> bool:
    """True where MLmodel names an example, so that all files were written with it."""
    try:
        described = typed_json.parse((bundle.parent / DESCRIPTION).read_bytes())
    except (OSError, ValueError):  # none, or edited: what is beside it is not known to be ours
        return False
    return isinstance(described, dict) and "saved_input_example_info" in described


MODEL = Kind("MLflow model of ours", mark="bundle.vaeb", files=_files)
EXAMPLE_SAMPLES = 32  # rows, of which the example is one
LOADER = "vae_runtime.mlflow"

# What `vae_runtime.mlflow` answers: dtypes of numpy, and MLflow's names of them.
ANSWERS = {
    "score": ("float32", "float"),
    "p_value": ("float64", "double"),
    "is_anomaly": ("bool", "boolean"),
}

ABOUT_REQUIREMENTS = """\
# vae-runtime is on no package index: install it into MLflow's own environment, and say
# --env-manager local; or name an index of yours that has it, and say --install-mlflow.
"""


def write(bundle: str | Path, folder: str | Path) -> Path:
    """Writes an MLflow model of a bundle, all or nothing.

    Args:
        bundle: a directory or .vaeb; what is in one has passed every gate.
        folder: the model's; an earlier one there is replaced.

    Raises:
        BundleError: the bundle is missing, incomplete or altered.
        ValueError: something else is at `folder`.
    """
    check(bundle, folder)
    opened = open_bundle(bundle)
    packed = containers.pack(opened.contents())
    texts = _texts(opened.manifest.model, example(Runner(opened)))
    with directory_aside(folder, MODEL) as aside:
        (aside / MODEL.mark).write_bytes(packed)
        for name, text in texts.items():
            (aside / name).write_text(text, encoding="utf-8")
    return Path(folder)


def check(bundle: str | Path, folder: str | Path) -> None:
    """Raises ValueError where `write` would fail, before there is a bundle."""
    check_outside_bundle(bundle, folder, MODEL)


def example(runner: Runner) -> NDArray[Any]:
    """Example row for the model, (1, *input_shape): the most usual of some samples.

    It is not one of the data's rows, which are not to be shown to everybody who may call a model.
    """
    rows = nearest(runner.sample(EXAMPLE_SAMPLES, seed=0), runner.manifest.model)
    return rows[[runner.score(rows).score.argmin()]]


def nearest(means: NDArray[np.float32], model: Model) -> NDArray[Any]:
    """Rows that the model takes, nearest to these means: (batch, *input_shape)."""
    rows, end = means.copy(), model.input_shape[-1] - sum(model.one_hot)
    for size in model.one_hot:
        start, end = end, end + size
        group = rows[:, start:end]
        group[:] = np.arange(size) == group.argmax(1, keepdims=True)
    if model.value_range is not None:
        rows = rows.clip(*model.value_range)
    dtype = np.dtype(model.input_dtype)
    return (rows if dtype.kind == "f" else np.rint(rows)).astype(dtype)


def _texts(model: Model, row: NDArray[Any]) -> dict[str, str]:
    """Contents of all files but the bundle, by name."""
    rows, python, required = row.tolist(), platform.python_version(), _requirements()
    shown: Any = {"columns": model.feature_names, "data": rows} if _is_table(model) else rows
    served = {"dataframe_split" if _is_table(model) else "inputs": shown}
    conda = ["python=" + python, "pip", {"pip": required}]
    documents = {
        DESCRIPTION: _description(model),
        EXAMPLE: shown,
        SERVING_EXAMPLE: served,
        "python_env.yaml": {"python": python, "dependencies": [f"-r {REQUIREMENTS}"]},
        "conda.yaml": {"name": "mlflow-env", "channels": ["conda-forge"], "dependencies": conda},
    }
    texts = {name: json.dumps(document, indent=1) for name, document in documents.items()}
    return {**texts, REQUIREMENTS: ABOUT_REQUIREMENTS + "\n".join(required) + "\n"}


def _description(model: Model) -> dict[str, Any]:
    """Contents of MLmodel."""
    flavor = {
        "loader_module": LOADER,
        "data": MODEL.mark,
        "env": ENVIRONMENTS,
        "python_version": platform.python_version(),
    }
    kind = {"type": "dataframe", "pandas_orient": "split"}
    shown = {"artifact_path": EXAMPLE, "serving_input_path": SERVING_EXAMPLE}
    return {
        "flavors": {"python_function": flavor},
        "saved_input_example_info": {
            **shown,
            **(kind if _is_table(model) else {"type": "ndarray"}),
        },
        "signature": {end: json.dumps(specs) for end, specs in _signature(model).items()},
    }


def _signature(model: Model) -> dict[str, list[dict[str, Any]]]:
    """Signature of inputs and outputs: named columns of a table, else arrays.

    Columns are of type "any", as MLflow refuses whole numbers (int64) in one of type "double", and
    fractions in one of type "long"; that each holds numbers is checked, by row, when it is scored.
    """
    if _is_table(model):
        return {
            "inputs": [{"type": "any", "name": n, "required": True} for n in _names(model)],
            "outputs": [
                {"type": name_of_type, "name": n, "required": True}
                for n, (_, name_of_type) in ANSWERS.items()
            ],
        }
    return {
        "inputs": [_tensor(model.input_dtype, *model.input_shape)],
        "outputs": [{"name": n, **_tensor(dtype)} for n, (dtype, _) in ANSWERS.items()],
    }


def _tensor(dtype: str, *shape: int) -> dict[str, Any]:
    return {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": [-1, *shape]}}


def _is_table(model: Model) -> bool:
    return bool(_names(model)) and len(model.input_shape) == 1


def _names(model: Model) -> tuple[str, ...]:
    return model.feature_names or ()


def _requirements() -> list[str]:
    """Requirements: the installed runtime, and its own dependencies."""
    declared = importlib.metadata.requires("vae-runtime") or []
    version = importlib.metadata.version("vae-runtime")
    return [*(each for each in declared if ";" not in each), f"vae-runtime=={version}"]
