"""The rows of a file as a bundle takes them: columns by name, tables cut into windows."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle.manifest import Model
from vae_runtime.units import names_of, of_windows

from .files import read_rows
from .tables import ColumnError, Table
from .windows import window_rows


class Windowing(NamedTuple):
    """How to cut a table into windows; see `windows.window_rows`.

    None is as in training. An empty name of a column says that there is none: the file is one
    recording, or without holes in time.
    """

    stride: int | None = None
    group: str | None = None
    time: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that are named."""
        return tuple(name for name in (self.group, self.time) if name)


class Input(NamedTuple):
    """Rows to run a model on.

    `x` is (batch, *input_shape); `where` says of which rows of the file each one is, by names for
    a table of results: `row`, or `first_row` and `last_row` of a window, each (batch,). `left_out`
    is how many rows are in no window, `anomalies` how many of `x` are marked as such (y of an
    .npz). `units` are the names of the units that they are of, where a column says it.
    """

    x: NDArray[Any]
    where: dict[str, NDArray[np.int64]]
    left_out: int = 0
    anomalies: int = 0
    units: NDArray[np.str_] | None = None

    @property
    def summary(self) -> str:
        """How many rows or windows, for people."""
        if "row" in self.where:
            return _counted(len(self.x), "row")
        verb = "is" if self.left_out == 1 else "are"
        rest = f"; {_counted(self.left_out, 'row')} {verb} in no window" if self.left_out else ""
        return _counted(len(self.x), "window") + rest


def read_input(
    path: str | Path,
    model: Model,
    windowing: Windowing = Windowing(),  # noqa: B008 - immutable
    *,
    unit: str | None = None,
) -> Input:
    """Reads a file for a model; whole numbers are taken as training took them.

    Args:
        path: of the file.
        model: that will run on it.
        windowing: how to cut a table into windows.
        unit: the column, or key of an .npz, that names the unit that each row is of.

    Raises:
        ValueError: it does not hold what the model takes.
        OSError: it cannot be read.
    """
    group = model.group if windowing.group is None else windowing.group
    time = model.time if windowing.time is None else windowing.time
    table = _read(Path(path), model, Windowing(None, group, time), windowing, unit)
    x, y = table.x, np.zeros(len(table.x), bool) if table.y is None else table.y == 1
    units = None if unit is None else names_of(table.extra[unit], len(x))
    if x.dtype.kind in "biu" and model.input_dtype == "float32":
        x = x.astype(np.float32)
    if model.stride is None or x.ndim != 2:
        if any(option is not None for option in windowing):
            raise ValueError(
                "expected --stride, --group and --time with a model of windows and a table to cut "
                f"into them. Received: rows of shape {x.shape[1:]} for {model.input_shape}."
            )
        return Input(x, {"row": np.arange(len(x))}, 0, int(y.sum()), units)
    rows = window_rows(
        len(x),
        model.input_shape[0],
        model.stride if windowing.stride is None else windowing.stride,
        group=table.extra.get(group or ""),
        time=table.extra.get(time or ""),
    )
    covered = np.zeros(len(x), bool)
    covered[rows] = True
    where = {"first_row": rows[:, 0], "last_row": rows[:, -1]}
    return Input(
        x[rows],
        where,
        int(len(x) - covered.sum()),
        int(y[rows].any(axis=1).sum()),
        None if units is None else of_windows(units[rows]),
    )


def _read(path: Path, model: Model, wanted: Windowing, said: Windowing, unit: str | None) -> Table:
    """The file with the columns that are wanted; of windows, others than named may be missing."""
    always = () if unit is None else (unit,)
    try:
        extra = tuple(dict.fromkeys((*wanted.columns, *always)))  # one column may be both
        return read_rows(path, columns=model.feature_names, extra=extra)
    except ColumnError as error:
        extra = tuple(dict.fromkeys((*said.columns, *always)))
        table = read_rows(path, columns=model.feature_names, extra=extra)
        if table.x.ndim == 2:
            raise ValueError(f"{error} {_advice(model, said)}") from error
        return table  # windows that are cut already


def _advice(model: Model, said: Windowing) -> str:
    kept = {"--group": (model.group, said.group), "--time": (model.time, said.time)}
    own = {option: name for option, (name, given) in kept.items() if name and given is None}
    none = " ".join(f"{option} ''" for option in own)
    return (
        f"In training, windows were kept apart by {' and '.join(own.values())}. Name the columns "
        f"of this file ({', '.join(own)}), or say that it has none: "
        f"{none}."
    )


def _counted(n: int, one: str) -> str:
    return f"{n:,} {one if n == 1 else one + 's'}"
