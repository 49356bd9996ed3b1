"""Columns that the names of folders say, as engines write tables."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vae_runtime.rows.formats.folder_keys import keys_of
from vae_runtime.rows.formats.registry import kept_of
from vae_runtime.rows.machine_names import NAMELESS
from vae_runtime.rows.text.tables import ColumnError

HEAD = "a,b,c\n"


@pytest.fixture(params=[".csv", ".parquet"])
def save(request, tmp_path):
    """Saves a table of two rows in a folder of this name."""

    def apply(folder, **more):
        path = tmp_path / folder / f"rows{request.param}"
        path.parent.mkdir(parents=True)
        table = pa.table({"a": [1.0, 2.0], "b": [3.0, 4.0], "c": [5.0, 6.0], **more})
        if request.param == ".parquet":
            pq.write_table(table, path)
        else:
            rows = [",".join(map(str, row.values())) for row in table.to_pylist()]
            path.write_text("\n".join([",".join(table.column_names), *rows]) + "\n")
        return path

    return apply


def test_folders_say_columns():
    assert keys_of(Path("x/day=1/site=a%20b/rows.csv")) == {"day": "1", "site": "a b"}
    assert keys_of(Path("day=__HIVE_DEFAULT_PARTITION__/rows.csv")) == {"day": ""}
    assert keys_of(Path("=1/plain/day=1.csv")) == {}


def test_a_kept_column_comes_from_the_folder(save, read, wanted):
    asked = wanted(names=("a", "b", "c"), keep=("day", "note"))
    path = save("day=1", note=["x", "y"])
    found = read(path, asked)
    assert {name: column.tolist() for name, column in found.kept.items()} == {
        "day": ["1", "1"],
        "note": ["x", "y"],
    }
    assert found.x.shape == (2, 3)
    assert list(kept_of(path, asked)) == ["day", "note"]


def test_the_folder_is_right_where_the_file_says_it_too(save, read, wanted):
    found = read(save("day=1", day=[7, 8]), wanted(names=("a", "b", "c"), keep=("day",)))
    assert found.kept["day"].tolist() == ["1", "1"]


def test_a_machine_may_be_a_folder(save, read, wanted):
    asked = wanted(names=("a", "b", "c"), machine_column="machine")
    assert read(save("machine=7.0"), asked).machines.tolist() == ["7", "7"]
    nameless = read(save("machine="), asked)
    assert nameless.bad == {0: NAMELESS, 1: NAMELESS}


def test_what_nobody_says_is_missing(save, read, wanted):
    with pytest.raises(ColumnError, match="'night'"):
        read(save("day=1"), wanted(names=("a", "b", "c"), keep=("night",)))


def test_an_array_may_lie_in_such_a_folder(tmp_path, read, wanted):
    (tmp_path / "day=1").mkdir()
    np.save(tmp_path / "day=1" / "x.npy", np.ones((2, 3), np.float32))
    found = read(tmp_path / "day=1" / "x.npy", wanted(keep=("day",)))
    assert found.kept["day"].tolist() == ["1", "1"]
