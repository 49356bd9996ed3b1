"""The rows of a file as a bundle takes them: columns by name, tables cut into windows."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .files import read_rows
from .manifest import Model
from .windows import window_rows


class Windowing(NamedTuple):
    """How to cut a table into windows; see `windows.window_rows`. `stride` None is the model's."""

    stride: int | None = None
    group: str | None = None
    time: str | None = None


class Input(NamedTuple):
    """Rows to run a model on.

    `x` is (batch, *input_shape); `where` says of which rows of the file each one is, by names for
    a table of results: `row`, or `first_row` and `last_row` of a window, each (batch,).
    """

    x: NDArray[Any]
    where: dict[str, NDArray[np.int64]]


def read_input(path: str | Path, model: Model, windowing: Windowing = Windowing()) -> Input:  # noqa: B008 - immutable
    """Reads a file for a model; whole numbers are taken as training took them.

    Raises:
        ValueError: it does not hold what the model takes.
        OSError: it cannot be read.
    """
    extra = [name for name in (windowing.group, windowing.time) if name is not None]
    table = read_rows(path, columns=model.feature_names, extra=extra)
    x = table.x
    if x.dtype.kind in "biu" and model.input_dtype == "float32":
        x = x.astype(np.float32)
    if model.stride is None or x.ndim != 2:
        if any(option is not None for option in windowing):
            raise ValueError(
                "expected --stride, --group and --time with a model of windows and a table to cut "
                f"into them. Received: rows of shape {x.shape[1:]} for {model.input_shape}."
            )
        return Input(x, {"row": np.arange(len(x))})
    rows = window_rows(
        len(x),
        model.input_shape[0],
        model.stride if windowing.stride is None else windowing.stride,
        group=table.extra.get(windowing.group or ""),
        time=table.extra.get(windowing.time or ""),
    )
    return Input(x[rows], {"first_row": rows[:, 0], "last_row": rows[:, -1]})
