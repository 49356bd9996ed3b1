"""A bundle as an MLflow model, a folder for `mlflow.pyfunc.load_model` and `mlflow models serve`.

    MLmodel        how to load it: by `vae_runtime.mlflow`, on numpy and onnxruntime alone
    bundle.vaeb    the bundle as one file; marks the folder as ours

Source: "MLflow Models", storage format. MLmodel is YAML, of which JSON is a part.
"""

import json
import platform
from collections.abc import Collection
from pathlib import Path
from typing import Any

from vae_runtime.bundle import containers, open_bundle, written
from vae_runtime.bundle.manifest import Model
from vae_runtime.data.directories import Kind, directory_aside

from .beside import check_beside


def _files(bundle: Path) -> Collection[str]:
    """All files of a model of ours; ValueError where `bundle.vaeb` is something else."""
    written.check_out(bundle)
    return ("MLmodel", bundle.name)


MODEL = Kind("MLflow model of ours", mark="bundle.vaeb", files=_files)
LOADER = "vae_runtime.mlflow"


def write(bundle: str | Path, folder: str | Path) -> Path:
    """Writes an MLflow model of a bundle; whole or not at all.

    Args:
        bundle: a directory or .vaeb; what is in one has passed every gate.
        folder: the model's; an earlier one there is replaced.

    Raises:
        BundleError: the bundle is missing, incomplete or altered.
        ValueError: something else is at `folder`.
    """
    check(bundle, folder)
    opened = open_bundle(bundle)
    flavor = {
        "loader_module": LOADER,
        "data": MODEL.mark,
        "python_version": platform.python_version(),
    }
    described = {"flavors": {"python_function": flavor}, **_signature(opened.manifest.model)}
    with directory_aside(folder, MODEL) as aside:
        (aside / MODEL.mark).write_bytes(containers.pack(opened.contents()))
        (aside / "MLmodel").write_text(json.dumps(described, indent=1))
    return Path(folder)


def check(bundle: str | Path, folder: str | Path) -> None:
    """Raises ValueError where `write` would, before there is a bundle."""
    check_beside(bundle, folder, MODEL)


def _signature(model: Model) -> dict[str, Any]:
    """What a row of an array is, so that JSON becomes one of this type.

    A table has none: MLflow would refuse whole numbers in a column, which is a column of integers
    to pandas; the loader finds columns by name itself.
    """
    if model.feature_names is not None and len(model.input_shape) == 1:
        return {}
    spec = {"dtype": model.input_dtype, "shape": [-1, *model.input_shape]}
    return {"signature": {"inputs": json.dumps([{"type": "tensor", "tensor-spec": spec}])}}
