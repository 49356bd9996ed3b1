"""Numbers as text by numpy are those of `str`, number by number."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_runtime.batch.writing.digits import chosen, joined, put, texts_of

DTYPES = [np.float16, np.float32, np.float64, np.int8, np.uint8, np.int32, np.int64, np.uint64]


def texts(column):
    return joined([texts_of(column), b"\n"], len(column)).decode().split("\n")[:-1]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*DTYPES, ">f4", ">i8"]).flatmap(lambda d: arrays(d, st.integers(0, 9))))
@example(np.array([-(2**63), 2**63 - 1, 0]))
@example(np.array([10**18 - 1, -(10**18) + 1, 10**9, 999_999_999, -1, 0]))
@example(np.array([2**64 - 1, 0], np.uint64))
def test_any_numbers(column):
    assert texts(column) == [str(value) for value in column]


@settings(max_examples=300, deadline=None)
@given(arrays(np.float32, st.integers(1, 9), elements=st.floats(-1e7, 1e7, width=32)))
@example(2.0 ** np.arange(-149, 128, dtype=np.float32))
@example(np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1.0, -1.5], np.float32))
def test_float32(column):
    assert texts(column) == [str(value) for value in column]


@pytest.mark.parametrize("power", range(-5, 9))
def test_float32_about_powers_of_ten(power):
    at = np.float32(10.0**power).view(np.uint32)
    column = np.arange(at - 2000, at + 2000, dtype=np.uint32).view(np.float32)
    assert texts(column) == [str(value) for value in column]


@pytest.mark.parametrize("decimals", range(9))
def test_float32_with_few_decimals(decimals):
    rng = np.random.default_rng(decimals)
    column = (rng.integers(-(10**8), 10**8, 20_000) / 10**decimals).astype(np.float32)
    assert texts(column) == [str(value) for value in column]


def test_float32_of_any_bits():
    bits = np.random.default_rng(0).integers(0, 2**32, 50_000, dtype=np.uint32)
    column = bits.view(np.float32)
    assert texts(column) == [str(value) for value in column]


def test_columns_that_do_not_lie_together():
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert texts(x[:, 1]) == ["1.0", "5.0", "9.0"]
    assert texts(x.astype(np.float64)[::-1, 1]) == ["9.0", "5.0", "1.0"]


def test_pieces_stand_before_and_behind():
    found = joined([b"<", texts_of(np.array([-5, 10])), b", ", texts_of(np.array([7, 8])), b">"], 2)
    assert found == b"<-5, 7><10, 8>"


def test_texts_are_put_in_place_of_shorter_and_longer_ones():
    found = put(texts_of(np.array([123, 4])), np.array([False, True]), chosen([b"null!"], [0]))
    assert joined([found, b";"], 2) == b"123;null!;"
    found = put(texts_of(np.array([123, 4])), np.array([True, False]), chosen([b"x"], [0]))
    assert joined([found, b";"], 2) == b"x;4;"
