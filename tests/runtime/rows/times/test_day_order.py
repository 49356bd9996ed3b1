"""Which number is the day: by the dates, their marks, the order of rows, or the training."""

import numpy as np
import pytest

from vae_runtime.rows.times.day_order import TimeError, begin_of, dates_of


def test_a_number_above_12_is_a_day():
    assert dates_of(np.array(["03/04/2026", "03/14/2026"]), None, "")[1] == "%m/%d/%Y"


def test_the_order_of_rows_tells():
    days = np.array([f"{day:02}/02/2026 {hour:02}:00" for day in (3, 4) for hour in range(24)])
    assert dates_of(days, None, "")[1] == "%d/%m/%Y %H:%M"


def test_dots_have_the_day_first_and_training_comes_before_all():
    assert dates_of(np.array(["03.04.2026"]), None, "")[1] == "%d.%m.%Y"
    assert dates_of(np.array(["03/04/2026"]), "%m/%d/%Y", "")[1] == "%m/%d/%Y"


def test_what_nothing_tells_is_refused_by_name_of_the_file():
    with pytest.raises(TimeError, match=r"log.csv: expected dates that say which"):
        dates_of(np.array(["03/04/2026"]), None, "log.csv")
    assert begin_of("") == ""
