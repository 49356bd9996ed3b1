"""Runs: whole or not at all, and after a stop the same as without one."""

import errno
import json
import resource
from functools import partial

import numpy as np
import pytest

from vae_runtime._base.atomic_files import aside_of
from vae_runtime.batch.job import Job
from vae_runtime.batch.journal import JournalRefused, read_done
from vae_runtime.batch.output import Output
from vae_runtime.batch.progress import Counts
from vae_runtime.batch.results import Result
from vae_runtime.batch.run import run
from vae_runtime.batch.writing import open_writer
from vae_runtime.rows.bad_rows import Reject
from vae_runtime.rows.blocks import Block, Shard

SHARDS, PARTS, ROWS = 6, 3, 5
BAD = 7  # one row in so many is none


def read(shard):
    for i in range(PARTS):
        first = shard.first_row + i * ROWS
        yield Block(shard.file, np.arange(first, first + ROWS), {}, {})


def compute(block):
    good = block.x % BAD != 0
    rejects = tuple(Reject(block.file, int(row), f"{row} is a seventh") for row in block.x[~good])
    columns = {"row": block.x[good], "score": (block.x[good] * 0.1).astype(np.float32)}
    return Result(columns, int(good.sum()), int((block.x[good] > 40).sum()), rejects)


def shards(count=SHARDS):
    return [Shard("rows", ".npy", i, i + 1, i * PARTS * ROWS, PARTS * ROWS) for i in range(count)]


@pytest.fixture
def job(tmp_path):
    """Makes a job; what is given replaces its blocks."""

    def make(**changes):
        output, rejects = tmp_path / "out.csv", tmp_path / "out.rejects.csv"
        given = {
            "shards": shards(),
            "read": read,
            "compute": compute,
            "fingerprint": list,
            "identity": {"bundle": "b", "alpha": 0.05},
            "open_output": partial(Output, output, rejects, partial(open_writer, ending=".csv")),
            "journal": tmp_path / "out.csv.journal",
        }
        return Job(**{**given, **changes})

    return make


def go(job, **options):
    seen = []
    counts = run(job, threads=3, watch=seen.append, **options)
    assert seen[-1] == counts
    return counts


def files(tmp_path):
    return {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def broken_at(shard):
    """A read that fails in the middle of a shard."""

    def fail(given):
        blocks = read(given)
        yield next(blocks)
        if given.start == shard:
            raise ValueError("rows: the disk is scratched")
        yield from blocks

    return fail


def test_the_output_is_whole_and_nothing_else_is_left(job, tmp_path):
    counts = go(job())
    rows = np.arange(SHARDS * PARTS * ROWS)
    good = rows[rows % BAD != 0]
    assert counts == Counts(len(good), len(rows) - len(good), int((good > 40).sum()))
    assert counts.read == len(rows)
    assert sorted(files(tmp_path)) == ["out.csv", "out.rejects.csv"]
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert [int(line.split(",")[0]) for line in lines[1:]] == good.tolist()
    rejects = (tmp_path / "out.rejects.csv").read_text().splitlines()
    assert rejects[:2] == ["file,row,reason", "rows,0,0 is a seventh"]
    assert len(rejects) - 1 == counts.rejected


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_run_that_failed_leaves_no_output_and_goes_on_to_the_same(job, tmp_path, shard):
    go(job())
    expected = files(tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="the disk is scratched"):
        go(job(read=broken_at(shard)))
    assert sorted(files(tmp_path)) == (["out.csv.journal"] if shard else [])
    reads = []

    def noted(given):
        reads.append(given.start)
        return read(given)

    counts = go(job(read=noted), resume=True)
    assert sorted(reads) == list(range(shard, SHARDS))
    assert counts.read == SHARDS * PARTS * ROWS
    assert files(tmp_path) == expected


def test_a_journal_cut_anywhere_leads_to_the_same_output(job, tmp_path):
    go(job())
    expected = files(tmp_path)
    with pytest.raises(ValueError, match="scratched"):
        go(job(read=broken_at(SHARDS - 1)))
    journal = (tmp_path / "out.csv.journal").read_bytes()
    for size in [*range(0, len(journal), 97), len(journal)]:
        (tmp_path / "out.csv.journal").write_bytes(journal[:size])
        go(job(), resume=True)
        assert files(tmp_path) == expected


def test_a_run_that_is_not_resumed_begins_anew(job, tmp_path):
    with pytest.raises(ValueError, match="scratched"):
        go(job(read=broken_at(3)))
    assert len(read_done(tmp_path / "out.csv.journal")) == 3
    with pytest.raises(ValueError, match="scratched"):
        go(job(read=broken_at(1)))
    assert len(read_done(tmp_path / "out.csv.journal")) == 1


def test_resuming_without_a_journal_begins(job, tmp_path):
    assert go(job(), resume=True).read == SHARDS * PARTS * ROWS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"identity": {"bundle": "c", "alpha": 0.05}}, 'with bundle "b". Received: "c"'),
        ({"identity": {"bundle": "b", "alpha": 0.1}}, "with alpha 0.05. Received: 0.1"),
        ({"identity": {"bundle": "b"}}, "with alpha 0.05. Received: null"),
        ({"fingerprint": lambda shard: [*shard, 1]}, "expected rows as it was"),
        ({"shards": shards(2)}, "or is not given now"),
    ],
)
def test_what_a_run_is_of_must_be_the_same_to_resume_it(job, tmp_path, change, message):
    with pytest.raises(ValueError, match="scratched"):
        go(job(read=broken_at(3)))
    before = files(tmp_path)
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        go(job(**change), resume=True)
    assert files(tmp_path) == before


