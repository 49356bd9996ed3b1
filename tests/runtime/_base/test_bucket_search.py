"""Numbers among boundaries: exactly what a binary search says, whatever the numbers are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_runtime._base.bucket_search import LEAST_FOR_BUCKETS, Steps

FLOATS = st.floats(width=32)
BOUNDARIES = st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=40)


@given(boundaries=BOUNDARIES, values=arrays(np.float32, 30, elements=FLOATS))
def test_it_is_a_binary_search(boundaries: list[float], values: np.ndarray) -> None:
    edges = np.sort(np.array(boundaries, np.float32))
    with np.errstate(over="ignore"):
        near = [edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf), values]
    asked = np.resize(np.concatenate(near), LEAST_FOR_BUCKETS)
    np.testing.assert_array_equal(Steps(edges)(asked), edges.searchsorted(asked))


@pytest.mark.parametrize("n", [1, 2, 100, 5000])
def test_scores_with_a_long_tail(n: int) -> None:
    rng = np.random.default_rng(n)
    edges = np.sort(np.exp(rng.normal(size=n) * 3).astype(np.float32) - 5)
    asked = np.concatenate(
        [
            rng.choice(edges, LEAST_FOR_BUCKETS),
            rng.normal(size=LEAST_FOR_BUCKETS).astype(np.float32),
        ]
    )
    steps = Steps(edges)
    np.testing.assert_array_equal(steps(asked), edges.searchsorted(asked))
    np.testing.assert_array_equal(steps(asked[:9]), edges.searchsorted(asked[:9]))


@pytest.mark.parametrize("edges", [[2.0, 2.0, 2.0], [-np.inf, 0, np.inf], [-3e38, 3e38]])
def test_boundaries_that_no_cells_fit(edges: list[float]) -> None:
    boundaries = np.array(edges, np.float32)
    asked = np.resize(
        np.array([-np.inf, -3e38, 0, 2, 3e38, np.inf, np.nan], np.float32), LEAST_FOR_BUCKETS
    )
    np.testing.assert_array_equal(Steps(boundaries)(asked), boundaries.searchsorted(asked))
