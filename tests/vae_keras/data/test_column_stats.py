"""One look at all rows: the same whatever the blocks that they come in."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_keras.data.column_stats import ColumnStats, outlier_warnings

CELLS = st.sampled_from([-2.0, 0.0, 1.0, 3.5])


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def survey_of(x, y=None, *, ends=(), **options):
    y = np.zeros(len(x), bool) if y is None else y
    stats = ColumnStats(options.pop("names", None), **options)
    for part, labels in zip(np.split(x, ends), np.split(y, ends), strict=True):
        stats.add(part, labels)
    return stats


@settings(max_examples=100, deadline=None)
@given(
    x=arrays(np.float32, st.tuples(st.integers(1, 12), st.just(3)), elements=CELLS),
    labels=arrays(bool, 12),
    ends=st.lists(st.integers(0, 12), max_size=3).map(sorted),
)
def test_limits_and_constants_do_not_depend_on_blocks(x, labels, ends):
    y = labels[: len(x)]
    stats = survey_of(x, y, ends=ends)
    np.testing.assert_array_equal(stats.low, x.min(0))
    np.testing.assert_array_equal(stats.high, x.max(0))
    normal = x[~y]
    constant = [] if not len(normal) else np.flatnonzero(np.ptp(normal, axis=0) == 0).tolist()
    assert stats.constant() == constant


def test_columns_of_groups_are_never_constant():
    x = np.float32([[5, 1, 0], [5, 1, 0]])
    stats = survey_of(x, names=("a", "b_x", "b_y"), groups=(2,))
    assert stats.constant() == [0]
    with refuses("none in which b_y is"):
        stats.check_kinds()


def test_a_column_whose_scale_a_few_wild_values_decide_is_noted():
    x = np.random.default_rng(0).normal(10.0, 1.0, (1000, 3)).astype(np.float32)
    x[::60, 1] = -999.0
    (note,) = outlier_warnings(x, ["speed", "flow", "current"])
    assert note.startswith("column 'flow' has values far beyond all others, -999 beside 9.")


@pytest.mark.parametrize("draw", ["normal", "uniform", "exponential", "lognormal", "standard_t"])
def test_values_as_they_come_are_not_noted(draw):
    arguments = {"standard_t": (3,)}.get(draw, ())
    x = getattr(np.random.default_rng(0), draw)(*arguments, size=(5000, 4))
    assert outlier_warnings(x.astype(np.float32), list("abcd")) == []


def test_a_flag_that_is_nearly_always_the_same_is_not_noted():
    x = np.zeros((1000, 1), np.float32)
    x[::100] = 1.0
    assert outlier_warnings(x, ["flag"]) == []
