"""A file as a model takes it: columns by name, tables cut into windows, and where each row is."""

import csv
import dataclasses
import re
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from vae_runtime.rows.inputs import Windowing, read_input

BY_TIME = Windowing(recording="machine", time="time")


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


@pytest.fixture(scope="module")
def table_model(table):
    return table.runner.manifest.model


@pytest.fixture(scope="module")
def pump_model(pump):
    return pump.runner.manifest.model


@pytest.fixture(scope="module")
def pump_columns(pump_csv):
    """The columns of the table as lists of text, by name."""
    with pump_csv.open() as file:
        header, *lines = csv.reader(file)
    return dict(zip(header, zip(*lines, strict=True), strict=True))


def test_rows_of_a_table_are_numbered(table_model, sensor_csv):
    given = read_input(sensor_csv, table_model)
    assert given.x.shape == (940, 6)
    assert list(given.where) == ["row"]
    np.testing.assert_array_equal(given.where["row"], np.arange(940))


def test_whole_numbers_become_the_floats_that_training_made_of_them(table_model, tmp_path):
    np.save(tmp_path / "rows.npy", np.ones((2, 6), np.int64))
    assert read_input(tmp_path / "rows.npy", table_model).x.dtype == np.float32
    bytes_model = dataclasses.replace(table_model, input_dtype="uint8")
    np.save(tmp_path / "rows.npy", np.ones((2, 6), np.uint8))
    assert read_input(tmp_path / "rows.npy", bytes_model).x.dtype == np.uint8


def test_a_table_is_cut_as_by_hand(pump_model, pump_csv, pump_windows):
    x, first, last, _ = pump_windows
    given = read_input(pump_csv, pump_model, BY_TIME)
    np.testing.assert_array_equal(given.x.astype(np.float32), x)
    assert list(given.where) == ["first_row", "last_row"]
    np.testing.assert_array_equal(given.where["first_row"], first)
    np.testing.assert_array_equal(given.where["last_row"], last)


def test_a_stride_may_be_said(pump_model, pump_csv):
    every = read_input(pump_csv, pump_model, BY_TIME._replace(stride=1)).where["first_row"]
    third = read_input(pump_csv, pump_model, BY_TIME).where["first_row"]
    assert len(every) == 5 * 489 + 190 + 288  # of 500, 201 and 299 readings
    assert set(third) < set(every)


def test_parquet_and_arrays_are_cut_alike(pump_model, pump_columns, pump_windows, tmp_path):
    names = pump_model.feature_names
    values = {name: np.array(pump_columns[name], float) for name in names}
    time = np.array(pump_columns["time"], "datetime64[ms]")
    machine = pa.array(pump_columns["machine"]).dictionary_encode()
    table = pa.table({"machine": machine, "time": time, **values})
    pq.write_table(table, tmp_path / "pump.parquet", row_group_size=700)
    seconds = (time - time[0]).astype(float) / 1000
    arrays = {"x": np.stack(list(values.values()), 1), "time": seconds}
    np.savez(tmp_path / "pump.npz", machine=np.array(pump_columns["machine"]), **arrays)
    for name in ("pump.parquet", "pump.npz"):
        given = read_input(tmp_path / name, pump_model, BY_TIME)
        np.testing.assert_array_equal(given.x.astype(np.float32), pump_windows[0], err_msg=name)


def test_windows_that_are_cut_already_are_rows(pump_model, pump_windows, tmp_path):
    np.save(tmp_path / "windows.npy", pump_windows[0])
    given = read_input(tmp_path / "windows.npy", pump_model)
    np.testing.assert_array_equal(given.x, pump_windows[0])
    np.testing.assert_array_equal(given.where["row"], np.arange(len(given.x)))


@pytest.mark.parametrize(
    "option", [{"stride": 2}, {"recording": "broken"}, {"time": "broken"}, {"gap": 2.0}]
)
def test_how_to_cut_is_refused_by_a_model_of_rows(table_model, sensor_csv, option):
    with refuses(
        "expected --stride, --recording, --time and --gap with a model of windows and a table to "
        "cut into them. Received: rows that are (6,) already."
    ):
        read_input(sensor_csv, table_model, Windowing(**option))


def test_how_to_cut_is_refused_of_windows_that_are_cut_already(pump_model, pump_windows, tmp_path):
    np.save(tmp_path / "windows.npy", pump_windows[0])
    with refuses("Received: rows that are (12, 3) already."):
        read_input(tmp_path / "windows.npy", pump_model, Windowing(stride=2))


def test_a_stride_below_1_is_refused(pump_model, pump_csv):
    with refuses("expected window and stride from 1. Received: 12 and 0."):
        read_input(pump_csv, pump_model, Windowing(stride=0, recording="machine"))


def test_a_table_shorter_than_a_window_is_refused(pump_model, pump_csv, tmp_path):
    lines = pump_csv.read_text().splitlines()[:12]
    (tmp_path / "short.csv").write_text("\n".join(lines))
    with refuses("expected a stretch of 12 rows without a gap. Received: 11 rows"):
        read_input(tmp_path / "short.csv", pump_model)


def test_recordings_that_nobody_tells_apart_are_noticed_by_their_times(
    pump_model, pump_csv, tmp_path, caplog
):
    shutil.copy(pump_csv, tmp_path / "rows.csv")  # a file is told of once
    read_input(tmp_path / "rows.csv", pump_model, Windowing(recording="", time="time"))
    assert "times repeated from the row before: kept, each as the next sample; if rows" in (
        caplog.text
    )
    assert "name their column (--recording)" in caplog.text


