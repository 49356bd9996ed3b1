"""Reader of a live source's lines, each a sample: JSON arrays, JSON objects, or CSV.

[101.3, 2.9, 10.2]                                   in the order of the features
{"pressure": 101.3, "flow": 2.9, "current": 10.2}    by name; other keys are left alone
101.3,2.9,10.2                                       in the order of the features
time,current,flow,pressure                           a header: from here on CSV by name

Text may have other marks, see `line_cells`.
"""

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle.manifest import Model
from vae_runtime.rows.names.categories import Categories, encode, numbers_of, without_value
from vae_runtime.rows.names.missing_names import quoted
from vae_runtime.rows.text.cells import NoValue
from vae_runtime.rows.text.dialect import Reading
from vae_runtime.rows.text.headers import is_numbered, may_be_row, tell_names
from vae_runtime.rows.text.json_values import number, parse_json, short
from vae_runtime.rows.text.recognition import SEP_LINE
from vae_runtime.rows.times.times import time_columns

from .line_cells import CellReader
from .line_times import LineTime, TimeReader


class Sample(NamedTuple):
    """Sample of a line: x in the shape of a sample, and its time where asked for."""

    x: NDArray[Any]
    time: LineTime | None


class LineReader:
    """Turns lines into samples; remembers the CSV header.

    Args:
        model: the bundle's.
        time: the name of the column or key of times, or those of dates and of clocks with a comma
            between; times are as in files, see `rows.times`. They are not read where None.
        time_format: of strftime, in which times are written.
        allow_missing: whether a value may be null, or a cell empty: it is NaN.
        reading: of text, see `CellReader`; as training read it where None.

    After each `read`, `time` is that of its line, also where its numbers were refused; None where
    it has none.
    """

    def __init__(
        self,
        model: Model,
        time: str | None = None,
        time_format: str | None = None,
        *,
        allow_missing: bool = False,
        reading: Reading | None = None,
    ) -> None:
        shape = model.input_shape if model.stride is None else model.input_shape[1:]
        self._shape, self._names, self._times = shape, model.feature_names, time_columns(time)
        hint = None if model.clock is None else model.clock.format
        self._read_time = TimeReader(time_format, hint)
        self.time: LineTime | None = None
        self._dtype, self._categories = np.dtype(model.input_dtype), model.categories or {}
        self._header: list[str] | None = None
        self._allow_missing = allow_missing
        self._began = False  # whether there has been a sample
        reading = Reading(recorded=model.dialect) if reading is None else reading
        self._is_header, self._above = reading.header, reading.skiprows or 0
        self._most_units = 0 if reading.recorded is None else reading.recorded.units
        self._units = 0  # lines of units that may come now
        self._is_numbered = self._is_by_number(reading)
        self._count = math.prod(self._shape)
        self._cells = CellReader(reading, self._fits, self._count)

    def read(self, line: str) -> Sample | None:
        """Sample of a line; None for a blank line or a header.

        Raises:
            ValueError: it is neither of these nor a sample.
        """
        self.time = None
        line = line.strip("\r\n").removeprefix("\ufeff")
        if self._above:
            self._above -= 1
            return None
        if not line.replace("\0", "").strip() or (self._header is None and SEP_LINE.match(line)):
            return None
        if "\0" in line:
            raise ValueError("expected text. Received: zero bytes, as of a crash.")
        if self._cells.comment and line.lstrip(" \t").startswith(self._cells.comment):
            self._take_comment(line)
            return None
        if line.lstrip()[0] in "[{":
            return self._of_json(parse_json(line))
        cells = self._cells.split(line)
        return None if self._take_header(cells) else self._of_cells(cells)

    def _take_comment(self, line: str) -> None:
        """Takes names from a comment that has all of them, as files have them above the rows."""
        cells = self._cells.names_of(line)
        if not self._began and self._is_header is None and self._names_all(cells):
            self._header = cells
            self._units = self._most_units

    def _of_json(self, value: Any) -> Sample:
        if isinstance(value, dict):
            if self._names is None:
                raise ValueError("expected an array, as this model's features have no names.")
            return self._by_name(value)
        self._refuse_time("a JSON object")
        flat = _flat(value)
        names = self._names if self._names is not None and len(self._names) == len(flat) else None
        numbers = np.array(
            [self._number(v, None if names is None else names[i]) for i, v in enumerate(flat)]
        )
        if isinstance(value, list) and numbers.size == math.prod(self._shape):
            return Sample(self._as_sample(numbers), None)
        raise ValueError(f"expected {math.prod(self._shape)} numbers. Received: {numbers.size}.")

    def _take_header(self, cells: list[str]) -> bool:
        """Takes a CSV header, by which later lines are then read; False for other lines."""
        if self._is_header is False:
            return False
        is_first, self._is_header = self._is_header, None
        if self._is_numbered_without_names(cells):
            return True
        wanted, named = [*self._columns(cells), *self._times], self._names_all(cells)
        if self._units and not named and not any(map(self._cells.is_number, cells)):
            self._units -= 1  # as training read below the names
            return True
        if self._header is not None and not named and {*wanted}.isdisjoint(cells):
            return False  # a bad line, not other names
        if named and self._began and all(map(self._cells.is_number, wanted)):
            return False  # 0,1,2 as names: later on that is a sample
        is_new = self._names is None and self._header is None and is_numbered(cells, ())
        if not (named or is_first) and not (
            self._may_begin(cells) and (is_new or not any(map(self._cells.is_number, cells)))
        ):
            return False
        for name in wanted:
            if cells.count(name) != 1:
                raise ValueError(
                    f"expected one column {name!r} in a header. Received: {short(cells)}."
                )
        if may_be_row(cells, wanted, ()):
            tell_names("the stream", short(cells))
        self._header, self._units = cells, self._most_units
        return True

    def _is_numbered_without_names(self, cells: list[str]) -> bool:
        """True for a first line 0,1,2, ... above samples in the order of the model's features."""
        is_first = self._header is None and not self._began and not self._names_all(cells)
        is_of_samples = self._names is not None and len(cells) == math.prod(self._shape)
        return is_first and is_of_samples and is_numbered(cells, ())

    def _is_by_number(self, reading: Reading) -> bool:
        """True for a model whose columns are called by their places in lines without names."""
        said = reading.header is False or (
            reading.recorded is not None and not reading.recorded.header
        )
        return said and bool(self._names) and all(n.isdecimal() for n in self._names or ())

    def _names_all(self, cells: list[str]) -> bool:
        """True for cells that name all columns of a sample."""
        return bool(self._names) and {*self._columns(cells), *self._times} <= {*cells}

    def _fits(self, cells: list[str]) -> bool:
        """True for cells that name all columns of a sample, or have them at their places."""
        if not self._is_numbered or self._names_all(cells):
            return self._names_all(cells)
        places = {str(i + 1): cell for i, cell in enumerate(cells)}
        wanted = self._columns(places)
        return {*wanted} <= {*places} and all(self._cells.is_number(places[n]) for n in wanted)

    def _may_begin(self, cells: list[str]) -> bool:
        """True where text may be a header: for features without names, only the first line."""
        columns = math.prod(self._shape) + len(self._times)
        return self._names is not None or (not self._began and len(cells) == columns)

    def _of_cells(self, cells: list[str]) -> Sample:
        if self._header is None and self._is_numbered and len(cells) > self._count:
            self._header = [str(i + 1) for i in range(len(cells))]
        if self._header is None:
            self._refuse_time("a header")
            return self._of_json(cells)
        if len(cells) == len(self._header) + 1:
            if not cells[-1]:
                cells = cells[:-1]  # a mark behind the last cell
            elif not self._began and self._header[0]:
                self._header = ["", *self._header]  # an index of the rows
        if len(cells) != len(self._header):
            raise ValueError(f"expected {len(self._header)} cells. Received: {len(cells)}.")
        return self._by_name(dict(zip(self._header, cells, strict=True)))

    def _by_name(self, values: dict[str, Any]) -> Sample:
        names = self._columns(values) or [name for name in values if name not in self._times]
        wanted = [*names, *self._times]
        missing = [name for name in wanted if name not in values]
        if missing:
            raise ValueError(f"expected {quoted(missing)}. Received: {short(list(values))}.")
        if self._times:
            self.time = self._read_time([values[name] for name in self._times], self._times)
        is_text = self._categories.keys() <= {*names}
        coded = self._categories if is_text else {}
        plain = [self._number(values[name], name) for name in names if name not in coded]
        groups = _groups(values, coded, allow_missing=self._allow_missing)
        numbers = np.array([*plain, *groups])
        if numbers.size != math.prod(self._shape):
            raise ValueError(
                f"expected {math.prod(self._shape)} columns. Received: {numbers.size}."
            )
        return Sample(self._as_sample(numbers), self.time)

    def _number(self, value: Any, name: str | None = None) -> float:
        """A value as a number; NaN for a missing one, where it may be."""
        try:
            return number(value, name, self._cells.format)
        except NoValue:
            if self._allow_missing:
                return math.nan
            raise

    def _columns(self, there: Collection[str]) -> Sequence[str]:
        """The columns that features come from; of categories those of text, where they are there.

        None of a model whose features have no names.
        """
        names = self._names or ()
        if not self._categories or ({*names} <= {*there}):
            return names
        return (*numbers_of(names, self._categories), *self._categories)

    def _as_sample(self, numbers: NDArray[np.float64]) -> NDArray[Any]:
        """Array in the sample's shape; of whole numbers where the model takes these and all are."""
        sample, self._began = numbers.reshape(self._shape), True
        if self._dtype.kind == "f":
            return sample
        limits = np.iinfo(self._dtype)
        if not (
            (sample == np.floor(sample)) & (sample >= limits.min) & (sample <= limits.max)
        ).all():
            raise ValueError(
                f"expected whole numbers from {limits.min} to {limits.max}. Received: "
                f"{short(numbers.tolist())}."
            )
        return sample.astype(self._dtype)

    def _refuse_time(self, needed: str) -> None:
        if self._times:
            named = " and ".join(map(repr, self._times))
            raise ValueError(
                f"expected {needed} that names {named}. Received: numbers. If there are no times, "
                "say so (--time '')."
            )


def _groups(
    values: Mapping[str, Any], categories: Categories, *, allow_missing: bool
) -> list[float]:
    """Numbers of the one-hot groups of a line; ValueError for a value that is not known."""
    if not categories:
        return []
    found = encode({column: [values[column]] for column in categories}, categories)
    bad = dict(found.bad)
    if not allow_missing:
        without_value(categories, found.x, bad)
    for reason in bad.values():
        raise ValueError(reason)
    return [float(value) for value in found.x[0]]


def _flat(value: Any) -> list[Any]:
    """Numbers of nested lists, in their order."""
    while isinstance(value, list) and value and all(isinstance(part, list) for part in value):
        value = list(itertools.chain.from_iterable(value))
    return value if isinstance(value, list) else [value]
