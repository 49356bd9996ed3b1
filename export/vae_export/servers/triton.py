"""Triton: a bundle's scorers as entries of a model repository, for KServe's Triton runtime too.

    NAME/config.pbtxt         what the scorer takes and gives, and when its score is an alarm
    NAME/1/model.onnx         the bundle's scorer.onnx, byte for byte
    NAME/calibration.json     scores of normal rows, for p-values; marks the folder as ours
    NAME.int8/...             the same of scorer.int8.onnx, where there is one

A server batches requests of several clients. That is safe: a row's score does not depend on its
neighbours. `noise` is left out, so that every request is scored at the default, the posterior mean:
the backend refuses optional inputs of models that it batches.
Source: ModelConfig in model_config.proto, triton-inference-server/common.
"""

import dataclasses
import json
from collections.abc import Collection, Iterable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from vae_runtime._base import typed_json
from vae_runtime._base.directories import Kind, directory_aside
from vae_runtime._base.paths import path_of
from vae_runtime.bundle import Bundle, open_bundle
from vae_runtime.bundle.containers import SUFFIX
from vae_runtime.bundle.manifest import Calibration, File, Tensor
from vae_runtime.verdicts.calibration import threshold

from .target_folder import check_outside_bundle


def _files(calibration: Path) -> Collection[str]:
    """Names of all files of an entry; ValueError where `calibration.json` is something else."""
    said = typed_json.parse(calibration.read_bytes())
    if not isinstance(said, dict) or not {"alpha", "rounding", "scores"} <= set(said):
        raise ValueError(f"{calibration}: expected a calibration.")
    return ("config.pbtxt", calibration.name, "1/model.onnx")


ENTRY = Kind("entry of ours", mark="calibration.json", files=_files)
MAX_BATCH = 1024  # of 1,024 to 4,096 rows, small networks score fastest

TYPES = {"float32": "TYPE_FP32", "uint8": "TYPE_UINT8"}

# KIND_CPU: the gates have seen it answer as Keras does there.
CONFIG = """\
name: {name}
backend: "onnxruntime"
max_batch_size: {max_batch}
{tensors}
version_policy {{ latest {{ num_versions: 1 }} }}
instance_group [ {{ kind: KIND_CPU count: 1 }} ]
dynamic_batching {{ }}
{parameters}
"""


def write(bundle: str | Path, repository: str | Path) -> list[Path]:
    """Writes an entry for each ONNX scorer of a bundle, named after the bundle; all or nothing.

    Args:
        bundle: a directory or .vaeb; what is in one has passed every gate.
        repository: the folder of models that the server is given; other models there stay.

    Returns:
        The folders of the entries.

    Raises:
        BundleError: the bundle is missing, incomplete or altered.
        ValueError: something else is at the name of an entry, or alpha is finer than the
            calibration rows resolve.
    """
    opened = open_bundle(bundle)
    files = [f for f in opened.manifest.files if (f.role, f.format) == ("scorer", "onnx")]
    precisions = [file.precision for file in files]
    check(bundle, repository, precisions)
    entries = _entries(bundle, repository, precisions)
    with ExitStack() as stack:
        for file, entry in zip(files, entries, strict=True):
            aside = stack.enter_context(directory_aside(entry, ENTRY))
            _write_entry(opened, file, entry.name, aside)
    return entries


def check(bundle: str | Path, repository: str | Path, precisions: Iterable[str]) -> None:
    """Raises ValueError where `write` would fail, before there is a bundle.

    Args:
        bundle: where it is or will be.
        repository: the folder of models.
        precisions: of its ONNX scorers.
    """
    for entry in _entries(bundle, repository, precisions):
        check_outside_bundle(bundle, entry, ENTRY)


def config(name: str, scorer: File, calibration: Calibration) -> str:
    """Contents of `config.pbtxt` for a scorer.

    A response holds no verdict: the client compares `score` with the parameter `threshold`, in
    nats, which is that of this precision at the false-alarm rate `alpha`.
    """
    required = [tensor for tensor in scorer.inputs if tensor.shape[0] == "batch"]
    ends = [*(("input", t) for t in required), *(("output", t) for t in scorer.outputs)]
    given = {
        "precision": scorer.precision,
        "alpha": calibration.alpha,
        "threshold": threshold(np.array(calibration.scores), calibration.alpha),
    }
    return CONFIG.format(
        name=json.dumps(name),
        max_batch=MAX_BATCH,
        tensors="\n".join(_tensor(kind, tensor) for kind, tensor in ends),
        parameters="\n".join(_parameter(key, str(value)) for key, value in given.items()),
    )


def _entries(bundle: str | Path, repository: str | Path, precisions: Iterable[str]) -> list[Path]:
    name = path_of(bundle, "the path of a bundle").resolve().name.removesuffix(SUFFIX)
    folder = path_of(repository, "the path of a model repository")
    return [folder / (name if p == "fp32" else f"{name}.{p}") for p in precisions]


def _write_entry(bundle: Bundle, file: File, name: str, folder: Path) -> None:
    calibration = bundle.manifest.calibration[file.precision]
    version = folder / "1"
    version.mkdir()
    (version / "model.onnx").write_bytes(bundle.read(file))
    (folder / ENTRY.mark).write_text(json.dumps(dataclasses.asdict(calibration)))
    (folder / "config.pbtxt").write_text(config(name, file, calibration), "utf-8")


def _tensor(kind: str, tensor: Tensor) -> str:
    """Description of a tensor without its batch axis; a number for each row has shape (1,)."""
    dims = list(tensor.shape[1:])
    shape = f"dims: {dims}" if dims else "dims: [ 1 ] reshape { shape: [ ] }"
    name, data_type = json.dumps(tensor.name), TYPES[tensor.dtype]
    return f"{kind} [ {{ name: {name} data_type: {data_type} {shape} }} ]"


def _parameter(key: str, value: str) -> str:
    return f"parameters {{ key: {json.dumps(key)} value {{ string_value: {json.dumps(value)} }} }}"
