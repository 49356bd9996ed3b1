"""The survey reads dates as training does, whatever is written, in whatever blocks."""

import datetime
import random

import numpy as np
import pyarrow as pa
import pytest

from vae_keras.survey import RawBlock, survey
from vae_keras.survey.dates import ISO, Dates
from vae_runtime.rows.times.times import TimeError, read_times

from .conftest import ROWS

START = datetime.datetime(2026, 1, 5, 7, 30)
MOMENTS = [START + datetime.timedelta(minutes=7 * i) for i in range(ROWS)]
FORMATS = [
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M"),
    *("%d.%m.%y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%m/%d/%y %H:%M"),
    *("%d-%m-%Y %H:%M", "%d %b %Y %H:%M", "%b %d, %Y %I:%M:%S %p", "%Y%m%d %H%M%S"),
]
LATE = datetime.datetime(2026, 2, 27, 22, 50)
WRITTEN = {
    "%m/%d/%Y %I:%M:%S %p": "%m/%d/%Y %I:%M:%S %p",
    "%d.%m.%y %H:%M:%S": "%d.%m.%y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S": "%d-%b-%Y %H:%M:%S",
    "%H:%M:%S.000": "%H:%M:%S.%f",
    "%Y%m%d %H%M%S": "%Y%m%d %H%M%S",
}


def added(texts, size=ROWS):
    dates = Dates()
    for start in range(0, len(texts), size):
        block = pa.array(texts[start : start + size])
        assert dates.add(block, np.array([bool(text) for text in texts[start : start + size]]))
    return dates


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("size", [5, 64, ROWS])
def test_dates_are_found_as_the_reader_finds_them(format, size):
    texts = [moment.strftime(format) for moment in MOMENTS]
    left = added(texts, size).told_apart()
    expected = read_times(np.array(texts)).format
    assert [reading.format for reading in left] == [ISO if expected is None else expected]
    assert left[0].steps.usual() == pytest.approx(420)
    assert (left[0].first, left[0].last) == (texts[0], texts[-1])
    assert left[0].breaks == 0


@pytest.mark.parametrize("seed", range(30))
def test_where_the_reader_refuses_an_order_the_survey_names_both(seed):
    rng = random.Random(seed)
    step = datetime.timedelta(minutes=rng.choice([1, 60, 300, 1440]))
    start = datetime.datetime(2026, rng.randint(1, 12), rng.randint(1, 12))
    texts = [(start + i * step).strftime("%d/%m/%Y %H:%M") for i in range(rng.randint(20, 60))]
    formats = {reading.format for reading in added(texts, rng.choice([7, 60])).told_apart()}
    try:
        assert formats == {read_times(np.array(texts)).format}
    except TimeError:
        assert formats == {"%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"}


@pytest.mark.parametrize("texts", [["pump 7"] * 30, ["1.5.x"] * 30, ["noon"] * 30])
def test_other_text_is_no_date(texts):
    assert not Dates().add(pa.array(texts), np.ones(len(texts), bool))


@pytest.mark.parametrize(
    ("day", "clock", "format"),
    [
        ("%d/%m/%Y", "%H:%M:%S", "%d/%m/%Y %H:%M:%S"),
        ("%m/%d/%y", "%I:%M %p", "%m/%d/%y %I:%M %p"),
        ("%d.%m.%y", "%H:%M:%S.000", "%d.%m.%y %H:%M:%S.%f"),
        ("%Y-%m-%d", "%H:%M", "ISO %H:%M"),
    ],
)
def test_a_date_and_a_clock_are_told_apart_by_the_steps_of_both(sensors, day, clock, format):
    """From row to row a date alone takes steps of days, and says nothing."""
    del sensors["time"]
    columns = {
        "clock": np.array([moment.strftime(clock) for moment in MOMENTS]),
        "day": np.array([moment.strftime(day) for moment in MOMENTS]),
    }
    times = survey([RawBlock("a.csv", columns | sensors)]).times
    assert (times.columns, times.format, times.unclear) == (("day", "clock"), format, None)
    assert (times.step, times.regular) == (420, 1)
    assert (times.first, times.last) == (MOMENTS[0].isoformat(" "), MOMENTS[-1].isoformat(" "))


def test_a_clock_may_end_the_day_at_24_hours(sensors):
    del sensors["time"]
    hours = np.arange(1, ROWS + 1)
    columns = {
        "day": np.array([f"01/{1 + (hour - 1) // 24 % 28:02}/1997" for hour in hours.tolist()]),
        "clock": np.array([f"{(hour - 1) % 24 + 1:02}:00" for hour in hours.tolist()]),
    }
    found = survey([RawBlock("a.csv", {n: v[:600] for n, v in (columns | sensors).items()})])
    assert (found.times.step, found.times.back, found.times.bad) == (3600, 0, 0)


def test_dates_of_digits_are_times(sensors):
    days = [START + datetime.timedelta(days=i) for i in range(ROWS)]
    for format in ("%Y%m%d", "%Y%m%d%H%M%S"):
        for kind in (str, int):
            column = np.array([kind(day.strftime(format)) for day in days])
            found = survey([RawBlock("a.csv", sensors | {"time": column})])
            assert (found.times.format, found.times.step) == (format, 86_400)


@pytest.mark.parametrize("name", ["machine", "unit"])
def test_steps_are_those_of_each_machine_where_these_alternate(sensors, name):
    names = np.tile([f"P{i}" for i in range(4)] if name == "machine" else [1, 2, 3, 4], ROWS // 4)
    clock = np.repeat([moment.isoformat() for moment in MOMENTS[: ROWS // 4]], 4)
    found = survey([RawBlock("a.csv", sensors | {name: names, "time": clock})])
    assert (found.recording, found.times.step) == (name, 420)
    assert (found.times.regular, found.times.repeated) == (1, 0)


def test_a_repeated_time_is_the_next_sample_where_nothing_alternates(sensors):
    clock = np.repeat([moment.isoformat() for moment in MOMENTS[: ROWS // 4]], 4)
    alone = survey([RawBlock("a.csv", sensors | {"time": clock})]).times
    assert (alone.regular, alone.repeated) == (1, ROWS * 3 // 4)
    mode = np.tile(["a", "b", "c", "d"], ROWS // 4)
    assert survey([RawBlock("a.csv", sensors | {"time": clock, "m": mode})]).times.regular < 0.5


def test_the_first_and_the_last_time_are_those_of_all_files(sensors):
    blocks = [
        RawBlock(name, sensors | {"time": np.array([m.isoformat() for m in moments])})
        for name, moments in (("a.csv", MOMENTS[::-1]), ("b.csv", MOMENTS))
    ]
    times = survey(blocks).times
    assert (times.first, times.last) == (MOMENTS[0].isoformat(), MOMENTS[-1].isoformat())


@pytest.mark.parametrize("written", WRITTEN)
def test_times_that_training_reads_are_times(sensors, look, written):
    moments = [LATE + datetime.timedelta(seconds=i) for i in range(ROWS)]
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
