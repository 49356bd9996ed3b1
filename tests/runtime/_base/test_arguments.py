import re
from fractions import Fraction

import numpy as np
import pytest

from vae_runtime._base.arguments import number, whole


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.array(3)])
def test_whole_numbers_of_any_kind_are_pythons(value):
    found = whole("k", value, least=3, most=3)
    assert (found, type(found)) == (3, int)


@pytest.mark.parametrize(
    "value", [2, 5, 3.0, np.float32(3), "3", None, True, np.True_, np.array([3]), [3], Fraction(3)]
)
def test_what_is_no_such_whole_number_is_refused_with_its_bounds(value):
    with pytest.raises(ValueError, match=r"expected k from 3 to 4, as a whole number\. Received: "):
        whole("k", value, least=3, most=4)


def test_a_whole_number_may_be_without_bounds():
    assert whole("k", -(10**30)) == -(10**30)
    with pytest.raises(ValueError, match=re.escape("expected k, as a whole number. Received: 2.5")):
        whole("k", np.float32(2.5))


@pytest.mark.parametrize(
    "value", [2.5, np.float32(2.5), np.float64(2.5), np.array(2.5), Fraction(5, 2)]
)
def test_real_numbers_of_any_kind_are_pythons(value):
    found = number("alpha", value)
    assert (found, type(found)) == (2.5, float)


@pytest.mark.parametrize("value", ["2.5", None, True, np.False_, 1j, [2.5], np.array([2.5])])
def test_what_is_no_real_number_is_refused(value):
    with pytest.raises(ValueError, match=r"expected alpha as a number\. Received: "):
        number("alpha", value)


BEYOND = [10**400, -(10**400), Fraction(10**400), 10**5000]


@pytest.mark.parametrize("value", BEYOND, ids=["large", "small", "fraction", "unprintable"])
def test_a_number_that_no_float_holds_is_refused_in_a_line(value):
    with pytest.raises(ValueError, match=r"expected alpha as a number\. Received: ") as e:
        number("alpha", value)
    assert len(str(e.value)) < 200


def test_a_whole_number_beyond_its_bounds_is_not_printed_at_length():
    with pytest.raises(ValueError, match="Received: one of more than 60 digits"):
        whole("k", 10**5000, most=9)
