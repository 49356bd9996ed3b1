"""Numbers that seem to mean "no value"."""

import numpy as np
import pytest

from vae_keras.survey.extremes import Extremes

ROWS = 2_000


def codes(values):
    extremes = Extremes()
    for part in np.array_split(values, 7):
        extremes.add(*np.unique(part, return_counts=True))
    return {code.value: code.count for code in extremes.codes(values, len(values))}


@pytest.fixture
def readings():
    return np.random.default_rng(0).normal(20, 3, ROWS).round(2)


@pytest.mark.parametrize("code", [-200, -999, -9999, 9999, 65535, 32767, 1e20])
def test_known_codes_are_found(readings, code):
    readings[::4] = code
    assert codes(readings) == {code: ROWS // 4}


def test_a_number_that_nobody_knows_is_found_where_it_repeats_far_away(readings):
    readings[::10] = -777
    assert codes(readings) == {-777: ROWS // 10}


def test_several_codes_are_found(readings):
    readings[::50], readings[1::40] = -200, -999
    assert codes(readings) == {-999: 50, -200: 40}


def test_ordinary_extremes_are_no_codes(readings):
    readings[5], readings[6] = 300, 45
    assert codes(readings) == {}


def test_zero_is_off_and_no_code(readings):
    readings[:500] = 0
    assert codes(readings + np.where(readings > 0, 500, 0)) == {}


def test_values_within_the_range_are_no_codes():
    assert codes(np.arange(-300.0, 1200.0).repeat(2)) == {}


def test_few_different_values_have_no_codes():
    assert codes(np.array([1.0, 2.0, 9999.0] * 500)) == {}
