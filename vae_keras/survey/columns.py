"""Statistics of one column, gathered block by block in little memory."""

from typing import Any

import numpy as np

from vae_keras._base.arrays import Array

from .cells import Cells
from .dates import Dates
from .extremes import Extremes
from .sample import Sample
from .steps import Steps
from .tally import MOST_NUMBERS, MOST_TEXTS, Tally


class ColumnStatistics:
    """Statistics of a column.

    `rows`, `missing`, `numbers`, `infinite`: counts of cells. `values` and `texts`: different
    numbers, and different texts that are none. `is_whole`, `is_flag`: of all numbers so far.
    `has_words`: whether flags were written as words, or have a type of their own.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = self.missing = self.numbers = self.infinite = 0
        self.values, self.texts = Tally(MOST_NUMBERS), Tally(MOST_TEXTS)
        self.extremes, self.steps, self.sample = Extremes(), Steps(), Sample()
        self.dates: Dates | None = Dates()
        self.is_whole = self.is_flag = True
        self.has_words = self.has_dates = False
        self.runs = 0
        self.sum = 0.0
        self.endings: TextNumbers | None = TextNumbers()
        self._last: Any = None

    def begin(self) -> None:
        """Begins a file."""
        self.steps.begin()
        if self.dates is not None:
            self.dates.begin()
        self._last = None

    def add(self, cells: Cells, names: Array | None = None) -> None:
        """Adds the cells of a block.

        Args:
            cells: of the column.
            names: int (rows,), the number of the recording that each row is of.
        """
        values = cells.numbers[np.isfinite(cells.numbers)]
        self.rows += len(cells.numbers)
        self.missing += int(cells.missing.sum())
        self.infinite += int(np.isinf(cells.numbers).sum())
        self.numbers += len(values)
        self.has_words |= cells.flags
        self.has_dates |= cells.dates
        self._add_numbers(values)
        if self.dates is not None and not cells.dates and not self._add_dates(cells, names):
            self.dates = None
        if cells.texts is not None:
            self._add_texts(cells)
        self._add_runs(cells)
        finite = np.where(np.isfinite(cells.numbers), cells.numbers, np.nan)
        self.sample.add(finite)
        self.steps.add(finite, names)

    @property
    def mean(self) -> float | None:
        """Mean of the numbers."""
        return self.sum / self.numbers if self.numbers else None

    def _add_numbers(self, values: Array) -> None:
        if not len(values):
            return
        different, counts = np.unique(values, return_counts=True)
        self.extremes.add(different, counts)
        if self.values.counts is not None:
            self.values.add(different.tolist(), counts.tolist())
        self.sum += float(values.sum())
        self.is_whole &= bool((different == np.rint(different)).all())
        self.is_flag &= bool(np.isin(different, (0, 1)).all())

    def _add_dates(self, cells: Cells, names: Array | None) -> bool:
        """Adds what may be dates; returns False where it is none."""
        has_numbers = bool(np.isfinite(cells.numbers).any())
        text = np.isnan(cells.numbers) & ~cells.missing
        if self.dates is None or (has_numbers and text.any()) or cells.flags:
            return False
        if has_numbers:
            return self.dates.add_numbers(cells.numbers, names)
        return cells.texts is None or not text.any() or self.dates.add(cells.texts, text, names)

    def _add_texts(self, cells: Cells) -> None:
        import pyarrow as pa

        strange = np.isnan(cells.numbers) & ~cells.missing
        if not strange.any():
            return
        texts = cells.texts.filter(pa.array(strange))
        if self.texts.counts is not None:
            found = texts.value_counts()
            self.texts.add(found.field("values").to_pylist(), found.field("counts").to_pylist())
        if self.endings is not None and self.dates is None:
            self.endings = self.endings if self.endings.add(texts) else None

    def _add_runs(self, cells: Cells) -> None:
        """Counts stretches of rows of the same value."""
        if self.texts.counts is None or not len(cells.numbers):
            return
        if cells.texts is None:
            changes, first, last = _changes(cells.numbers), cells.numbers[0], cells.numbers[-1]
        else:
            numbers = cells.texts.dictionary_encode().indices.to_numpy(zero_copy_only=False)
            changes, first, last = (
                _changes(numbers),
                cells.texts[0].as_py(),
                cells.texts[-1].as_py(),
            )
        self.runs += changes + (self._last is None or first != self._last)
        self._last = last


class TextNumbers:
    """Finds texts that end in a number which only rises: names of parts, one after the other."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def add(self, texts: Any) -> bool:
        """Adds a block of texts; returns False where they are not so."""
        import pyarrow.compute as pc

        parts = pc.extract_regex(texts, r"^(?P<head>.*?)(?P<number>[0-9]{1,18})$")
        if parts.null_count:
            return False
        heads = parts.field("head").dictionary_encode()
        numbers = parts.field("number").cast("int64").to_numpy(zero_copy_only=False)
        codes = heads.indices.to_numpy(zero_copy_only=False)
        for i, head in enumerate(heads.dictionary.to_pylist()):
            own = numbers[codes == i]
            if not (np.diff(own) > 0).all() or own[0] <= self._last.get(head, -1):
                return False
            self._last[head] = int(own[-1])
        return len(self._last) <= MOST_HEADS


MOST_HEADS = 50  # beginnings of such names


def _changes(values: Array) -> int:
    both = values[1:] != values[:-1]
    if values.dtype.kind == "f":
        both &= ~(np.isnan(values[1:]) & np.isnan(values[:-1]))
    return int(both.sum())
