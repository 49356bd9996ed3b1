"""The survey of a table: kinds, times, labels, whatever blocks it comes in."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from vae_keras.survey import RawBlock, survey

from .conftest import ROWS, as_text


def kinds(found):
    return {column.name: column.kind for column in found.columns}


def test_sensors_times_and_label_are_told_apart(sensors, look):
    found = look(sensors)
    assert kinds(found) == {"time": "time", "temp": "sensor", "flow": "sensor", "fault": "label"}
    assert (found.rows, found.label) == (ROWS, "fault")
    assert found.column("fault").ones == 50
    assert found.times.step == 1
    assert (found.times.regular, found.times.missed, found.times.repeated) == (1, 0, 0)


def test_blocks_do_not_change_what_is_found(sensors, look):
    small, whole = look(sensors, size=7), look(sensors, size=ROWS)
    for one, other in zip(small.columns, whole.columns, strict=True):
        assert one.mean == pytest.approx(other.mean)
        assert replace(one, mean=None) == replace(other, mean=None)
    assert replace(small, columns=()) == replace(whole, columns=())


def test_counters_constants_text_and_categories(sensors, look):
    number = np.arange(ROWS)
    more = {
        "UDI": as_text((number + 1).tolist()),
        "down": as_text((number // 2 * 3).tolist()),
        "part": np.array([f"{'ML'[i % 2]}{14_860 + i}" for i in range(ROWS)]),
        "mode": np.array(["idle", "run", "wash"])[number // 40 % 3],
        "note": np.array([f"see page {i * 7919 % 1000} of {i}b" for i in range(ROWS)]),
        "site": np.full(ROWS, "north"),
        "limit": np.full(ROWS, "518.67"),
        "empty": np.full(ROWS, ""),
        "pump": np.array(["True", "False"])[number // 30 % 2],
    }
    found = kinds(look(sensors | more))
    assert {name: found[name] for name in more} == {
        "UDI": "counter",
        "down": "sensor",
        "part": "counter",
        "mode": "category",
        "note": "text",
        "site": "constant",
        "limit": "constant",
        "empty": "constant",
        "pump": "flag",
    }


def test_a_counter_may_have_holes_and_begin_again(sensors, look):
    number = np.arange(ROWS)
    with_holes = as_text(np.delete(np.arange(2 * ROWS), np.s_[5::9])[:ROWS].tolist())
    again = as_text((number % 200).tolist())
    found = kinds(look(sensors | {"id": with_holes, "cycle": again}))
    assert (found["id"], found["cycle"]) == ("counter", "counter")


def test_whole_readings_are_no_counter(sensors, look):
    rng = np.random.default_rng(1)
    rpm = as_text((1500 + rng.integers(-100, 100, ROWS)).tolist())
    energy = as_text(np.cumsum(rng.integers(0, 9, ROWS)).tolist())
    found = kinds(look(sensors | {"rpm": rpm, "energy": energy}))
    assert (found["rpm"], found["energy"]) == ("sensor", "sensor")


@pytest.mark.parametrize(
    ("unit", "size"),
    [("seconds", 1), ("milliseconds", 10**3), ("microseconds", 10**6), ("nanoseconds", 10**9)],
)
def test_epochs_are_times_whatever_their_unit_and_name(sensors, look, unit, size):
    del sensors["time"]
    epoch = as_text(((1_772_352_000 + 5 * np.arange(ROWS)) * size).tolist())
    found = look(sensors | {"a": epoch})
    assert found.column("a").kind == "time"
    assert found.times.format == unit
    assert found.times.step == pytest.approx(5, rel=1e-6)


def test_written_dates_are_recognised_or_called_unclear(sensors, look):
    def written(day):
        return np.array([f"{day:02}/03/2026 08:{i // 60:02}:{i % 60:02}" for i in range(ROWS)])

    assert look(sensors | {"time": written(13)}).times.format == "%d/%m/%Y %H:%M:%S"
    both = look(sensors | {"time": written(1)}).times
    assert {both.format, both.unclear} == {"%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"}


def test_a_date_and_a_clock_are_the_times_together(sensors, look):
    minute = np.arange(ROWS) + 23 * 60
    date = np.where(minute < 1440, "2026/03/01", "2026/03/02")
    clock = np.array([f"{m // 60 % 24:02}:{m % 60:02}:00" for m in minute.tolist()])
    del sensors["time"]
    times = look({"date": date, "clock": clock} | sensors).times
    assert times.columns == ("date", "clock")
    assert (times.step, times.back) == (60, 0)


def test_steps_of_times_are_counted(sensors, look):
    second = np.arange(ROWS)
    second[100:] += 5
    second[200:] += 300
    second[300] = second[299]
    second[500:] -= 400
    times = look(sensors | {"time": as_text((1_772_352_000 + second).tolist())}).times
    assert (times.step, times.missed, times.longest) == (1, 3, 301)
    assert (times.repeated, times.back) == (1, 1)


def test_files_are_counted_and_no_step_leads_from_one_to_the_next(sensors):
    block = {name: values[:400] for name, values in sensors.items()}
    found = survey([RawBlock("a.csv", block), RawBlock("b.csv", block)])
    assert found.files == {"a.csv": 400, "b.csv": 400}
    assert found.times.back == 0


def test_a_file_of_other_columns_is_refused(sensors):
    other = {"temp": sensors["temp"], "speed": sensors["flow"]}
    with pytest.raises(ValueError, match=r"b\.csv: expected the columns of the files before it"):
        survey([RawBlock("a.csv", sensors), RawBlock("b.csv", other)])


def test_missing_and_strange_cells_are_counted_by_row(sensors, look):
    temp, flow = sensors["temp"].astype(object), sensors["flow"].astype(object)
    temp[[3, 5]], flow[[5, 9]], flow[11] = "", "NA", "over range"
    found = look(sensors | {"temp": temp.astype(str), "flow": flow.astype(str)})
    assert found.column("temp").missing == 2
    assert found.column("flow").strange == {"over range": 1}
    assert found.incomplete(("temp",)) == 2
    assert found.incomplete(("temp", "flow")) == 4


def test_labels_in_other_words_are_found(sensors, look):
    fault = sensors["fault"] == "1"
    heat = fault & (np.arange(ROWS) % 2 == 0)
    rare = np.arange(ROWS) % 500 == 7
    more = {
        "heat": as_text(heat.astype(int).tolist()),
        "random": as_text(rare.astype(int).tolist()),
    }
    found = look(sensors | more)
    assert found.label == "fault"
    assert found.other_labels == ("heat", "random")


def test_a_flag_that_is_often_set_is_a_feature(sensors, look):
    pump = as_text((np.arange(ROWS) // 30 % 2).tolist())
    found = look({"pump": pump} | sensors)
    assert (found.column("pump").kind, found.other_labels) == ("flag", ())


def test_columns_with_types_are_as_those_of_text(sensors, look):
    typed = {
        "time": sensors["time"].astype("datetime64[us]"),
        "temp": sensors["temp"].astype(float),
        "flow": sensors["flow"].astype(np.float32),
        "fault": sensors["fault"] == "1",
    }
    found = look(typed)
    assert kinds(found) == kinds(look(sensors))
    assert found.times.step == 1
    arrow = {name: pa.array(values) for name, values in typed.items()}
    assert look(arrow) == found


def test_recordings_are_known_by_name_or_by_their_order(sensors, look):
    del sensors["time"]
    engine = as_text((np.arange(ROWS) // 100 + 1).tolist())
    assert look({"engine": engine} | sensors).recording == "engine"
    assert look({"stage": engine} | sensors).recording is None
    assert look({"stage": engine} | sensors, has_names=False).recording == "stage"


def test_memory_does_not_grow_with_rows(sensors, look):
    rng = np.random.default_rng(0)
    values = rng.normal(size=200_000)
    found = survey(RawBlock("a.npy", {"1": part}) for part in np.split(values, 20))
    column = found.columns[0]
    assert (column.rows, column.distinct) == (200_000, None)
    assert (column.low, column.high) == (values.min(), values.max())
    assert len(column.sample) <= 8_192
    assert column.mean == pytest.approx(values.mean())
