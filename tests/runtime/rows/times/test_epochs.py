"""Numbers become instants where they are epochs or dates of digits, and stay numbers elsewhere."""

import datetime

import numpy as np
import pytest

from vae_runtime.live.line_times import TimeReader
from vae_runtime.rows.times.epochs import DIGITS, MANY, digit_dates, of_numbers, unit_of_epoch
from vae_runtime.rows.times.times import read_times

DAYS = [datetime.datetime(2026, 2, 20, 8, 30) + datetime.timedelta(days=i) for i in range(40)]


@pytest.mark.parametrize("format", DIGITS.values())
@pytest.mark.parametrize("kind", [str, int, float])
def test_dates_of_digits_are_dates_in_any_type(format, kind):
    numbers = np.array([kind(day.strftime(format)) for day in DAYS])
    times = read_times(numbers)
    assert times.format == format
    expected = [datetime.datetime.strptime(day.strftime(format), format) for day in DAYS]
    seconds = [day.replace(tzinfo=datetime.UTC).timestamp() for day in expected]
    assert (times.values // 10**9).tolist() == seconds


def test_a_missing_date_of_digits_is_a_row_without_a_time():
    numbers = np.array([float(day.strftime("%Y%m%d")) for day in DAYS])
    numbers[3] = np.nan
    times = read_times(numbers)
    assert times.good.sum() == len(DAYS) - 1
    assert not times.good[3]
    assert times.are_dates


@pytest.mark.parametrize(
    "numbers",
    [
        np.arange(19000000, 19001000),  # a clock of ticks
        np.arange(20260201, 20260240),  # no month has so many days
        np.arange(20260301, 20260301 + MANY - 1),  # few
        np.arange(20260301, 20260320) + 0.5,
        np.arange(100),
    ],
)
def test_numbers_that_are_no_dates_stay_numbers(numbers):
    assert digit_dates(numbers) is None
    assert of_numbers(numbers).values.dtype.kind == "f"


def test_a_device_reads_one_such_date_as_training_did():
    assert TimeReader(hint="%Y%m%d")([20260301], ["day"]).seconds == 1772323200.0
    assert TimeReader(hint="%Y%m%d")(["20260301"], ["day"]).seconds == 1772323200.0
    assert TimeReader()([20260301], ["day"]).seconds == 20260301.0


def test_numbers_without_any_value_have_no_time():
    assert not of_numbers(np.array([np.nan, np.nan])).good.any()


@pytest.mark.parametrize(
    ("low", "unit"), [(1772352000, "s"), (1772352e6, "ms"), (1772352e9, "us"), (1772352e12, "ns")]
)
def test_the_magnitude_says_the_unit(low, unit):
    assert unit_of_epoch(low, low + 1) == unit
    assert unit_of_epoch(0, low) is None
