"""Windows of a stream are those of the table that it makes, whatever the pieces it comes in."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vae_runtime.live.windower import WindowerState, cut


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=8),
    st.sets(st.integers(0, 60), max_size=5),
    st.integers(1, 6),
    st.integers(1, 9),
)
def test_windows_are_those_between_gaps(pieces, gaps, window, stride):
    rows, found = sum(pieces), []
    lost = np.isin(np.arange(rows), list(gaps))
    state, samples = WindowerState(0, 0, np.empty((0, 2))), np.arange(2.0 * rows).reshape(rows, 2)
    for start, end in itertools.pairwise([0, *np.cumsum(pieces).tolist()]):
        windows, state = cut(
            state, samples[start:end], lost[start:end], window=window, stride=stride
        )
        found += windows.first_row.tolist()
        for x, first in zip(windows.x, windows.first_row, strict=True):
            np.testing.assert_array_equal(x, samples[first : first + window])
        assert len(state.pending) < window
        assert state.pending.base is None  # nothing larger is kept alive
    edges = sorted({0, rows} | {gap for gap in gaps if gap < rows})
    stretches = itertools.pairwise(edges)
    assert found == [i for a, b in stretches for i in range(a, b - window + 1, stride)]
    assert state.rows == rows
