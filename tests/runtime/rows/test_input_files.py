"""Inputs as they are named, to files, to shards."""

import io
import os
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vae_runtime.rows.input_files import check_apart, plan, spool

X = np.arange(30, dtype=np.float32).reshape(10, 3)


@pytest.fixture
def folder(tmp_path):
    """Three days of rows, and what programs leave beside them."""
    for day in ("monday", "tuesday", "_notes"):
        (tmp_path / day).mkdir()
        np.save(tmp_path / day / "rows.npy", X)
    np.save(tmp_path / "sunday.npy", X)
    np.save(tmp_path / ".sunday.npy.part", X)
    (tmp_path / "_SUCCESS").touch()
    return tmp_path


def names(found, folder):
    return [os.path.relpath(shard.file, folder) for shard in found.shards]


def test_a_folder_stands_for_its_files_by_name_but_for_a_programs_own(folder, wanted):
    found = plan([str(folder)], wanted())
    expected = ["monday/rows.npy", "sunday.npy", "tuesday/rows.npy"]
    assert list(dict.fromkeys(names(found, folder))) == expected
    assert found.rows == 30


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*/rows.npy", ["_notes/rows.npy", "monday/rows.npy", "tuesday/rows.npy"]),
        ("[mt]*day", ["monday/rows.npy", "tuesday/rows.npy"]),
        ("**/sun*.npy", ["sunday.npy"]),
    ],
)
def test_a_glob_stands_for_what_it_matches(folder, wanted, pattern, expected):
    found = plan([f"{folder}/{pattern}"], wanted())
    assert list(dict.fromkeys(names(found, folder))) == expected


def test_several_inputs_follow_on_each_other_once(folder, wanted):
    given = [f"{folder}/tuesday/rows.npy", f"{folder}/sunday.npy", f"{folder}/*/rows.npy"]
    found = plan(given, wanted())
    order = ["tuesday/rows.npy", "sunday.npy", "_notes/rows.npy", "monday/rows.npy"]
    assert list(dict.fromkeys(names(found, folder))) == order
    starts = [shard.first_row for shard in found.shards if shard.file.endswith("sunday.npy")]
    assert min(starts) == 0


def test_a_name_with_the_marks_of_a_glob_is_itself_where_it_is_there(tmp_path, wanted):
    np.save(tmp_path / "rows[1].npy", X)
    assert plan([f"{tmp_path}/rows[1].npy"], wanted()).rows == 10


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("*.parquet", "expected files that match. Received: none"),
        ("nothing.csv", "No such file"),
        ("_SUCCESS", "Received: a file without an ending"),
    ],
)
def test_what_is_not_there_is_an_error(folder, wanted, given, message):
    with pytest.raises((ValueError, OSError), match=message.replace(".", r"\.")):
        plan([f"{folder}/{given}"], wanted())


def test_files_of_several_formats_in_a_folder_are_not_guessed_about(folder, wanted):
    (folder / "labels.csv").write_text("1,2,3\n")
    with pytest.raises(ValueError, match=r"one format.*1 of \.csv and 3 of \.npy.*by a glob"):
        plan([str(folder)], wanted())


def test_a_folder_without_rows_is_an_error(tmp_path, wanted):
    with pytest.raises(ValueError, match="Received: none"):
        plan([str(tmp_path)], wanted())


def test_files_without_any_row_are_an_error_together(tmp_path, wanted):
    (tmp_path / "a.csv").write_text("a,b,c\n")
    with pytest.raises(ValueError, match=r"expected rows\. Received: none"):
        plan([str(tmp_path / "a.csv")], wanted(names=("a", "b", "c")))


def test_a_column_that_a_later_file_lacks_is_seen_before_the_first_row(tmp_path, wanted):
    pq.write_table(pa.table({"a": [1.0], "b": [2.0]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": [1.0], "c": [2.0]}), tmp_path / "2.parquet")
    with pytest.raises(ValueError, match=r"2\.parquet: expected the column 'b'"):
        plan([str(tmp_path)], wanted((2,), ("a", "b")))


def test_a_file_that_changes_after_it_was_planned_is_noticed(tmp_path, wanted):
    path = tmp_path / "rows.npy"
    np.save(path, X)
    found = plan([str(path)], wanted())
    assert found.fingerprint(found.shards[0]) == plan([str(path)], wanted()).fingerprint(
        found.shards[0]
    )
    np.save(path, X[:9])
    with pytest.raises(ValueError, match="has changed while it was read"):
        found.fingerprint(found.shards[0])


def test_a_copy_has_another_fingerprint(tmp_path, wanted):
    for name in ("a.npy", "b.npy"):
        np.save(tmp_path / name, X)
    os.utime(tmp_path / "b.npy", (0, 0))
    prints = []
    for name in ("a.npy", "b.npy"):
        shutil.copy2(tmp_path / name, tmp_path / "rows.npy")
        found = plan([str(tmp_path / "rows.npy")], wanted())
        prints.append(found.fingerprint(found.shards[0]))
    assert prints[0] != prints[1]


def contents():
    npy, npz, parquet, arrow, arrows = (io.BytesIO() for _ in range(5))
    table = pa.table(dict(zip("abc", X.T, strict=True)))
    np.save(npy, X)
    np.savez(npz, x=X)
    pq.write_table(table, parquet)
    for sink, new in ((arrow, pa.ipc.new_file), (arrows, pa.ipc.new_stream)):
        with new(sink, table.schema) as writer:
            writer.write_table(table)
    lines = "".join(f'{{"a": {a}, "b": {b}, "c": {c}}}\n' for a, b, c in X.tolist())
    text = "a,b,c\n" + "".join(f"{a},{b},{c}\n" for a, b, c in X.tolist())
    return {
        ".npy": npy.getvalue(),
        ".npz": npz.getvalue(),
        ".parquet": parquet.getvalue(),
        ".arrow": arrow.getvalue(),
        ".arrows": arrows.getvalue(),
        ".jsonl": lines.encode(),
        ".csv": text.encode(),
    }


@pytest.mark.parametrize("ending", list(contents()))
def test_standard_input_is_of_the_format_that_it_begins_with(tmp_path, wanted, ending):
    path = spool(io.BytesIO(contents()[ending]), tmp_path)
    assert path.suffix == ending
    found = plan([str(path)], wanted(names=("a", "b", "c")))
    blocks = [block.x for shard in found.shards for block in found.read(shard)]
    np.testing.assert_array_equal(np.concatenate(blocks), X)


def test_standard_input_of_nothing_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"expected rows on standard input\. Received: nothing"):
        spool(io.BytesIO(), tmp_path)


def test_a_link_to_nothing_in_a_folder_is_an_error_not_a_file_less(folder, wanted):
    (folder / "tuesday" / "late.npy").symlink_to(folder / "gone.npy")
    with pytest.raises(FileNotFoundError, match="late"):
        plan([str(folder)], wanted())


@pytest.mark.parametrize("target", ["sunday.npy", "tuesday/rows.npy", "scores.csv", "new/s.npz"])
def test_nothing_is_written_where_inputs_are_read(folder, target):
    given = folder / "sunday.npy", folder / "*" / "rows.npy", folder
    with pytest.raises(ValueError, match=r"expected (another file|a file outside)"):
        check_apart([str(each) for each in given], [folder / target])


@pytest.mark.parametrize("target", ["_scores/s.csv", ".s.csv", "batch.prom", "../s.csv"])
def test_what_no_run_reads_may_be_written_anywhere(folder, target):
    check_apart([str(folder), f"{folder}/*.npy"], [folder / target])
