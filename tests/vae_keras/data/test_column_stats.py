"""One look at all rows: the same whatever the blocks that they come in."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_keras.data.column_stats import ColumnStats, outlier_warnings

CELLS = st.sampled_from([-2.0, 0.0, 1.0, 3.5, np.nan, np.inf, -np.inf])


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
def test_good_rows_limits_and_constants_do_not_depend_on_blocks(x, labels, ends):
    y, good = labels[: len(x)], np.isfinite(x).all(1)
    stats = survey_of(x, y, ends=ends, allow_bad=True)
    if not good.any():
        with refuses(f"Received: {len(x)} rows, each with a missing or infinite value."):
            stats.good()
        return
    np.testing.assert_array_equal(stats.good(), good)
    np.testing.assert_array_equal(stats.low, x[good].min(0))
    np.testing.assert_array_equal(stats.high, x[good].max(0))
    normal = x[good & ~y]
    constant = [] if not len(normal) else np.flatnonzero(np.ptp(normal, axis=0) == 0).tolist()
    assert stats.constant() == constant


@pytest.mark.parametrize("ends", [(), (1,), (2, 3)])
def test_a_bad_value_is_named_by_the_row_of_the_whole_table_and_its_column(ends):
    x = np.float32([[1, 2], [3, 4], [5, 6], [7, np.inf], [np.nan, 8]])
    with refuses("Received: inf in row 3, column 'flow' (") as e:
        survey_of(x, names=("speed", "flow"), ends=ends)
    assert "or leave such rows out: --bad-rows drop." in str(e.value)


def test_bad_rows_of_a_block_are_counted():
    x = np.float32([[1, np.nan], [np.nan, np.nan], [1, 2]])
    with refuses("nan in row 0, position (1,) (2 rows have such values)."):
        survey_of(x)


def test_a_bad_value_of_an_image_is_named_by_its_position():
    x = np.ones((2, 3, 3, 1), np.float32)
    x[1, 2, 0, 0] = np.nan
    with refuses("Received: nan in row 1, position (2, 0, 0) (1 rows"):
        survey_of(x)


def test_bytes_have_no_bad_values():
    stats = survey_of(np.arange(12, dtype=np.uint8).reshape(3, 4))
    assert stats.good().all()
    np.testing.assert_array_equal(stats.high, [8, 9, 10, 11])


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
