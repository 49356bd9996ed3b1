"""The time of a line is read as that of a file's row, and given back as it came."""

import math
import re

import numpy as np
import pytest

from vae_runtime.live.line_times import TimeReader
from vae_runtime.rows.times.times import read_times

START = 1772352000.0  # 2026-03-01 08:00:00


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01 08:00:00",
        "2026-03-01T09:00:00+01:00",
        "2026/03/01 08:00:00",
        "01.03.2026 08:00:00",
        "Mar 1, 2026 8:00 am",
        START,
        str(START),
        int(START) * 1000,
        int(START) * 10**6,
        str(int(START) * 10**9),
    ],
)
def test_it_is_what_a_column_of_it_would_be(value):
    found = TimeReader()([value], ["t"])
    assert found.seconds == START
    assert str(found.given) == str(value)
    assert read_times(np.array([value])).values[0] / 1e9 == START


@pytest.mark.parametrize("value", [0, 7, 0.25, "0.25", -3])
def test_other_numbers_are_what_they_are(value):
    found = TimeReader()([value], ["t"])
    assert found == (float(value), float(value))


def test_dates_of_training_say_what_is_meant():
    day_first = TimeReader(hint="%d/%m/%Y %H:%M:%S")(["01/03/2026 08:00:00"], ["t"])
    assert day_first.seconds == START


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([math.inf], "expected 't' as finite seconds"),
        (["01/03/2026"], "'t': expected dates that say which number is the day"),
        (["noon"], "'t': expected times as numbers, or as 2026-01-31"),
        ([""], "expected 't' as a time. Received: none."),
        ([None], "expected 't' as a time. Received: none."),
        ([[1]], "'t': expected times as numbers, or as"),
        ([True], "'t': expected times as numbers, or as"),
    ],
)
def test_what_is_no_time_is_refused(values, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        TimeReader()(values, ["t"])