def test_the_gap_of_training_is_that_of_the_device_unless_another_is_said(pump_model, pump_csv):
    assert pump_model.clock.step == 1.0
    assert pump_model.clock.gap == 3.5
    own = read_input(pump_csv, pump_model)
    assert len(read_input(pump_csv, pump_model, Windowing(gap=3.5)).x) == len(own.x)
    assert len(read_input(pump_csv, pump_model, Windowing(gap=1e6)).x) > len(own.x)


def test_date_and_clock_may_be_two_columns_written_as_is_said(pump_model, pump_csv, tmp_path):
    header, *lines = pump_csv.read_text().splitlines()
    rows = [line.split(",") for line in lines]
    at = header.split(",").index("time")
    for row in rows:
        row[at] = ",".join(reversed(row[at].split("T")))
    header = header.replace("time", "clock,date")
    text = "\n".join([header, *map(",".join, rows)])
    (tmp_path / "two.csv").write_text(text)
    windowing = Windowing(time="date,clock", time_format="%Y-%m-%d %H:%M:%S")
    found = read_input(tmp_path / "two.csv", pump_model, windowing)
    np.testing.assert_array_equal(found.x, read_input(pump_csv, pump_model).x)


@pytest.mark.parametrize("option", ["recording", "time"])
def test_a_column_to_cut_by_must_be_there(pump_model, pump_csv, option):
    with refuses("expected the column 'engine'. Received: no such column in machine, time, "):
        read_input(pump_csv, pump_model, Windowing(**{option: "engine"}))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rows.npy", "expected a file whose parts have names, for machine. Received: a .npy file"),
        ("rows.npz", "expected the key 'machine'. Received: x."),
    ],
)
def test_arrays_without_what_to_cut_by_are_refused(pump_model, tmp_path, name, message):
    x = np.zeros((20, 3), np.float32)
    (np.save if name.endswith("npy") else lambda path, x: np.savez(path, x=x))(tmp_path / name, x)
    with refuses(message):
        read_input(tmp_path / name, pump_model, Windowing(recording="machine"))


@pytest.fixture(scope="module")
def bare_pump_csv(pump_columns, tmp_path_factory):
    """The table without the columns of machines and times."""
    path = tmp_path_factory.mktemp("data") / "bare.csv"
    names = [name for name in pump_columns if name not in ("machine", "time")]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(zip(*(pump_columns[name] for name in names), strict=True))
    return path


def test_windows_are_kept_apart_as_in_training_unless_something_else_is_said(
    pump_model, pump_csv, pump_windows
):
    assert (pump_model.recording, pump_model.time) == ("machine", "time")
    given = read_input(pump_csv, pump_model)
    np.testing.assert_array_equal(given.where["first_row"], pump_windows[1])


def test_a_file_without_the_columns_that_kept_windows_apart_is_refused(pump_model, bare_pump_csv):
    with refuses(
        "In training, windows were kept apart by machine and time. Name the columns of this file "
        "(--recording, --time), or say that it has none: --recording '' --time ''."
    ):
        read_input(bare_pump_csv, pump_model)


def test_a_file_may_be_one_recording_if_that_is_said(pump_model, bare_pump_csv):
    given = read_input(bare_pump_csv, pump_model, Windowing(recording="", time=""))
    np.testing.assert_array_equal(given.where["first_row"], np.arange(0, 3000 - 12 + 1, 3))


def test_a_column_that_is_named_and_not_there_is_refused_by_its_name(pump_model, pump_csv):
    with refuses("expected the column 'recording'. Received: no such column"):
        read_input(pump_csv, pump_model, Windowing(recording="recording"))


def test_machines_of_a_table_are_a_column_of_it(table_model, sensor_csv, tmp_path):
    given = read_input(sensor_csv, table_model, machine_column="broken")
    assert (given.machines == "1").sum() == 40
    assert read_input(sensor_csv, table_model).machines is None
    with refuses("expected the column 'machine'. Received: no such column"):
        read_input(sensor_csv, table_model, machine_column="machine")
    np.save(tmp_path / "x.npy", given.x)
    with refuses("expected a file whose parts have names, for machine."):
        read_input(tmp_path / "x.npy", table_model, machine_column="machine")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_window_is_of_the_machine_of_its_rows(
    pump_model, pump_csv, pump_windows, tmp_path, ending
):
    if ending == "parquet":
        table = pa.csv.read_csv(pump_csv, pa.csv.ReadOptions())
        pq.write_table(table, tmp_path / "pump.parquet")
    path = pump_csv if ending == "csv" else tmp_path / "pump.parquet"
    given = read_input(path, pump_model, BY_TIME, machine_column="machine")
    _, first, _, _ = pump_windows
    np.testing.assert_array_equal(given.machines, [f"m{row % 6}" for row in first])
    with refuses("a window over rows of m0 and m1"):
        read_input(path, pump_model, Windowing(recording="", time=""), machine_column="machine")


def test_machines_of_windows_that_are_cut_already_are_a_key(pump_model, pump_windows, tmp_path):
    x, names = pump_windows[0], [f"m{i % 4}" for i in range(len(pump_windows[0]))]
    np.savez(tmp_path / "w.npz", x=x, machine=names)
    given = read_input(tmp_path / "w.npz", pump_model, machine_column="machine")
    np.testing.assert_array_equal(given.machines, names)


def test_marked_anomalies_are_counted(table_model, tmp_path):
    np.savez(tmp_path / "x.npz", x=np.zeros((5, 6)), y=[0, 1, 0, 1, 0])
    assert read_input(tmp_path / "x.npz", table_model).anomalies == 2
