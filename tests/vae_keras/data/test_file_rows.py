"""Rows of several files: what a device reads of them, training reads too."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from vae_keras import data
from vae_keras.configs import DataConfig

X = np.arange(12.0).reshape(6, 2)


def save(path, x):
    path.parent.mkdir(exist_ok=True)
    table = pa.table({"a": x[:, 0], "b": x[:, 1]})
    if path.suffix == ".csv":
        path.write_text("a,b\n" + "".join(f"{a},{b}\n" for a, b in x.tolist()))
    elif path.suffix == ".jsonl":
        path.write_text("".join(f'{{"a": {a}, "b": {b}}}\n' for a, b in x.tolist()))
    elif path.suffix == ".npy":
        np.save(path, x)
    elif path.suffix == ".npz":
        np.savez(path, x=x)
    elif path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        feather.write_feather(table, path, compression="uncompressed")


ENDINGS = (".csv", ".jsonl", ".parquet", ".arrow", ".feather", ".npy", ".npz")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("source", ["day", "day/*"])
def test_a_folder_or_glob_of_any_format_trains_and_each_row_knows_its_file(
    tmp_path, ending, source
):
    save(tmp_path / "day" / f"1{ending}", X[:4])
    save(tmp_path / "day" / f"2{ending}", X[4:])
    dataset = data.load(DataConfig(str(tmp_path / source)))
    assert dataset.name == "day"
    assert dataset.x.dtype == np.float32
    np.testing.assert_array_equal(dataset.x, X)
    assert dataset.files.tolist() == [0, 0, 0, 0, 1, 1]
    assert [name.rsplit("/", 1)[1] for name in dataset.file_names] == [f"1{ending}", f"2{ending}"]


def test_a_single_file_is_one_recording(tmp_path):
    save(tmp_path / "rows.csv", X)
    dataset = data.load(DataConfig(str(tmp_path / "rows.csv")))
    assert (dataset.files, dataset.file_names) == (None, None)


def test_no_window_spans_two_files(tmp_path):
    save(tmp_path / "day" / "1.csv", X[:4])
    save(tmp_path / "day" / "2.csv", X[4:])
    dataset = data.load(DataConfig(str(tmp_path / "day"), window=2, stride=1))
    assert dataset.x[:, :, 0].tolist() == [[0, 2], [2, 4], [4, 6], [8, 10]]
    assert dataset.files.tolist() == [0, 0, 0, 1]


def test_a_folder_of_tables_is_never_said_to_lack_images(tmp_path):
    save(tmp_path / "day" / "1.csv", X)
    save(tmp_path / "day" / "1.parquet", X)
    with pytest.raises(ValueError, match="expected files of one format in a folder"):
        data.load(DataConfig(str(tmp_path / "day")))


def test_tables_of_several_formats_are_read_together_where_none_is_there_twice(tmp_path):
    save(tmp_path / "day" / "1.csv", X[:4])
    save(tmp_path / "day" / "2.parquet", X[4:])
    for junk in ("README.txt", ".DS_Store", "Thumbs.db", "notes.md"):
        (tmp_path / "day" / junk).write_text("bench 4\n")
    dataset = data.load(DataConfig(str(tmp_path / "day")))
    np.testing.assert_array_equal(dataset.x, X)
    assert dataset.recordings.tolist() == ["1"] * 4 + ["2"] * (len(X) - 4)


def test_the_files_that_differ_from_most_are_named(tmp_path):
    for i in range(4):
        save(tmp_path / "day" / f"run_{i}.csv", X)
    (tmp_path / "day" / "calm.csv").write_text("a\n1\n2\n")
    others = str(tmp_path / "day" / "run_*")
    message = f"4 of 5 have the same: leave out calm.csv (all others are '{others}')."
    with pytest.raises(ValueError, match=re.escape(message)):
        data.load(DataConfig(str(tmp_path / "day")))
    assert len(data.load(DataConfig(others, columns=("a", "b"))).x) == 4 * len(X)


def test_times_of_text_and_of_a_type_are_one_column(tmp_path):
    (tmp_path / "day").mkdir()
    moments = np.datetime64("2026-03-01T08:00:00") + np.arange(12).astype("timedelta64[s]")
    lines = [f"{moment},{i % 5}" for i, moment in enumerate(moments[:6].tolist())]
    (tmp_path / "day" / "1.csv").write_text("\n".join(["time,a", *lines, ""]))
    typed = pa.table({"time": moments[6:], "a": np.arange(6.0) % 5})
    pq.write_table(typed, tmp_path / "day" / "2.parquet")
    dataset = data.load(DataConfig(str(tmp_path / "day"), time="time", window=2, stride=1))
    assert (len(dataset.x), dataset.clock.step) == (10, 1.0)


def test_a_bad_row_is_named_by_its_file(tmp_path):
    save(tmp_path / "day" / "1.csv", X)
    (tmp_path / "day" / "2.csv").write_text("a,b\n1,2\n3,\n")
    source = str(tmp_path / "day")
    message = "2.csv, row 1: line 3: no value in column 'b'."
    with pytest.raises(ValueError, match=re.escape(message)):
        data.load(DataConfig(source))
    dataset = data.load(DataConfig(source, on_bad_row="reject"))
    assert dataset.files.tolist() == [0] * 6 + [1]
    assert dataset.notes[0].startswith("1 of 8 rows rejected. Row 1 of ")
