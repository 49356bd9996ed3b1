"""Counts of a column's different values, up to a limit."""

from collections import Counter
from typing import Any

MOST_NUMBERS = 100_000
MOST_TEXTS = 2_000


class Tally:
    """Counts of values, block by block; gives up above `most` different ones."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.counts: Counter[Any] | None = Counter()

    def add(self, values: list[Any], counts: list[int]) -> None:
        """Adds different values and how often each is there."""
        if self.counts is None:
            return
        for value, count in zip(values, counts, strict=True):
            self.counts[value] += count
        if len(self.counts) > self._most:
            self.counts = None

    @property
    def distinct(self) -> int | None:
        """How many values differ; None for more than were counted."""
        return None if self.counts is None else len(self.counts)
