"""Record batches in, the same rows with results out; and scorers that go to other processes."""

import itertools
import os
import pickle
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_runtime import BundleError, Runner, recalibrate
from vae_runtime.batch.computations import Encoding, Scoring
from vae_runtime.engines.options import RowOptions, RunnerOptions
from vae_runtime.engines.record_batches import BatchScorer, score_record_batch
from vae_runtime.engines.shards import ShardScorer, count, tasks_of, write_task
from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.input_files import plan

IN_A_PROCESS = """
import pickle, sys
scorer = pickle.loads(sys.stdin.buffer.read())
assert "onnxruntime" not in sys.modules
print(scorer.runner.precision)
"""


def refuses(message, error=ValueError):
    return pytest.raises(error, match=re.escape(message))


def one_batch(table):
    return table.combine_chunks().to_batches()[0]


def in_a_process(scorer):
    """Opens it in another process; what that prints, and its error."""
    command = [sys.executable, "-c", IN_A_PROCESS]
    done = subprocess.run(command, input=pickle.dumps(scorer), capture_output=True, check=False)
    return done.stdout.decode(), done.stderr.decode()


@pytest.fixture(scope="module")
def scorer(engined):
    return BatchScorer.of(engined.bundle)


@pytest.fixture
def broken(engined):
    """The first 22 rows, of which 3 has no temperature and 7 an infinite speed."""
    rows = engined.table.slice(0, 22).to_pydict()
    rows["temperature"][3], rows["speed"][7] = None, np.inf
    return one_batch(pa.table(rows, engined.table.schema))


@settings(deadline=None, max_examples=25)  # the first opens the bundle
@given(cuts=st.lists(st.integers(0, 4000), max_size=6))
def test_rows_score_as_by_the_runner_however_they_are_cut(engined, scorer, check_engined, cuts):
    ends = sorted({0, *cuts, 4000})
    whole = one_batch(engined.table)
    parts = [scorer(whole.slice(a, b - a)) for a, b in itertools.pairwise(ends)]
    check_engined(pa.Table.from_batches(parts))


def test_the_schema_is_known_before_any_row(engined):
    task = Scoring(top=2, latents=True, reconstruction=True)
    for on_bad_row in ("fail", "reject"):
        scorer = BatchScorer.of(
            engined.bundle, row_options=RowOptions(task, ("site",), on_bad_row=on_bad_row)
        )
        batch = one_batch(engined.table)
        schema = scorer.schema(batch.schema)
        assert scorer(batch).schema == schema
        assert scorer(batch.slice(0, 0)).schema == schema
        assert schema.names[:4] == ["site", "score", "p_value", "is_anomaly"]
        assert ("rejected" in schema.names) == (on_bad_row == "reject")


def test_results_of_several_values_are_lists(engined):
    found = BatchScorer.of(engined.bundle, row_options=RowOptions(Encoding(), ()))(
        one_batch(engined.table)
    )
    np.testing.assert_array_equal(found["z"].to_pylist(), engined.runner.encode(engined.x))


def test_bad_rows_keep_their_place(engined, broken):
    found = score_record_batch(broken, engined.runner, RowOptions(on_bad_row="reject"))
    rejected = found["rejected"].to_pylist()
    assert [i for i, reason in enumerate(rejected) if reason is not None] == [3, 7]
    assert "temperature" in rejected[3]
    assert "speed" in rejected[7]
    good = np.delete(np.arange(22), [3, 7])
    for name, wanted in engined.scores._asdict().items():
        values = found[name].to_pylist()
        assert values[3] is None
        assert values[7] is None
        np.testing.assert_array_equal([values[i] for i in good], wanted[good])
    assert found["id"] == broken["id"]
    assert found["time"] == broken["time"]


def test_a_batch_of_bad_rows_alone_has_no_results(engined, broken):
    found = score_record_batch(broken.slice(3, 1), engined.runner, RowOptions(on_bad_row="reject"))
    assert found["score"].to_pylist() == [None]
    assert found["rejected"].null_count == 0


def test_a_bad_row_is_an_error_that_tells_which(engined, broken):
    with refuses("row 3 (id=3, time=2026-01-01 00:00:00.000004, site=s0): "):
        score_record_batch(broken, engined.runner)


def test_columns_that_cannot_be_are_refused(engined, scorer):
    batch = one_batch(engined.table)
    with refuses("expected the column 'temperature'"):
        scorer(batch.drop_columns(["temperature"]))
    with refuses("score twice"):
        scorer.schema(batch.schema.append(pa.field("score", pa.float32())))
    with refuses("expected the column 'nobody'"):
        BatchScorer.of(engined.bundle, row_options=RowOptions(keep=("nobody",)))(batch)
    with refuses("keep as a tuple"):
        RowOptions(keep="id")
    with refuses("fail or reject"):
        RowOptions(on_bad_row="skip")


def test_what_is_no_record_batch_is_refused_with_what_to_do(engined, scorer):
    for batch, received in [
        (engined.table, "a pyarrow Table. Give a table batch by batch"),
        (engined.table.to_pandas(), "a pandas DataFrame. Give a table"),
    ]:
        with refuses(f"expected a pyarrow.RecordBatch. Received: {received}"):
            scorer(batch)


