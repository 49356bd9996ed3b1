"""Dates and clocks as text: those that training reads are recognised."""

import datetime

import numpy as np
import pytest

from .conftest import ROWS

START = datetime.datetime(2026, 2, 27, 22, 50)
WRITTEN = {
    "%m/%d/%Y %I:%M:%S %p": "%m/%d/%Y %I:%M:%S %p",
    "%d.%m.%y %H:%M:%S": "%d.%m.%y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S": "%d-%b-%Y %H:%M:%S",
    "%H:%M:%S.000": "%H:%M:%S.%f",
    "%Y%m%d %H%M%S": "%Y%m%d %H%M%S",
}


@pytest.mark.parametrize("written", WRITTEN)
def test_times_that_training_reads_are_times(sensors, look, written):
    moments = [START + datetime.timedelta(seconds=i) for i in range(ROWS)]
    sensors["time"] = np.array([f"{moment:{written}}" for moment in moments])
    found = look(sensors)
    assert found.column("time").kind == "time"
    assert (found.times.format, found.times.step) == (WRITTEN[written], 1)
    assert (found.times.missed, found.times.back, found.times.bad) == (0, 0, 0)


def test_months_by_name_are_dates(sensors, look):
    names = ["janv.", "févr.", "mars", "avr.", "mai", "juin"]
    sensors["time"] = np.array(
        [f"{1 + i % 28} {names[i // 28 % 6]} {2000 + i // 168}" for i in range(ROWS)]
    )
    assert look(sensors).column("time").kind == "time"
