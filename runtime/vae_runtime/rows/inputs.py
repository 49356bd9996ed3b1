"""Reader of a file's rows for a bundle: columns by name, tables cut into windows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.paths import path_of
from vae_runtime.bundle.manifest import Model
from vae_runtime.rows.machine_names import names_of, of_windows

from .files import read_rows
from .tables import ColumnError, Table
from .times import Times, read_times, time_columns
from .windows import covered_rows, one_of, window_starts


class Windowing(NamedTuple):
    """Settings to cut a table into windows; see `windows.window_rows`.

    None is as the bundle says. An empty name of a column says that there is none: the file is one
    recording, or without holes in time. `time` may be two columns, "date,clock"; `time_format` is
    that of strftime, `gap` the seconds above which a step is a hole.
    """

    stride: int | None = None
    recording: str | None = None
    time: str | None = None
    time_format: str | None = None
    gap: float | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are named here."""
        return (*((self.recording,) if self.recording else ()), *time_columns(self.time))

    def as_trained(self, model: Model) -> "Windowing":
        """Settings with the columns and the gap of training, where none are named here."""
        if model.stride is None:
            return self
        recording = model.recording if self.recording is None else self.recording
        known = None if model.clock is None else model.clock.gap
        return self._replace(
            recording=recording,
            time=model.time if self.time is None else self.time,
            gap=known if self.gap is None else self.gap,
        )


class Input(NamedTuple):
    """Rows to run a model on.

    `x` is (batch, *input_shape); `where` says of which rows of the file each one is, by names for
    a table of results: `row`, or `first_row` and `last_row` of a window, each (batch,). `left_out`
    is how many rows are in no window, `anomalies` how many of `x` are marked as such (y of an
    .npz). `machines` are the names of the machines that they are of, where a column says it; `kept`
    are columns that are passed through, each (batch,): of a window, what its last row has; of
    Parquet as pyarrow has them.
    """

    x: NDArray[Any]
    where: dict[str, NDArray[np.int64]]
    left_out: int = 0
    anomalies: int = 0
    machines: NDArray[np.str_] | None = None
    kept: Mapping[str, Any] = {}

    @property
    def summary(self) -> str:
        """Number of rows or windows, for people."""
        if "row" in self.where:
            return _counted(len(self.x), "row")
        verb = "is" if self.left_out == 1 else "are"
        rest = f"; {_counted(self.left_out, 'row')} {verb} in no window" if self.left_out else ""
        return _counted(len(self.x), "window") + rest


@dataclass(frozen=True)
class Starts:
    """Places where windows begin.

    Args:
        order: (rows,) numbers of rows, recording by recording.
        first: (windows,) the places in that order at which windows begin.
        window: rows in a window.
    """

    order: NDArray[np.int64]
    first: NDArray[np.int64]
    window: int

    def rows(self, which: slice) -> NDArray[np.int64]:
        """Numbers of the rows of some windows: (windows, window)."""
        rows: NDArray[np.int64] = self.order[self.first[which, None] + np.arange(self.window)]
        return rows

    def outside(self) -> int:
        """Number of rows that are in no window."""
        return int((~covered_rows(len(self.order), self.first, self.window)).sum())


@dataclass(frozen=True)
class CutTable:
    """Rows of a file, and the places where windows begin.

    Args:
        x: (rows, ...) of the file.
        windows: where they begin; None where each row is one of the model's.
        marked: (rows,) which are anomalies.
        machines: (rows,) names, or None.
        kept: columns that are passed through, each (rows,).
    """

    x: NDArray[Any]
    windows: Starts | None
    marked: NDArray[np.bool_]
    machines: NDArray[np.str_] | None
    kept: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.x if self.windows is None else self.windows.first)

    def part(self, which: slice = slice(None)) -> Input:
        """Input of some of the windows, or rows; `left_out` is that of the whole file."""
        if self.windows is None:
            rows = np.arange(len(self.x))[which]
            marked, machines = (
                self.marked[rows],
                None if self.machines is None else self.machines[rows],
            )
            kept = {name: _at(column, rows) for name, column in self.kept.items()}
            return Input(self.x[rows], {"row": rows}, 0, int(marked.sum()), machines, kept)
        windows = self.windows.rows(which)
        where = {"first_row": windows[:, 0], "last_row": windows[:, -1]}
        anomalies = int(self.marked[windows].any(axis=1).sum())
        machines = None if self.machines is None else of_windows(self.machines[windows])
        kept = {name: _at(column, windows[:, -1]) for name, column in self.kept.items()}
        return Input(self.x[windows], where, self.left_out, anomalies, machines, kept)

    @cached_property
    def left_out(self) -> int:
        """Number of rows of the file that are in no window."""
        return 0 if self.windows is None else self.windows.outside()