def test_options_that_do_not_fit_are_refused_before_any_row(engined):
    with refuses("alpha=1e-09 needs"):
        BatchScorer.of(engined.bundle, row_options=RowOptions(Scoring(alpha=1e-9)))
    with refuses("expected a bundle with machines, for the machine column 'site'"):
        BatchScorer.of(engined.bundle, row_options=RowOptions(machine_column="site"))(
            one_batch(engined.table)
        )


@pytest.fixture(scope="module")
def fleet(golden, golden_rows, tmp_path_factory):
    """A bundle of two machines, one noisier, and rows of both with their names."""
    parts = [golden_rows(200, i, noise) for i, noise in enumerate((0.2, 0.9))]
    names = np.repeat(["calm", "wild"], 200)
    out = tmp_path_factory.mktemp("fleet") / "fleet"
    recalibrate(golden, np.concatenate(parts), out, alpha=0.05, machines={"machine": names})
    x, names = golden_rows(100, 9, 0.6), np.tile(["calm", "wild"], 50)
    features = Runner.load(out).manifest.model.feature_names
    columns = {name: x[:, i] for i, name in enumerate(features)}
    return out, x, pa.record_batch({**columns, "machine": pa.array(names)})


def test_each_row_is_judged_by_its_own_machine(fleet):
    bundle, x, batch = fleet
    names = batch["machine"].to_numpy(zero_copy_only=False)
    wanted = Runner.load(bundle).score(x, machines=names).p_value
    found = BatchScorer.of(bundle)(batch)
    np.testing.assert_array_equal(found["p_value"], wanted)
    together = BatchScorer.of(bundle, row_options=RowOptions(machine_column=""))(batch)
    np.testing.assert_array_equal(together["p_value"], Runner.load(bundle).score(x).p_value)
    assert not np.array_equal(together["p_value"], wanted)


@pytest.mark.parametrize("machine", [None, "calm"])
def test_a_row_without_the_name_of_a_machine_keeps_its_place(fleet, tmp_path, machine):
    bundle, x, batch = fleet
    names = ["calm"] * 97 + [None, "", "calm"]
    batch = batch.set_column(batch.num_columns - 1, "machine", pa.array(names))
    scorer = BatchScorer.of(bundle, RunnerOptions(machine=machine), RowOptions(on_bad_row="reject"))
    good = np.delete(np.arange(100), [97, 98])
    wanted = Runner.load(bundle, machine="calm").score(x).p_value[good]
    pq.write_table(pa.table(batch), tmp_path / "rows.parquet")
    wanting = Wanted.of(scorer.runner.manifest.model, machine_column="machine")
    planned = plan([str(tmp_path / "rows.parquet")], wanting)
    of_files = next(ShardScorer.of(scorer, planned)(tasks_of(planned)[0]))
    for found in (scorer(batch), of_files):
        rejected = found["rejected"].to_pylist()
        assert [i for i, reason in enumerate(rejected) if reason is not None] == [97, 98]
        assert "expected the name of a machine" in rejected[97]
        np.testing.assert_array_equal(found["p_value"].to_numpy(zero_copy_only=False)[good], wanted)
    with refuses("row 97 (machine=None): expected the name of a machine"):
        BatchScorer.of(bundle, RunnerOptions(machine=machine))(batch)


def test_rows_of_one_machine_are_of_no_other(fleet):
    bundle, x, batch = fleet
    scorer = BatchScorer.of(bundle, RunnerOptions(machine="calm"))
    calm = batch.filter(pa.array(np.arange(100) % 2 == 0))
    wanted = Runner.load(bundle, machine="calm").score(x[::2]).p_value
    np.testing.assert_array_equal(scorer(calm)["p_value"], wanted)
    np.testing.assert_array_equal(scorer(calm.drop_columns(["machine"]))["p_value"], wanted)
    with refuses("expected rows of calm alone"):
        scorer(batch)
    with refuses("expected the column 'machine'"):
        BatchScorer.of(bundle)(batch.drop_columns(["machine"]))


def test_a_scorer_opens_its_bundle_once_in_a_process(engined, scorer):
    assert scorer.runner is pickle.loads(pickle.dumps(scorer)).runner
    other = BatchScorer.of(engined.bundle, RunnerOptions(score="neg_elbo"))
    assert other.runner is not scorer.runner


def test_another_process_opens_the_same_bundle_and_no_other(engined, table_copy, edit_manifest):
    scorer = BatchScorer.of(table_copy)
    assert in_a_process(scorer)[0] == "fp32\n"
    edit_manifest(table_copy, lambda document: document["model"].update(name="another"))
    assert "expected the bundle that the job began with" in in_a_process(scorer)[1]
    assert "expected vae-runtime 9.9" in in_a_process(replace(scorer, version="9.9"))[1]


