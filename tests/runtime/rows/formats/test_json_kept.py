"""Kept numbers of JSON: those that a float is, and those that it is not."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_runtime.rows.formats.json_kept import check_kept


def check(text, names=("k",)):
    check_kept(text, json.loads(text), names, "rows.jsonl: line 3")


@given(st.floats(allow_nan=False, allow_infinity=False), st.booleans())
def test_a_float_is_kept_as_programs_write_it(number, is_short):
    text = repr(number) if is_short else format(number, ".17g")
    check(f'{{"k": {text}}}')


@pytest.mark.parametrize(
    "number", ["0.1234567890123456789", "1e400", "-123456789012345678.5", "1e-400"]
)
@pytest.mark.parametrize("place", ["{}", "[0, {}]", '{{"a": [{}]}}'])
def test_what_a_float_would_change_is_refused_by_name(number, place):
    said = "rows.jsonl: line 3: expected numbers that floats hold in column 'k'"
    with pytest.raises(ValueError, match=re.escape(said)):
        check(f'{{"k": {place.format(number)}}}')


@pytest.mark.parametrize(
    "text",
    [
        '{"k": 1, "other": 0.1234567890123456789}',
        '{"k": "0.1234567890123456789"}',
        '{"k": 123456789012345678901234567890}',
        '{"other": 1e400}',
        "[0.1234567890123456789]",
    ],
)
def test_what_is_not_kept_or_no_fraction_is_let_be(text):
    check(text)
