"""Columns of text among the features: every format gives the same rows."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from vae_runtime.rows.text.tables import ColumnError

MODES = {"mode": ("idle", "wash")}
NAMES = ("flow", "mode_idle", "mode_wash")
FLOW = [1.0, 2.5, 3.0, 4.0, 5.5, 6.0]
MODE = ["idle", "wash", "wash", "idle", "idle", "wash"]


def write(path, columns):
    table = pa.table(columns)
    if path.suffix == ".csv":
        lines = [",".join(columns)]
        rows = zip(*columns.values(), strict=True)
        lines += [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
        path.write_text("\n".join(lines) + "\n")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    elif path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        feather.write_feather(table, path)
    return path


@pytest.fixture(params=[".csv", ".jsonl", ".parquet", ".feather"])
def save(request, tmp_path):
    """Saves columns in each format."""
    return lambda columns: write(tmp_path / f"rows{request.param}", columns)


@pytest.fixture
def modes(wanted):
    """What a model of flow and mode wants."""
    return lambda **others: wanted((3,), NAMES, one_hot=(2,), categories=MODES, **others)


def test_text_becomes_a_one_hot_group_behind_the_numbers(save, read, modes):
    found = read(save({"mode": MODE, "other": ["x"] * 6, "flow": FLOW}), modes())
    is_idle = np.array(MODE) == "idle"
    np.testing.assert_array_equal(found.x, np.stack([FLOW, is_idle, ~is_idle], 1))
    assert found.bad == {}
    assert found.kept == {}


def test_a_file_of_one_hot_columns_is_taken_as_it_is(save, read, modes):
    is_idle = [int(mode == "idle") for mode in MODE]
    is_wash = [1 - idle for idle in is_idle]
    found = read(save({"mode_wash": is_wash, "flow": FLOW, "mode_idle": is_idle}), modes())
    np.testing.assert_array_equal(found.x, np.stack([FLOW, is_idle, is_wash], 1))


def test_a_new_value_or_none_is_a_bad_row(save, read, modes):
    found = read(save({"flow": FLOW, "mode": ["idle", "boil", None, *MODE[3:]]}), modes())
    assert found.bad == {
        1: "expected idle or wash in column 'mode'. Received: 'boil'.",
        2: "expected idle or wash in column 'mode'. Received: no value.",
    }
    assert found.x[1:3].tolist() == [[0, 0, 0], [0, 0, 0]]


def test_the_column_can_be_kept_too(save, read, modes):
    found = read(save({"flow": FLOW, "mode": MODE}), modes(keep=("mode",)))
    assert found.kept["mode"].tolist() == MODE
    assert found.x.shape == (6, 3)


def test_a_file_without_the_column_is_refused_by_its_name(save, read, modes):
    with pytest.raises(ColumnError, match="'mode'"):
        read(save({"flow": FLOW, "state": MODE}), modes())


def test_an_array_has_the_groups_already(tmp_path, read, modes):
    x = np.array([[1, 1, 0], [2, 0, 1]], np.float32)
    np.save(tmp_path / "x.npy", x)
    np.testing.assert_array_equal(read(tmp_path / "x.npy", modes()).x, x)
    np.savez(tmp_path / "x.npz", x=x)
    np.testing.assert_array_equal(read(tmp_path / "x.npz", modes()).x, x)


def test_an_archive_may_have_the_words_as_a_key(tmp_path, read, modes):
    np.savez(tmp_path / "x.npz", x=np.array([[1.0], [2.0]]), mode=np.array(["idle", "wash"]))
    assert read(tmp_path / "x.npz", modes()).x.tolist() == [[1, 1, 0], [2, 0, 1]]
