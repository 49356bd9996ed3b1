"""A journal gives back what was noted, and of a damaged one only what is whole."""

import itertools
import os
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from vae_runtime._base.atomic_files import sync
from vae_runtime.batch.journal import Journal, JournalRefused, read_done, read_results, read_run
from vae_runtime.batch.results import Result
from vae_runtime.rows.bad_rows import Reject

RUN = {"bundle": "a" * 64, "options": {"alpha": 0.01}}
DTYPES = [np.float32, np.float64, np.int64, np.bool_, np.uint8, "<U4", "datetime64[us]"]
SHARDS = [["a.npy", 0, 2], ["a.npy", 2, 4], ["b.npy", 0, 1]]
RESULTS = [  # of each shard
    [Result({"row": np.arange(2), "score": np.array([0.5, np.nan], np.float32)}, 2, 1)],
    [
        Result({"row": np.arange(1)}, 1, 0, (Reject("a.npy", 3, "x[0] is NaN"),)),
        Result({}, 0, 0, (Reject("a.npy", 4, 'says "é" and \udcff'),), 7),
    ],
    [Result({"note": pa.array(["a", None]), "machine": np.array(["é", ""])}, 2, classes={"é": 2})],
]


def same(a, b):
    """Whether results are the same to the last bit, type and null."""
    if a[1:] != b[1:] or list(a.columns) != list(b.columns):
        return False
    return all(same_column(a.columns[name], b.columns[name]) for name in a.columns)


def same_column(a, b):
    if not isinstance(a, np.ndarray):
        return not isinstance(b, np.ndarray) and a.type == b.type and a.equals(b)
    alike = isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape
    return alike and a.tobytes() == b.tobytes()


def fill(path, results, shards=SHARDS):
    """Notes results of shards; gives where each shard's last record ends."""
    journal, ends = Journal(path, RUN), []
    for shard, each in zip(shards, results, strict=True):
        for result in each:
            journal.add(result)
        journal.close_shard(shard)
        ends.append(path.stat().st_size)
    journal.close()
    return ends


def read(path):
    """The shards, and their results as they come."""
    done = read_done(path)
    end = done[-1].end if done else 0
    return [each.shard for each in done], list(read_results(path, end))


def check_first(path, n):
    """Checks that the first n shards are there, and nothing else."""
    shards, results = read(path)
    assert shards == SHARDS[:n]
    check_results(results, n)


def check_results(results, n):
    """Checks that these are the results of the first n shards."""
    expected = list(itertools.chain(*RESULTS[:n]))
    assert len(results) == len(expected)
    assert all(map(same, results, expected))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def ends(path):
    return fill(path, RESULTS)


def test_what_was_noted_comes_back(path, ends):
    assert read_run(path) == RUN
    assert [done.end for done in read_done(path)] == ends
    check_first(path, 3)
    for n, end in enumerate(ends, 1):
        assert len(list(read_results(path, end))) == sum(map(len, RESULTS[:n]))


columns = st.dictionaries(
    st.text(max_size=4),
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: arrays(dtype, array_shapes(max_dims=3, max_side=3, min_side=0))
    )
    | st.lists(st.none() | st.text(st.characters(codec="utf-8"))).map(
        lambda texts: pa.array(["cut off", *texts], pa.string())[1:]
    )
    | st.lists(st.none() | st.lists(st.none() | st.floats(allow_nan=False))).map(
        lambda lists: pa.array(lists, pa.list_(pa.float64()))
    )
    | st.lists(st.none() | st.sampled_from("ab")).map(
        lambda texts: pa.array(texts, pa.string()).dictionary_encode()
    ),
    max_size=3,
)
rejects = st.lists(st.builds(Reject, st.text(), st.integers(0, 2**62), st.text()), max_size=3)


