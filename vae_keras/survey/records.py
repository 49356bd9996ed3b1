"""Types of what is found in a table: its columns, its times, its recordings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from vae_keras._base.arrays import Array

# Kinds of columns.
SENSOR = "sensor"  # numbers that say how a thing is: a feature
FLAG = "flag"  # 0 and 1, True and False: a feature
LABEL = "label"  # 1 for anomalies
TIME = "time"  # dates, or a clock's numbers
COUNTER = "counter"  # numbers of rows and the like, which only go on
RECORDING = "recording"  # names of recordings or machines
CATEGORY = "category"  # text of few kinds
TEXT = "text"  # any other text
CONSTANT = "constant"  # one value in all rows, or none at all
FEATURES = (SENSOR, FLAG)


@dataclass(frozen=True)
class Code:
    """Number that seems to mean "no value", as -999, and how many cells hold it."""

    value: float
    count: int


@dataclass(frozen=True)
class Column:
    """Column of a table.

    Args:
        name: of the column; its number from 1 where the table has no names.
        kind: one of the names above.
        why: what shows that it is of this kind, in a few words; "" for a plain sensor.
        rows: how many there are.
        missing: cells without a value.
        strange: texts among numbers, and in how many cells each is.
        distinct: how many values differ; None for more than were counted.
        low, high, mean: of the numbers without `codes`; None of text.
        codes: numbers that seem to mean "no value".
        words: of text, the values and how often each occurs, where they are few.
        ones: of a flag or label, in how many rows it is set; of one in words, is not normal.
        runs: stretches of rows of the same value.
        sample: float64 (rows of the sample,), its numbers at evenly spaced rows, NaN where none.
    """

    name: str
    kind: str
    why: str
    rows: int
    missing: int
    strange: Mapping[str, int]
    distinct: int | None
    low: float | None
    high: float | None
    mean: float | None
    codes: tuple[Code, ...] = ()
    words: Mapping[str, int] = field(default_factory=dict)
    ones: int = 0
    runs: int = 0
    sample: Array = field(default_factory=lambda: np.empty(0), repr=False, compare=False)


@dataclass(frozen=True)
class Times:
    """Times of the rows, from step to step within a file.

    Args:
        columns: that hold them: one, or a date and a clock.
        format: how they are written: "ISO", "seconds" since 1970 and the like, or for strftime.
        unclear: another format that fits as well, as with the day after the month; else None.
        first, last: as text.
        step: usual seconds between two rows, None of a single row.
        regular: share of the steps that are within a tenth of the usual one.
        missed: steps of more than one and a half usual ones.
        longest: the longest step, in seconds.
        repeated: steps of 0.
        back: steps below 0.
        bad: cells that are no time.
    """

    columns: tuple[str, ...]
    format: str
    unclear: str | None
    first: str
    last: str
    step: float | None
    regular: float
    missed: int
    longest: float
    repeated: int
    back: int
    bad: int


@dataclass(frozen=True)
class Survey:
    """Contents of a table, of one file or several.

    Args:
        files: and how many rows each has.
        columns: in the order of the file.
        has_names: whether the columns have names of their own.
        is_array: whether it is one of .npz or .npy, whose columns cannot be chosen.
        times: of the rows; None where no column holds times.
        label: the column that marks anomalies; None where there is none.
        normal: the word for normal rows in it, where it holds words; else None.
        other_labels: columns that say the same in other words, and would give the answer away.
        recording: the column that names recordings or machines; None where none surely does.
        bad_rows: rows that cannot be read, as they have too many cells or too few; `columns` say
            nothing of them.
        bad: why, of the first ones.
        patterns: sets of columns without a value, and in how many rows just these have none.
        notes: on the reading of the files.
    """

    files: Mapping[str, int]
    columns: tuple[Column, ...]
    has_names: bool = True
    is_array: bool = False
    times: Times | None = None
    label: str | None = None
    normal: str | None = None
    other_labels: tuple[str, ...] = ()
    recording: str | None = None
    bad_rows: int = 0
    bad: tuple[str, ...] = ()
    patterns: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(self.files.values())

    def column(self, name: str) -> Column:
        """The column of this name."""
        return next(column for column in self.columns if column.name == name)

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        """Names of the columns of these kinds, in the order of the file."""
        return tuple(column.name for column in self.columns if column.kind in kinds)

    def incomplete(self, names: tuple[str, ...]) -> int:
        """Rows in which one of these columns has no value."""
        return sum(n for absent, n in self.patterns.items() if not set(absent).isdisjoint(names))
