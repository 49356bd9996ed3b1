"""Windows over samples that arrive a few at a time, equal to those of `windows.window_rows`."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class WindowerState(NamedTuple):
    """Progress of cutting a stream.

    `rows` is how many samples there have been, `start` the row at which the next window begins;
    `pending` are the samples from `start` on that are there already, (fewer than window, ...).
    """

    rows: int
    start: int
    pending: NDArray[Any]

    def anew(self) -> "WindowerState":
        """Progress after a gap, which no window spans."""
        return WindowerState(self.rows, self.rows, self.pending[:0])

    def skip(self, stride: int) -> "WindowerState":
        """Progress after a row that cannot be used: no window is over it, all others stay."""
        missed = max(self.rows + 1 - self.start, 0)
        start = self.start + -(-missed // stride) * stride
        return WindowerState(self.rows + 1, start, self.pending[:0])


class Windows(NamedTuple):
    """Windows that are complete: x (windows, window, ...) and the row at which each begins."""

    x: NDArray[Any]
    first_row: NDArray[np.int64]


def cut(
    state: WindowerState, samples: NDArray[Any], gap: NDArray[np.bool_], *, window: int, stride: int
) -> tuple[Windows, WindowerState]:
    """Cuts the windows that are complete, and says where to go on; `state` stays as it is.

    Args:
        state: where the cutting has got to.
        samples: (rows, ...), the next ones.
        gap: (rows,), whether samples were lost before each.
        window: samples in a window.
        stride: samples between the starts of two windows.
    """
    found = []
    edges = np.flatnonzero(gap).tolist()
    for a, b in zip([0, *edges], [*edges, len(samples)], strict=True):
        state = state.anew() if a < len(gap) and gap[a] else state
        windows, state = _cut_piece(state, samples[a:b], window, stride)
        found.append(windows)
    x, first_row = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Windows(x, first_row), state


def _cut_piece(
    state: WindowerState, samples: NDArray[Any], window: int, stride: int
) -> tuple[Windows, WindowerState]:
    """Cuts windows from samples of which none were lost."""
    held = np.concatenate([state.pending, samples])
    held_from, rows = state.rows - len(state.pending), state.rows + len(samples)
    first = np.arange(state.start, rows - window + 1, stride)
    x = held[(first - held_from)[:, None] + np.arange(window)]
    start = state.start + stride * len(first)
    pending = held[start - held_from :].copy()  # else all of held would be kept
    return Windows(x, first), WindowerState(rows, start, pending)
