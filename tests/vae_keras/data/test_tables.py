"""Tables as datasets: every option and every refusal, in memory and streamed alike."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vae_keras import data
from vae_keras.configs import DataConfig
from vae_keras.data.streams import FileStream
from vae_runtime.bundle.manifest import Clock

PLANT = {"flow": [1.0, 2.0, 3.0, 4.0], "speed": [9.5, 8.5, 7.5, 6.5], "broken": [0, 0, 1, 0]}
WAYS = ("csv", "parquet", "stream")
DROP_ROWS, DROP_COLUMNS = {"on_bad_row": "reject"}, {"bad_columns": "drop"}


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


@pytest.fixture(params=WAYS)
def loads(request, load, rows_of):
    """Loads columns in each way: (dataset, its rows as an array)."""

    def apply(table, **options):
        dataset = load(table, request.param, **options)
        assert isinstance(dataset.x, FileStream) == (request.param == "stream")
        return dataset, rows_of(dataset.x)

    return apply


@pytest.fixture
def save(tmp_path):
    """Saves arrays as .npz; returns the path as text."""

    def apply(**arrays):
        np.savez(tmp_path / "x.npz", **arrays)
        return str(tmp_path / "x.npz")

    return apply


def test_a_table_takes_its_names_and_labels_from_its_columns(loads):
    dataset, x = loads(PLANT, label="broken")
    assert dataset.name == "rows"
    assert dataset.feature_names == ("flow", "speed")
    assert dataset.x.dtype == x.dtype == np.float32
    assert dataset.x.shape == x.shape == (4, 2)
    np.testing.assert_array_equal(x, [[1, 9.5], [2, 8.5], [3, 7.5], [4, 6.5]])
    assert dataset.y.tolist() == [False, False, True, False]
    assert (dataset.value_range, dataset.one_hot, dataset.notes) == (None, (), ())


def test_without_a_label_all_are_normal(loads):
    dataset, _ = loads(PLANT)
    assert dataset.feature_names == ("flow", "speed", "broken")
    assert not dataset.y.any()


def test_chosen_columns_come_in_the_order_asked_for(loads):
    dataset, x = loads(PLANT, columns=("speed", "flow"), label="broken")
    assert dataset.feature_names == ("speed", "flow")
    np.testing.assert_array_equal(x[0], [9.5, 1])


@pytest.mark.parametrize(
    ("values", "expected"), [([0.1, 0.9], (0.0, 1.0)), ([-2.0, 7.0], None), ([0.0, 1.01], None)]
)
def test_values_span_the_unit_interval_or_nobody_knows_what(loads, values, expected):
    assert loads({"a": values})[0].value_range == expected


def test_a_range_can_be_told(loads):
    assert loads(PLANT, value_range=(-40.0, 120.0))[0].value_range == (-40.0, 120.0)


def test_rows_outside_a_range_that_was_told_are_refused(loads):
    with refuses("expected values from 0 to 5, as --value-range says. Received: 0 to 9.5."):
        loads(PLANT, value_range=(0.0, 5.0))


@pytest.mark.parametrize("column", ["flaw", "broken"])
@pytest.mark.parametrize("option", ["columns", "label"])
def test_a_column_that_is_not_there_is_refused_with_those_that_are(loads, column, option):
    plant = {name: values for name, values in PLANT.items() if name != "broken"}
    named = {option: (column,) if option == "columns" else column}
    with refuses(f"expected the column {column!r}. Received: no such column in flow, speed."):
        loads(plant, **named)


@pytest.mark.parametrize("labels", [[0, 1, 2, 0], [0, 0.5, 1, 0], [-1, 1, 0, 0]])
def test_labels_are_0_or_1(loads, labels):
    strange = next(i for i, label in enumerate(labels) if label not in (0, 1))
    expected = "expected 0 (normal) or 1 (anomaly) in column 'broken'. Received: "
    with pytest.raises(ValueError, match=rf"row {strange}: {re.escape(expected)}"):
        loads({**PLANT, "broken": labels}, label="broken")


def test_a_row_without_a_label_is_a_bad_row(loads):
    plant = {**PLANT, "broken": [0, None, 1, 0]}
    expected = "expected 0 (normal) or 1 (anomaly) in column 'broken'. Received: no value."
    with refuses(f", row 1: {expected} To go on beside such rows, have them rejected"):
        loads(plant, label="broken")
    dataset, x = loads(plant, label="broken", **DROP_ROWS)
    assert dataset.y.tolist() == [False, True, False]
    np.testing.assert_array_equal(x[:, 0], [1, 3, 4])


# Text


def test_a_column_of_text_is_refused_by_its_name_with_what_to_do(loads):
    with refuses("expected columns of numbers. Received: text in note ('ok').") as e:
        loads({**PLANT, "note": ["ok", "ok", "?", "ok"]})
    assert "(--columns)" in str(e.value)
    assert "(--bad-columns drop)" in str(e.value)


def test_columns_of_text_can_be_left_out(loads):
    plant = {"note": ["ok", "1", "", "ok"], **PLANT, "unit": ["bar"] * 4}
    dataset, x = loads(plant, label="broken", **DROP_COLUMNS)
    assert dataset.feature_names == ("flow", "speed")
    assert dataset.notes == ("left out as they hold text: note, unit",)
    np.testing.assert_array_equal(x[0], [1, 9.5])


def test_a_column_of_text_that_was_asked_for_is_refused(loads):
    with refuses("column 'note'. Received: "):
        loads({**PLANT, "note": ["a"] * 4}, columns=("flow", "note"), **DROP_COLUMNS)


def test_a_table_of_text_alone_is_refused(loads):
    with refuses("expected columns of numbers. Received: note (text)."):
        loads({"note": ["a", "b"], "broken": [0, 1]}, label="broken", **DROP_COLUMNS)


def test_a_table_of_labels_alone_is_refused(loads):
    with refuses("expected columns of numbers. Received: none."):
        loads({"broken": [0, 1]}, label="broken")


# Missing and infinite values


def test_a_missing_value_is_refused_by_its_column_with_what_to_do(loads):
    with refuses("'speed'") as e:
        loads({**PLANT, "speed": [9.5, None, 7.5, 6.5]})
    assert ", row 1: " in str(e.value)
    assert "(--on-bad-row reject)" in str(e.value)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39])
def test_what_float32_cannot_hold_is_refused_by_row_and_column(loads, value):
    shown = "-inf" if value < 0 else "inf"
    with refuses(f"row 3: x: expected finite numbers. Received: {shown}, feature 'flow'. To go on"):
        loads({**PLANT, "flow": [1.0, 2.0, 3.0, value]})


def test_rows_with_missing_or_infinite_values_can_be_left_out(loads):
    plant = {
        "flow": [None, 2.0, 3.0, np.inf, 5.0],
        "speed": [9.5, 8.5, np.nan, 6.5, 5.5],
        "broken": [0, 1, 0, 0, 0],
    }
    dataset, x = loads(plant, label="broken", **DROP_ROWS)
    np.testing.assert_array_equal(x, [[2, 8.5], [5, 5.5]])
    assert dataset.x.shape == (2, 2)
    assert dataset.y.tolist() == [True, False]
    (note,) = dataset.notes
    assert note.startswith("3 of 5 rows rejected. Row 0 of ")
    assert re.search("Row 2 of .*Row 3 of .*: x: expected finite numbers. Received: inf", note)


def test_limits_are_those_of_the_rows_that_stay(loads):
    dataset, _ = loads({"a": [0.5, 7.0, 0.25], "b": [0.0, None, 1.0]}, **DROP_ROWS)
    assert dataset.value_range == (0.0, 1.0)


def test_a_table_without_one_good_row_is_refused(loads):
    with refuses("expected a row that can be judged. Received: 2, all of them rejected; the first"):
        loads({"a": [None, 1.0], "b": [1.0, None]}, **DROP_ROWS)


# Columns that never change


def test_columns_that_never_change_can_be_left_out(loads):
    plant = {"unit": [3, 3, 3, 3], **PLANT, "alarm": [7, 7, 8, 7], "note": ["a"] * 4}
    dataset, x = loads(plant, label="broken", **DROP_COLUMNS)
    assert dataset.feature_names == ("flow", "speed")  # the alarm changes in an anomaly alone
    assert dataset.notes == (
        "left out as they hold text: note",
        "left out as they never change: unit, alarm",
    )
    np.testing.assert_array_equal(x[1], [2, 8.5])


def test_a_table_where_nothing_changes_is_refused(loads):
    with refuses("expected columns that vary. Received: none."):
        loads({"a": [1, 1], "b": [2, 2]}, **DROP_COLUMNS)


def test_rows_and_columns_can_be_left_out_at_once(loads):
    plant = {"unit": [3, 3, None, 4], **PLANT, "note": ["a"] * 4}
    plant["speed"] = [9.5, 8.5, 7.5, np.inf]
    dataset, x = loads(plant, label="broken", **DROP_COLUMNS, **DROP_ROWS)
    assert dataset.feature_names == ("flow", "speed")  # what else the unit was is in a bad row
    np.testing.assert_array_equal(x, [[1, 9.5], [2, 8.5]])
    assert len(dataset.notes) == 3


def test_a_table_of_anomalies_alone_has_no_constant_columns(loads):
    dataset, _ = loads({"a": [1, 1], "b": [2, 3], "broken": [1, 1]}, label="broken", **DROP_COLUMNS)
    assert dataset.feature_names == ("a", "b")


def test_columns_of_a_table_without_names_are_left_out_by_their_places(tmp_path):
    rows = "".join(f"{i},{i * i % 17},north,{5 * i % 13}.5\n" for i in range(40))
    (tmp_path / "rows.csv").write_text(rows)
    dataset = data.load(DataConfig(str(tmp_path / "rows.csv"), **DROP_COLUMNS))
    assert dataset.feature_names == ("2", "4")  # the first is a counter


# Parquet


@pytest.mark.parametrize("stream", [False, True])
def test_a_folder_is_one_table(write, tmp_path, rows_of, stream):
    write({"b": [5.0, 6.0], "a": [1.0, 2.0], "y": [0, 0]}, "day/1.parquet")
    write({"a": [3.0], "y": [1], "b": [7.0]}, "day/2.parquet")
    dataset = data.load(DataConfig(str(tmp_path / "day"), label="y", stream=stream))
    assert (dataset.name, dataset.feature_names) == ("day", ("b", "a"))
    np.testing.assert_array_equal(rows_of(dataset.x), [[5, 1], [6, 2], [7, 3]])
    assert dataset.y.tolist() == [False, False, True]


@pytest.mark.parametrize("stream", [False, True])
def test_files_of_a_folder_have_the_same_columns(write, tmp_path, stream):
    write({"a": [1.0]}, "day/1.parquet")
    write({"b": [1.0]}, "day/2.parquet")
    with refuses("the same columns. Received: 'a' in 1.parquet alone, 'b' in 2.parquet alone."):
        data.load(DataConfig(str(tmp_path / "day"), stream=stream))


@pytest.mark.parametrize("way", ["parquet", "stream"])
def test_the_row_index_of_pandas_is_no_feature(load, way):
    dataset = load({**PLANT, "__index_level_0__": [0, 1, 2, 3]}, way)
    assert dataset.feature_names == ("flow", "speed", "broken")


@pytest.mark.parametrize("stream", [False, True])
def test_a_damaged_file_is_refused_by_its_name(tmp_path, stream):
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"a": np.arange(1000.0)}), path)
    path.write_bytes(path.read_bytes()[:-50])
    with refuses(f"{path} is not a readable Parquet file: "):
        data.load(DataConfig(str(path), stream=stream))


# Arrays


def test_bytes_stay_bytes_and_span_their_range(save):
    x = np.arange(48, dtype=np.uint8).reshape(3, 4, 4, 1)
    images = data.load(DataConfig(save(x=x)))
    assert images.x.dtype == np.uint8
    assert images.value_range == (0.0, 255.0)


@pytest.mark.parametrize("dtype", [np.int64, np.uint16, bool, np.float16, np.float64])
def test_other_numbers_are_trained_on_as_floats(save, dtype):
    x = np.arange(6).reshape(3, 2).astype(dtype)
    dataset = data.load(DataConfig(save(x=x)))
    assert dataset.x.dtype == np.float32
    np.testing.assert_array_equal(dataset.x, x.astype(np.float32))


def test_images_among_which_some_are_broken_can_be_left_out(save):
    x = np.random.default_rng(0).normal(size=(4, 3, 3, 1))
    x[2, 1, 1, 0] = np.nan
    dataset = data.load(DataConfig(save(x=x, y=np.array([0, 0, 0, 1])), **DROP_ROWS))
    np.testing.assert_array_equal(dataset.x, x[[0, 1, 3]].astype(np.float32))
    assert dataset.y.tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros(5)}, "rows of numbers, (rows, features) or"),
        ({"x": np.zeros(5)}, "of shape (5,)."),
        ({"x": np.zeros((0, 3))}, "expected rows. Received: none."),
        ({"x": np.zeros((3, 0))}, "shape (3, 0)"),
        ({"x": np.array([["a", "b"]])}, "x: expected numbers. Received: dtype <U1."),
        ({"x": np.ones((2, 2), complex)}, "x: expected numbers. Received: dtype complex128."),
        ({"x": np.array([[1.0, 2.0], [3.0, np.nan]])}, "row 1: x: expected finite numbers."),
        ({"x": np.array([[1.0, 1e39]])}, "Received: inf, feature 1."),
        ({"x": np.ones((2, 2)), "y": np.array([0, 2])}, "expected 0 (normal) or 1 (anomaly)"),
        ({"x": np.ones((2, 2)), "y": np.array([0])}, "y of shape (2,)"),
        ({"z": np.ones((2, 2))}, 'the key "x"'),
    ],
)
def test_arrays_that_cannot_be_trained_on_are_refused(save, arrays, message):
    with refuses(message):
        data.load(DataConfig(save(**arrays)))


# Windows; what they are is tested in test_windows.py


@pytest.mark.parametrize("way", ["csv", "parquet"])
def test_windows_go_by_the_columns_that_are_named(load, way):
    table = {
        "time": [f"2026-01-01T00:00:{i:02d}" for i in (0, 0, 1, 1, 2, 9, 3, 10)],
        "machine": ["m", "n"] * 4,
        "a": [0, 10, 1, 11, 2, 12, 3, 13],
        "fault": [0, 0, 0, 0, 0, 0, 1, 0],
        "note": ["x"] * 8,
        "unit": [5] * 8,
    }
    options = {"window": 2, "stride": 1, "recording": "machine", "time": "time", "label": "fault"}
    dataset = load(table, way, **options, **DROP_COLUMNS)
    assert dataset.feature_names == ("a",)
    assert dataset.x[:].tolist() == [[[0], [1]], [[1], [2]], [[2], [3]], [[10], [11]], [[12], [13]]]
    assert dataset.y.tolist() == [False, False, True, False, False]
    assert dataset.stride == 1
    assert len(dataset.notes) == 3
    assert dataset.notes[2].startswith("1 hole in time of more than 3.5 s, the longest 8 s")
    assert dataset.clock == Clock(("time",), None, 1.0, 3.5)


LOG = {  # five seconds, of which one is missing, then a stop
    "date": ["2026/03/01"] * 8,
    "clock": [f"08:00:{i:02}" for i in (0, 1, 3, 4, 5, 30, 31, 32)],
    "a": [0, 1, 2, 3, 4, 5, 6, 7],
}


@pytest.mark.parametrize(("gap", "windows"), [(None, 6), (1.5, 5), (60.0, 7)])
def test_date_and_clock_may_be_two_columns_and_a_gap_is_what_is_said(load, gap, windows):
    options = {"window": 2, "stride": 1, "time": "date,clock", "gap": gap}
    dataset = load(LOG, "csv", **options)
    assert len(dataset.x) == windows
    assert dataset.feature_names == ("a",)
    assert dataset.clock == Clock(("date", "clock"), "%Y/%m/%d %H:%M:%S", 1.0, gap or 3.5)
    assert dataset.notes[0] == "times are read as %Y/%m/%d %H:%M:%S"


@pytest.mark.parametrize("way", WAYS)
def test_times_without_windows_are_no_feature_and_are_told_to_devices(load, way):
    table = {"time": [10.0, 11.0, 12.0, 13.0], "a": [1.0, 4.0, 2.0, 3.0]}
    dataset = load(table, way, time="time")
    assert dataset.feature_names == ("a",)
    assert dataset.clock == Clock(("time",), None, None if way == "stream" else 1.0)
    assert dataset.notes == ("no feature, as it says when rows were: time",)


def test_recordings_of_several_paces_say_no_gap_to_devices(load):
    table = {"t": [0, 1, 2, 3, 0, 9, 18, 27], "m": ["a"] * 4 + ["b"] * 4, "a": range(8)}
    dataset = load(table, "csv", window=2, time="t", recording="m")
    assert len(dataset.x) == 6
    assert dataset.clock == Clock(("t",))


def test_dates_are_read_as_is_said(load):
    table = {"t": ["01/03/2026 08:00", "01/03/2026 08:01"] * 2, "a": range(4)}
    with refuses("Give --time-format '%d/%m/%Y %H:%M' or --time-format '%m/%d/%Y %H:%M'"):
        load(table, "csv", window=2, time="t")
    dataset = load(table, "csv", window=2, time="t", time_format="%m/%d/%Y %H:%M")
    assert dataset.clock == Clock(("t",), "%m/%d/%Y %H:%M", 60.0, 210.0)
    assert [note[:30] for note in dataset.notes][1] == "the clock was set back once, f"


@pytest.mark.parametrize("options", [{"window": 2}, {}])
def test_a_row_without_a_time_is_an_error_or_left_out(load, options):
    table = {"t": ["0", "1", "", "3", "4"], "a": range(5)}
    with refuses("row 2: expected a time as a number. Received: '' (1 such rows)"):
        load(table, "csv", time="t", **options)
    dataset = load(table, "csv", time="t", **options, **DROP_ROWS)
    assert dataset.x[:].shape[0] == (2 if options else 4)
    assert "left out 1 row without a time that can be read" in dataset.notes


@pytest.mark.parametrize("way", ["csv", "parquet"])
def test_no_window_has_a_row_that_was_left_out(load, way):
    table = {"a": [0, 1, None, 3, 4, 5], "b": [0, 1, 2, 3, np.inf, 5]}
    dataset = load(table, way, window=2, stride=1, **DROP_ROWS)
    assert dataset.x[:, :, 0].tolist() == [[0, 1]]
    with refuses("'a'"):
        load(table, way, window=2, stride=1)


def test_arrays_are_cut_into_windows_by_their_keys(save):
    x = np.arange(12.0).reshape(6, 2)
    source = save(x=x, m=np.array([1, 2, 1, 2, 1, 2]), t=np.arange(6))
    dataset = data.load(DataConfig(source, window=2, stride=1, recording="m", time="t"))
    assert dataset.x[:, :, 0].tolist() == [[0, 4], [4, 8], [2, 6], [6, 10]]
    assert dataset.feature_names is None


def test_a_file_without_a_header_line_is_said_to_have_none(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(f"{i % 7},{i % 5}" for i in range(20)))
    (note,) = data.load(DataConfig(str(path))).notes
    assert note == f"{path} has no header line: its first line is taken as a row"


def test_the_column_of_machines_is_no_feature_and_goes_with_its_rows(load):
    plant = {**PLANT, "machine": ["p1", "p2", "p1", "p2"]}
    dataset = load(plant, "csv", label="broken", machine="machine")
    assert dataset.feature_names == ("flow", "speed")
    assert dataset.machines.tolist() == ["p1", "p2", "p1", "p2"]
    plant["flow"] = ["", 2.0, 3.0, 4.0]
    dataset = load(plant, "csv", label="broken", machine="machine", **DROP_ROWS)
    assert dataset.machines.tolist() == ["p2", "p1", "p2"]
    plant["machine"] = ["p1", "p2", "", "p2"]
    dataset = load(plant, "csv", label="broken", machine="machine", **DROP_ROWS)
    assert dataset.machines.tolist() == ["p2", "p2"]
    with refuses("expected the column 'pump'."):
        load(PLANT, "csv", label="broken", machine="pump")


def test_machines_of_arrays_are_one_of_their_keys(save):
    path = save(x=np.random.default_rng(0).normal(size=(3, 2)), machine=[7, 8, 7])
    assert data.load(DataConfig(path, machine="machine")).machines.tolist() == ["7", "8", "7"]