@settings(max_examples=200, deadline=None)
@given(
    columns=columns,
    rows=st.integers(0, 2**40),
    anomalies=st.integers(0, 9),
    rejects=rejects.map(tuple),
    left_out=st.integers(0, 9),
)
def test_any_outcome_comes_back(tmp_path_factory, columns, rows, anomalies, rejects, left_out):
    path = tmp_path_factory.getbasetemp() / "journal"
    result = Result(columns, rows, anomalies, rejects, left_out)
    fill(path, [[result]], SHARDS[:1])
    (found,) = read(path)[1]
    assert same(found, result)
    assert all(isinstance(reject, Reject) for reject in found.rejects)


def check_damaged(path, size, ends):
    """Checks that the shards are there that end within so many bytes; reading all is slow."""
    n = sum(end <= size for end in ends)
    assert [done.shard for done in read_done(path)] == SHARDS[:n]
    if size % 40 == 0 or {size, size + 1} & set(ends):
        check_first(path, n)


def test_cut_at_any_byte_the_shards_before_are_there(path, ends):
    for size in reversed(range(ends[-1] + 1)):
        os.truncate(path, size)
        check_damaged(path, size, ends)


def test_with_any_bit_flipped_the_shards_before_are_there(path, ends):
    whole = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for place, bit in itertools.product(range(len(whole)), range(8)):
            file.seek(place)
            file.write(bytes([whole[place] ^ 1 << bit]))
            check_damaged(path, place, ends)
            file.seek(place)
            file.write(whole[place : place + 1])


def test_with_bytes_after_the_end_nothing_is_lost(path, ends):
    whole = path.read_bytes()
    for strange in (b"\0" * 100, b"done", whole[:40], b"part" + b"\xff" * 12):
        path.write_bytes(whole + strange)
        check_first(path, 3)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("extra", [0, 1, 50])
def test_a_run_goes_on_where_it_was(path, ends, n, extra):
    whole = path.read_bytes()
    path.write_bytes(whole[: ends[n - 1] + extra])
    journal = Journal(path, RUN, ends[n - 1])
    assert path.stat().st_size == ends[n - 1]  # else old records might follow on new ones
    for shard, each in zip(SHARDS[n:], RESULTS[n:], strict=True):
        for result in each:
            journal.add(result)
        journal.close_shard(shard)
    journal.close()
    assert path.read_bytes() == whole


def test_a_new_run_takes_the_place_of_an_old_one(path, ends):
    journal = Journal(path, {"other": 1})
    assert read_run(path) == {"other": 1}  # at once, and whole whenever a kill comes
    assert read(path) == ([], [])
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    journal.close()


def test_a_closed_shard_can_be_read_before_the_journal_is_closed(path):
    journal = Journal(path, RUN)
    journal.add(RESULTS[0][0])
    journal.close_shard(SHARDS[0])
    check_first(path, 1)
    sync(path)
    journal.remove()
    assert not path.exists()


def test_removing_what_is_gone_is_no_error(path):
    journal = Journal(path, RUN)
    path.unlink()
    journal.remove()


def test_outcomes_that_are_damaged_once_they_were_found_are_not_left_out_in_silence(path, ends):
    whole = path.read_bytes()
    for place in (5, ends[0] - 30, ends[1] + 40, ends[2] - 1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(JournalRefused, match=r"journal: expected [\d,]+ bytes of records\."):
            list(read_results(path, ends[-1]))
    path.write_bytes(whole[: ends[1]])
    with pytest.raises(JournalRefused, match="one that was damaged"):
        list(read_results(path, ends[-1]))


@pytest.mark.parametrize("size", [0, 4, 20])
def test_a_run_that_was_killed_before_it_could_say_what_it_is_was_none(path, ends, size):
    path.write_bytes(path.read_bytes()[:size])
    assert read_run(path) is None
    assert read_done(path) == []


@pytest.mark.parametrize("content", [b"row,score\n1,2\n" * 9, b"\0" * 99])
def test_another_file_is_no_journal(tmp_path, content):
    path = tmp_path / "other"
    path.write_bytes(content)
    message = f"{path}: expected the journal of a run. Received: another file."
    with pytest.raises(ValueError, match=re.escape(message)):
        read_run(path)
    assert read_done(path) == []
