"""Arrays of other shapes than tables, as windows and images in .npz and .npy files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vae_keras._base.arrays import Array
from vae_keras.survey.words import counted, number, share
from vae_runtime.rows.formats.numpy_files import load_npz

from .command import name_of
from .findings import Findings

WHAT = {3: "windows (rows, channels)", 4: "images (height, width, channels)"}


def inspect_arrays(source: str, path: Path) -> Findings:
    """Findings on the arrays of a .npz or .npy file, whose rows have two axes or more.

    Args:
        source: the file, as it was typed.
        path: of it.
    """
    arrays = _arrays(path)
    x = arrays["x"]
    shape, what = " x ".join(map(str, x.shape[1:])), WHAT.get(x.ndim, "arrays")
    train = ("vae-keras", "train", "--data", source, *_options(x))
    return Findings(
        heading=(f"{source}: {counted(len(x), 'row')} of {shape}, as {what}",),
        contents=tuple(_lines(arrays)),
        notes=tuple(_notes(arrays)),
        command=(*train, "--out", f"runs/{name_of([source])}"),
        record={"rows": len(x), "arrays": {key: _record(value) for key, value in arrays.items()}},
    )


def _arrays(path: Path) -> dict[str, Array]:
    with path.open("rb") as file:
        if path.suffix.lower() == ".npy":
            return {"x": np.lib.format.read_array(file, allow_pickle=False)}
        return {"x" if key == "X" else key: values for key, values in load_npz(file).items()}


def _lines(arrays: Mapping[str, Array]) -> list[str]:
    lines = [f"{'key':<16} {'type':<10} {'shape':<24} range"]
    for key, values in arrays.items():
        shape = " x ".join(map(str, values.shape))
        lines.append(f"{key:<16} {values.dtype!s:<10} {shape:<24} {_range(values)}")
    return lines


def _range(values: Array) -> str:
    if values.dtype.kind not in "biuf" or not values.size:
        return ""
    return f"{number(float(np.nanmin(values)))} to {number(float(np.nanmax(values)))}"


def _notes(arrays: Mapping[str, Array]) -> list[str]:
    notes, x = [], arrays["x"]
    if "y" in arrays:
        ones = int((arrays["y"] == 1).sum())
        notes.append(f"y marks {counted(ones, 'row')} ({share(ones, len(x))}) as anomalies")
    else:
        notes.append("no key y marks anomalies: all rows are taken as normal")
    bad = _incomplete(x)
    if bad:
        notes.append(f"{counted(bad, 'row')} lack a value and are left out")
    return notes


def _options(x: Array) -> list[str]:
    return ["--on-bad-row", "reject"] if _incomplete(x) else []


def _incomplete(x: Array) -> int:
    if x.dtype.kind != "f":
        return 0
    return int((~np.isfinite(x)).any(axis=tuple(range(1, x.ndim))).sum())


def _record(values: Array) -> dict[str, Any]:
    return {"type": str(values.dtype), "shape": list(values.shape), "range": _range(values)}