def test_a_bundle_can_travel_along(table_copy):
    shipped = BatchScorer.of(table_copy, RunnerOptions(ship=True))
    left = BatchScorer.of(table_copy)
    shutil.rmtree(table_copy)
    assert in_a_process(shipped) == ("fp32\n", "")
    assert "expected a bundle" in in_a_process(left)[1]


def test_a_shipped_bundle_that_was_altered_is_refused(table_copy):
    shipped = BatchScorer.of(table_copy, RunnerOptions(ship=True))
    files = dict(shipped.files)
    files["scorer.onnx"] = files["scorer.onnx"][:-1] + b"?"
    assert "its sha256 is not the one" in in_a_process(replace(shipped, files=files))[1]


@pytest.fixture
def files(engined, tmp_path):
    """The rows as two files of Parquet, in row groups of 700 rows."""
    for i, start in enumerate((0, 2500)):
        part = engined.table.slice(start, 2500)
        pq.write_table(part, tmp_path / f"rows-{i}.parquet", row_group_size=700)
    return tmp_path


@pytest.fixture
def planned(engined, files):
    wanted = Wanted.of(engined.runner.manifest.model, keep=("id", "time", "site", "load"))
    return plan([str(files)], wanted)


def test_shards_score_as_by_the_runner(planned, scorer, files, check_engined):
    shards = ShardScorer.of(scorer, planned)
    batches = [batch for task in tasks_of(planned, 1000) for batch in shards(task)]
    found = pa.Table.from_batches(batches, shards.schema)
    check_engined(found)
    assert found["row"].to_pylist() == [*range(2500), *range(1500)]
    assert set(found["file"].to_pylist()) == {str(files / f"rows-{i}.parquet") for i in (0, 1)}


@settings(deadline=None, max_examples=25)
@given(rows=st.integers(1, 5000))
def test_pieces_are_all_shards_in_order(engined, tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "tasks.parquet"
    if not path.exists():
        pq.write_table(engined.table, path, row_group_size=700)
    planned = plan([str(path)], Wanted.of(engined.runner.manifest.model))
    tasks = tasks_of(planned, rows)
    assert [shard for task in tasks for shard in task.shards] == planned.shards
    for task in tasks:
        assert len(task.shards) == 1 or sum(s.rows for s in task.shards) <= rows
        assert set(task.files) == {s.file for s in task.shards}


def test_bad_rows_of_shards_keep_their_place(engined, files):
    x = engined.x[:302].copy()
    x[[0, 301], 2] = np.nan
    np.save(files / "rows.npy", x)
    planned = plan([str(files / "rows.npy")], Wanted.of(engined.runner.manifest.model))
    scorer = BatchScorer.of(engined.bundle, row_options=RowOptions(on_bad_row="reject"))
    out = files / "out"
    out.mkdir()
    for i, task in enumerate(tasks_of(planned)):
        write_task(ShardScorer.of(scorer, planned), task, out / f"{i}.parquet")
    found = pq.read_table(out)
    assert np.flatnonzero(found["score"].is_null()).tolist() == [0, 301]
    np.testing.assert_array_equal(found["score"].to_numpy()[1:301], engined.scores.score[1:301])
    counts = count(out, 302)
    assert (counts.done, counts.rejected) == (300, 2)
    assert counts.anomalies == engined.scores.is_anomaly[1:301].sum()
    with refuses("expected results of 303 rows. Received: of 302"):
        count(out, 303)


def test_files_that_change_or_lie_elsewhere_are_refused(planned, scorer, files, monkeypatch):
    shards, (task, *_) = ShardScorer.of(scorer, planned), tasks_of(planned)
    monkeypatch.chdir(files)
    with refuses("expected a path from the root"):
        ShardScorer.of(scorer, plan(["rows-0.parquet"], planned.wanted))
    pq.write_table(pq.read_table(files / "rows-0.parquet"), files / "rows-0.parquet")
    with refuses("has changed while it was read"):
        list(shards(task))


def test_a_file_that_changes_while_it_is_read_is_refused(planned, scorer, files):
    batches = ShardScorer.of(scorer, planned)(tasks_of(planned)[0])
    next(batches)
    os.utime(files / "rows-0.parquet", (1, 1))
    with refuses("has changed while it was read"):
        list(batches)


def test_kept_columns_of_other_types_are_cast_or_refused(engined, scorer, tmp_path):
    for i, values in enumerate(([1, 2], [3, 4], ["a", "b"])):
        rows = engined.table.slice(0, 2).append_column("more", pa.array(values))
        pq.write_table(rows, tmp_path / f"{i}.parquet")
    wanted = Wanted.of(engined.runner.manifest.model, keep=("more",))
    planned = plan([str(tmp_path / f"{i}.parquet") for i in (0, 1)], wanted)
    assert len(list(ShardScorer.of(scorer, planned)(*tasks_of(planned)))) == 2
    planned = plan([str(tmp_path)], wanted)
    with refuses("expected int64 in column 'more', as in the first rows. Received: string"):
        list(ShardScorer.of(scorer, planned)(*tasks_of(planned)))


def test_errors_of_bundles_are_bundle_errors(tmp_path):
    with refuses("expected a bundle", BundleError):
        BatchScorer.of(tmp_path / "none")
