"""How many rows a run has read, done and rejected."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from .parts import Outcome


class Counts(NamedTuple):
    """Rows of a run so far; of a model of windows, windows.

    Args:
        done: with results.
        rejected: that are none; those read are these and those done.
        anomalies: that raise an alarm, among those done.
        left_out: rows that are in no window.
        classes: those done that are of each class, by name.
    """

    done: int = 0
    rejected: int = 0
    anomalies: int = 0
    left_out: int = 0
    classes: Mapping[str, int] = {}

    @property
    def read(self) -> int:
        """All that were read."""
        return self.done + self.rejected

    def plus(self, outcome: Outcome) -> "Counts":
        """With those of another part."""
        return Counts(
            self.done + outcome.rows,
            self.rejected + len(outcome.rejects),
            self.anomalies + outcome.anomalies,
            self.left_out + outcome.left_out,
            Counter(self.classes) + Counter(outcome.classes),
        )
