"""Lists of names in one text: what is joined is split again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_runtime._base.name_lists import joined_names, split_names

NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1).filter(
    lambda name: name == name.strip()
)


@given(st.lists(NAMES, min_size=1))
def test_names_come_back_whatever_they_hold(names):
    assert split_names(joined_names(names)) == tuple(names)


def test_plain_names_stay_plain():
    assert joined_names(["temp", "flow [l/min]"]) == "temp,flow [l/min]"
    assert split_names(" temp , flow") == ("temp", "flow")


@pytest.mark.parametrize("text", ["", ",", "a,", "a\nb,a", 'a\r"b,c"', '"', '"a', 'a"b,c', "a,,b"])
def test_any_text_is_a_list(text):
    names = split_names(text)
    assert names
    assert all(name == name.strip() for name in names)