def test_shards_that_were_not_done_may_change_before_a_run_is_resumed(job, tmp_path):
    with pytest.raises(ValueError, match="scratched"):
        go(job(read=broken_at(3)))
    repaired = [*shards(3), *(s._replace(line=1) for s in shards()[3:])]
    assert go(job(shards=repaired), resume=True).read == SHARDS * PARTS * ROWS


def test_a_full_disk_is_an_error_that_can_be_resumed(job, tmp_path):
    class Full:
        def __init__(self, path):
            self._writer, self._left = open_writer(path, ".csv"), 4

        def write(self, columns):
            self._left -= 1
            if not self._left:
                raise OSError(errno.ENOSPC, "No space left on device", "out.csv")
            self._writer.write(columns)

        def close(self):
            self._writer.close()

    output = partial(Output, tmp_path / "out.csv", tmp_path / "out.rejects.csv", Full)
    with pytest.raises(OSError, match="No space left"):
        go(job(open_output=output))
    assert sorted(files(tmp_path)) == ["out.csv.journal"]
    assert go(job(), resume=True).read == SHARDS * PARTS * ROWS
    assert sorted(files(tmp_path)) == ["out.csv", "out.rejects.csv"]


def test_an_earlier_output_stays_until_a_whole_one_takes_its_place(job, tmp_path):
    (tmp_path / "out.csv").write_text("of yesterday\n")
    with pytest.raises(ValueError, match="scratched"):
        go(job(read=broken_at(3)))
    assert (tmp_path / "out.csv").read_text() == "of yesterday\n"
    assert not aside_of(tmp_path / "out.csv").exists()
    go(job(), resume=True)
    assert (tmp_path / "out.csv").read_text().startswith("row,score\n")


def test_rows_of_which_none_is_good_are_an_error_that_gives_the_first_reason(job, tmp_path):
    def none(block):
        return Result({}, 0, 0, tuple(Reject(block.file, int(row), "broken") for row in block.x))

    with pytest.raises(ValueError, match=r"Received: 90, all of them rejected.*row 0.*broken"):
        go(job(compute=none))
    (listed,) = files(tmp_path)  # no journal either: there is nothing to go on with
    assert listed == "out.rejects.csv"
    assert files(tmp_path)[listed].count(b"broken") == 90


def test_a_run_does_not_go_on_without_a_file_that_it_began_with(job, tmp_path):
    with pytest.raises(ValueError, match="the disk is scratched"):
        go(job(read=broken_at(3), files=["a", "b", "c", "d"]))
    refused = r"expected all files that the run began with\. Received: no b and 1 others now"
    with pytest.raises(JournalRefused, match=refused):
        go(job(files=["a", "d"]), resume=True)
    go(job(files=["d", "c", "b", "a", "new"]), resume=True)
    assert sorted(files(tmp_path)) == ["out.csv", "out.rejects.csv"]