def read_input(
    path: str | Path,
    model: Model,
    windowing: Windowing = Windowing(),  # noqa: B008 - immutable
    *,
    machine_column: str | None = None,
    every_offset: bool = False,
) -> Input:
    """Reads a file for a model; whole numbers are taken as training took them.

    Args:
        path: of the file.
        model: that will run on it.
        windowing: how to cut a table into windows.
        machine_column: the column, or key of an .npz, that names the machine that each row is of.
        every_offset: whether windows begin at any row, one of so many as the stride has rows, at
            random: alarm levels are set on these, since a device may begin anywhere.

    Raises:
        ValueError: it does not hold what the model takes.
        OSError: it cannot be read.
    """
    return read_cut(
        path, model, windowing, machine_column=machine_column, every_offset=every_offset
    ).part()


def read_cut(
    path: str | Path,
    model: Model,
    windowing: Windowing = Windowing(),  # noqa: B008 - immutable
    *,
    machine_column: str | None = None,
    keep: Sequence[str] = (),
    every_offset: bool = False,
) -> CutTable:
    """Reads a file as `read_input` does, but makes the windows later, some at a time.

    Args:
        path, model, windowing, machine_column, every_offset: as there.
        keep: columns, or keys of an .npz, that are passed through.
    """
    wanted = windowing.as_trained(model)
    path = path_of(path, "the path of a file of rows")
    read = partial(read_rows, path, columns=model.feature_names, kept=keep)
    table = _read(
        read, model, wanted, windowing, () if machine_column is None else (machine_column,)
    )
    x, windows = table.x, None
    if x.dtype.kind in "biu" and model.input_dtype == "float32":
        x = x.astype(np.float32)
    if model.stride is not None and x.ndim == 2:
        windows = _starts(path, table, model, wanted, every_offset)
    elif any(option is not None for option in windowing):
        raise ValueError(
            "expected --stride, --recording, --time and --gap with a model of windows and a table "
            f"to cut into them. Received: rows of shape {x.shape[1:]} for {model.input_shape}."
        )
    marked = np.zeros(len(x), bool) if table.y is None else table.y == 1
    machines = None if machine_column is None else names_of(table.extra[machine_column], len(x))
    return CutTable(x, windows, marked, machines, table.kept)


def _starts(
    path: Path, table: Table, model: Model, wanted: Windowing, every_offset: bool
) -> Starts:
    """Places where the windows of a table begin; ValueError for an invalid stride."""
    stride = (model.stride or 1) if wanted.stride is None else wanted.stride
    window = model.input_shape[0]
    order, first = window_starts(
        len(table.x),
        window,
        1 if every_offset else stride,
        recording=table.extra.get(wanted.recording or ""),
        time=times_of(table.extra, wanted, model, where=str(path)),
        gap=wanted.gap,
        where=str(path),
    )
    if every_offset:
        first = first[one_of(len(first), stride)]
    return Starts(order, first, window)


def times_of(
    columns: Mapping[str, NDArray[Any]], wanted: Windowing, model: Model, *, where: str = ""
) -> Times | None:
    """Times of the rows of a table; None where no column of times is named, or there.

    Args:
        columns: those that were read beside x, by name.
        wanted: which of them are times, and how they are written.
        model: whose training says how it was there.
        where: the file, for messages.
    """
    names = time_columns(wanted.time)
    if not names or not set(names) <= set(columns):
        return None
    hint = None if model.clock is None else model.clock.format
    each = (columns[name] for name in names)
    return read_times(*each, format=wanted.time_format, hint=hint, where=where)


def _read(
    read: Callable[..., Table],
    model: Model,
    wanted: Windowing,
    said: Windowing,
    always: Sequence[str],
) -> Table:
    """Reads the wanted columns; for windows, others than the named may be missing."""
    try:
        extra = tuple(dict.fromkeys((*wanted.columns, *always)))  # one column may be both
        return read(extra=extra)
    except ColumnError as error:
        extra = tuple(dict.fromkeys((*said.columns, *always)))
        table = read(extra=extra)
        if table.x.ndim == 2:
            raise ValueError(f"{error} {_advice(model, said)}") from error
        return table  # windows that are cut already


def _advice(model: Model, said: Windowing) -> str:
    kept = {"--recording": (model.recording, said.recording), "--time": (model.time, said.time)}
    own = {option: name for option, (name, given) in kept.items() if name and given is None}
    none = " ".join(f"{option} ''" for option in own)
    return (
        f"In training, windows were kept apart by {' and '.join(own.values())}. Name the columns "
        f"of this file ({', '.join(own)}), or say that it has none: "
        f"{none}."
    )


def _at(column: Any, rows: NDArray[np.int64]) -> Any:
    """Rows of a column of numpy, or of pyarrow, by their numbers."""
    return column[rows] if isinstance(column, np.ndarray) else column.take(rows).combine_chunks()


def _counted(n: int, one: str) -> str:
    return f"{n:,} {one if n == 1 else one + 's'}"
