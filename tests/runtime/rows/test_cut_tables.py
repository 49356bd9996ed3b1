"""Tables that a model of windows cuts: the windows of `data.inputs`, some at a time."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from vae_runtime.rows.input_files import plan_file
from vae_runtime.rows.inputs import read_input
from vae_runtime.rows.windows.windowing import Windowing

AB = ("a", "b")
SHAPE = (4, 2)


def refuses(message, error=ValueError):
    return pytest.raises(error, match=re.escape(message))


@pytest.fixture
def windows(wanted):
    """What is wanted of a model of windows of 4 rows, a new one at each third row."""

    def make(names=AB, **options):
        return wanted(SHAPE, names, stride=3, recording="machine", time="time", **options)

    return make


@pytest.fixture
def table(tmp_path):
    """60 rows of two machines that take turns, one of which stands still for a while."""
    n = 60
    time = np.arange(n) // 2 + np.where(np.arange(n) > 30, 5, 0)
    columns = {
        "machine": np.array(["p", "q"] * (n // 2)),
        "time": time,
        "b": np.arange(n) / 7,
        "a": np.arange(n) * 1.0,
        "id": np.array([f"no {i}" for i in range(n)]),
    }
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet")
    lines = [
        ",".join(columns),
        *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True)),
    ]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    x = np.stack([columns["a"], columns["b"]], 1)
    np.savez(tmp_path / "rows.npz", x=x, **{k: columns[k] for k in ("machine", "time", "id")})
    return tmp_path, columns


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.npz"])
def test_windows_are_those_of_the_table_in_one_piece(table, windows, read, name, model_of):
    folder, columns = table
    asked = windows(keep=("id", "machine"), machine_column="machine")
    found = read(folder / name, asked)
    model = model_of(SHAPE, AB, stride=3, recording="machine", time="time")
    expected = read_input(folder / name, model, machine_column="machine")
    np.testing.assert_array_equal(found.x.astype(np.float32), expected.x)
    assert len(found.x) > 8
    for key in ("first_row", "last_row"):
        rows = np.concatenate([block.where[key] for block in found.blocks])
        np.testing.assert_array_equal(rows, expected.where[key])
    assert [block.left_out for block in found.blocks] == [
        expected.left_out,
        *[0] * (len(found.blocks) - 1),
    ]
    assert expected.left_out
    last = expected.where["last_row"]
    assert found.kept["id"].tolist() == [f"no {i}" for i in last]
    assert (
        found.kept["machine"].tolist()
        == found.machines.tolist()
        == columns["machine"][last].tolist()
    )
    assert max(len(block.x) for block in found.blocks) == 4
    assert len(found.shards) == 1


def test_the_way_of_cutting_may_be_said(table, windows, read):
    folder, _ = table
    said = Windowing(stride=1, recording="", time="")
    asked = windows(windowing=said)
    found = read(folder / "rows.csv", asked)
    assert len(found.x) == 57
    np.testing.assert_array_equal(found.row, np.arange(3, 60))


def test_a_missing_column_of_machines_is_asked_for(table, windows):
    folder, _ = table
    (folder / "rows.csv").write_text("a,b\n" + "1,2\n" * 9)
    with refuses("windows were kept apart by machine and time"):
        plan_file(folder / "rows.csv", windows())


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.parquet", "x.arrow", "x.jsonl"])
def test_windows_that_are_cut_already_are_read_as_rows(tmp_path, windows, read, name):
    x = np.arange(80.0).reshape(10, *SHAPE)
    lists = pa.table({"x": x.tolist()})
    {
        "x.npy": lambda: np.save(tmp_path / name, x),
        "x.npz": lambda: np.savez(tmp_path / name, x=x),
        "x.parquet": lambda: pq.write_table(lists, tmp_path / name),
        "x.arrow": lambda: feather.write_feather(lists, tmp_path / name),
        "x.jsonl": lambda: (tmp_path / name).write_text("\n".join(map(str, x.tolist()))),
    }[name]()
    found = read(tmp_path / name, windows())
    np.testing.assert_array_equal(found.x, x)
    assert list(found.blocks[0].where) == ["row"]
    with refuses("expected --stride, --recording, --time and --gap with a model of windows"):
        plan_file(tmp_path / name, windows(windowing=Windowing(stride=1)))


def test_an_array_of_readings_is_cut_too(tmp_path, windows, read):
    x = np.arange(24.0).reshape(12, 2)
    np.save(tmp_path / "x.npy", x)
    found = read(tmp_path / "x.npy", windows(windowing=Windowing(recording="", time="")))
    np.testing.assert_array_equal(found.x, [x[i : i + 4] for i in (0, 3, 6)])
    np.testing.assert_array_equal(found.row, [3, 6, 9])


def test_options_of_windows_are_refused_of_a_model_without(tmp_path, wanted):
    np.save(tmp_path / "x.npy", np.zeros((3, 2)))
    with refuses("expected --stride, --recording, --time and --gap with a model of windows"):
        plan_file(tmp_path / "x.npy", wanted((2,), windowing=Windowing(stride=2)))


def test_whole_numbers_become_floats_as_in_training(tmp_path, windows, read):
    np.save(tmp_path / "x.npy", np.ones((12, 2), np.int64))
    asked = windows(windowing=Windowing(recording="", time=""))
    assert read(tmp_path / "x.npy", asked).x.dtype == np.float32
    assert read(tmp_path / "x.npy", asked._replace(dtype="uint8")).x.dtype == np.int64


@pytest.mark.parametrize("cell", ["", "x"])
def test_a_window_over_a_bad_row_is_bad_and_others_are_not(tmp_path, windows, read, cell):
    lines = [f"m,{i},{i},{i}" for i in range(20)]
    lines[9] = f"m,9,{cell},9"
    (tmp_path / "rows.csv").write_text("\n".join(["machine,time,a,b", *lines]))
    found = read(tmp_path / "rows.csv", windows(windowing=Windowing(stride=1)))
    assert sorted(found.bad) == [6, 7, 8, 9]
    reason = (
        f"no value in column 'a'{' (NA)' if cell else ''}." if cell != "x" else "expected a number"
    )
    assert all(f"row 9: line 11: {reason}" in why for why in found.bad.values())
    assert found.x[5, :, 0].tolist() == [5, 6, 7, 8]
    assert found.x[10, :, 0].tolist() == [10, 11, 12, 13]


def test_a_row_that_is_cut_short_ends_windows_whatever_is_known_of_it(tmp_path, windows, read):
    lines = [f"m,{i},{i}" for i in range(20)]
    lines[9] = "m"
    (tmp_path / "rows.csv").write_text("\n".join(["machine,a,b", *lines]))
    asked = windows(windowing=Windowing(stride=1, time=""))
    found = read(tmp_path / "rows.csv", asked)
    good = [i for i in range(len(found.x)) if i not in found.bad]
    starts = np.concatenate([block.where["first_row"] for block in found.blocks])[good]
    assert starts.tolist() == [*range(6), *range(10, 17)]
    assert "row 9: line 11: expected 3 cells. Received: 1." in found.bad.values()
