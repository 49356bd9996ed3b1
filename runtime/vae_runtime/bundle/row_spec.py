"""Records of a manifest that describe a model's rows: names, shape, times, text files, images."""

import dataclasses
from dataclasses import dataclass
from typing import Any

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1", "cp1252")  # of text files


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """Way in which a text file writes a table; the defaults are those of plain CSV.

    `sep` is the one character between cells, " " for blanks and tabs in any number; a tab is "tab"
    in manifests, which have no control characters. `decimal` is
    the mark before a number's fraction, `thousands` that between groups of three digits. `encoding`
    is one of `ENCODINGS`. Lines that begin with `comment` are no rows. `skiprows` lines stand above
    the table; then one of names where `header` is true, then `units` lines of units below it.
    `missing` are cells that mean "no value" beside the usual words; numbers among them are compared
    as numbers.

    >>> Dialect(sep=";", decimal=",").encoding
    'utf-8'
    """

    sep: str = ","
    decimal: str = "."
    thousands: str | None = None
    encoding: str = "utf-8"
    comment: str | None = None
    header: bool = True
    skiprows: int = 0
    units: int = 0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageSpec:
    """Description of how images became rows in training; a device does the same to its images.

    Rows are of `input_shape`: (height, width, channels). `bits` are those of a channel: 8, or 16 of
    grey images, whose rows are float32 from 0 to 65535. `resampling` is the filter by which images
    of other sizes are resized; None where all had that size, and others are refused. `orientation`
    is "upright" where images are turned as their EXIF tag says, else "stored". `aspect` are the
    least and the greatest width / height of the images.
    """

    bits: int
    resampling: str | None
    orientation: str
    aspect: tuple[float, float] | None = None


@dataclass(frozen=True)
class Clock:
    """Times of the rows that a model was trained on, which are the defaults on a device.

    `columns` are the column of times, or those of dates and of clocks. `format` is that of strftime
    by which they were read, None where none was needed: ISO dates, numbers. `step` is the usual
    time from one row to the next, in seconds or in the unit of times that are plain numbers, None
    where recordings differ; `gap` that above which a step is a hole, None where that differs.
    """

    columns: tuple[str, ...]
    format: str | None = None
    step: float | None = None
    gap: float | None = None


@dataclass(frozen=True, kw_only=True)
class RowSpec:
    """Description of a model's rows: what training read, and what a device is given.

    `value_range` is where the likelihood is defined, None for anywhere. `feature_names` are those
    of the last axis: columns, channels. `one_hot` are the sizes of the one-hot groups that the last
    columns are, in order: exactly one 1 in each. `stride` is set where a row is a window over a
    table, `input_shape` being (window, channels): the rows between the starts of two in training.
    `recording` and `time` are the columns by which recordings and holes in time were told apart
    there; `time` may be two columns, "date,clock", and `clock` says more about them. `label` is
    the one that is 1 for anomalies, or that has one of the words of `normal` in normal rows.
    `machine_column` names the machine of a fleet that a row is of; see `Calibration`.
    `categories` are the columns of text that training encoded as one-hot groups, the last ones, and
    the values that each may have: `mode` with idle and wash is `mode_idle` and `mode_wash` in
    `feature_names`; None without any. Of windows they are the last channels; `one_hot` is empty.
    `classes` are the names of what the classifier tells apart, in the order of its output; None
    without a classifier. `dialect` is how the text file that training read was written; None of
    other files. `image` says how image files became rows; None where rows came otherwise.
    """

    name: str
    input_shape: tuple[int, ...]
    input_dtype: str
    value_range: tuple[float, float] | None
    feature_names: tuple[str, ...] | None
    one_hot: tuple[int, ...]
    classes: tuple[str, ...] | None = None
    stride: int | None = None
    recording: str | None = None
    time: str | None = None
    machine_column: str | None = None
    categories: dict[str, tuple[str, ...]] | None = None
    dialect: Dialect | None = None
    image: ImageSpec | None = None

    label: str | None = None
    normal: tuple[str, ...] | None = None
    clock: Clock | None = None

    @property
    def noun(self) -> str:
        """Word for one example: "window" of a model of windows, else "row"."""
        return "row" if self.stride is None else "window"

    def fields(self) -> dict[str, Any]:
        """Returns the fields of a `RowSpec` by name, of any description that is one."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(RowSpec)}