def test_verdicts_of_all_rows_together_are_written_at_the_end(job, tmp_path):
    """The rows above the mean of all are anomalies, whose mean is known at the end alone."""

    def settle(results):
        mean = np.concatenate([o.columns["score"] for o in results]).mean()

        def amend(result):
            above = result.columns["score"] > mean
            columns = {**result.columns, "is_anomaly": above}
            return result._replace(columns=columns, anomalies=int(above.sum()))

        return amend

    settled = job(settle=settle)
    counts = run(settled, threads=2, watch=lambda counts: None)
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == "row,score,is_anomaly"
    assert counts.anomalies == sum(line.endswith(",1") for line in lines)
    assert 0 < counts.anomalies < counts.done
    expected = files(tmp_path)
    with pytest.raises(ValueError, match="scratched"):
        run(job(settle=settle, read=broken_at(4)), threads=2, watch=lambda counts: None)
    assert run(settled, threads=2, resume=True, watch=lambda counts: None) == counts
    assert files(tmp_path) == expected


def test_a_journal_says_what_the_run_is_in_plain_json(job, tmp_path):
    with pytest.raises(ValueError, match="scratched"):
        go(job(read=broken_at(3), files=["rows"]))
    expected = json.dumps({"bundle": "b", "alpha": 0.05, "files": ["rows"]}).encode()
    assert expected in (tmp_path / "out.csv.journal").read_bytes()


def test_a_second_run_of_the_same_output_is_refused(job, tmp_path):
    pytest.importorskip("fcntl", reason="files cannot be locked on this system")
    refused = []

    def watch(counts):
        with pytest.raises(ValueError, match="expected no other run that writes the same output"):
            go(job())
        refused.append(counts)

    counts = run(job(), threads=1, watch=watch)
    assert refused[-1] == counts
    assert sorted(files(tmp_path)) == ["out.csv", "out.rejects.csv"]


@pytest.mark.parametrize("resume", [False, True])
def test_a_file_that_is_no_journal_is_not_overwritten(job, tmp_path, resume):
    (tmp_path / "out.csv.journal").write_text("notes of mine")
    with pytest.raises(ValueError, match=r"expected the journal of a run\. Received: another file"):
        go(job(), resume=resume)
    assert (tmp_path / "out.csv.journal").read_text() == "notes of mine"


@pytest.mark.parametrize("ending", [".csv", ".npz", ".parquet", ".arrow"])
def test_an_error_of_a_disk_names_the_file(job, tmp_path, monkeypatch, ending):
    """`/dev/full` is a disk without room."""
    path = tmp_path / "out"

    def begin_on_a_full_disk(path):
        aside_of(path).symlink_to("/dev/full")
        return aside_of(path)

    monkeypatch.setattr("vae_runtime.batch.output.begin_aside", begin_on_a_full_disk)
    output = partial(Output, path, None, partial(open_writer, ending=ending))
    plain = [s._replace(first_row=BAD * s.first_row + 1) for s in shards()]
    with pytest.raises(OSError, match=r"No space left") as raised:
        go(job(open_output=output, shards=plain, compute=without_rejects))
    assert raised.value.filename == str(aside_of(path))


def without_rejects(block):
    return compute(block)._replace(rejects=())


def test_a_journal_that_the_disk_refuses_is_named(job):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))  # bytes of any file
    try:
        with pytest.raises(OSError, match=r"out\.csv\.journal") as raised:
            go(job())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert raised.value.errno == errno.EFBIG


def test_nothing_is_left_of_an_output_that_cannot_be_opened(tmp_path):
    with pytest.raises(ValueError, match=r"expected an output of"):
        Output(tmp_path / "o.txt", tmp_path / "new" / "r.csv", partial(open_writer, ending=".txt"))
    assert not list((tmp_path / "new").iterdir())


def test_a_run_that_met_a_bad_row_may_go_on_to_reject_it_but_not_the_other_way(job, tmp_path):
    with pytest.raises(ValueError, match="scratched"):
        go(job(read=broken_at(3)))
    strict = partial(Output, tmp_path / "out.csv", None, partial(open_writer, ending=".csv"))
    with pytest.raises(JournalRefused, match="expected --on-bad-row reject"):
        go(job(open_output=strict), resume=True)
    assert (tmp_path / "out.csv.journal").exists()
    assert go(job(), resume=True).read == SHARDS * PARTS * ROWS


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("name", [".{}.part", "{}.journal"])
def test_nothing_is_written_through_a_link_by_the_name_of_a_temporary_file(
    job, tmp_path, name, there
):
    theirs = tmp_path / "theirs.csv"
    if there:
        theirs.write_text("theirs")
    output = tmp_path / "out.csv"
    (tmp_path / name.format(output.name)).symlink_to(theirs)
    if name.endswith("journal"):
        with pytest.raises(JournalRefused, match="Received: a link"):
            go(job())
    else:
        go(job())
        assert not output.is_symlink()
    assert theirs.exists() == there
    assert not there or theirs.read_text() == "theirs"
