"""A real Spark on this machine: two workers, two attempts for a task that fails."""

import os
import re
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pyspark = pytest.importorskip("pyspark", reason="needs vae-runtime[spark]")
if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
    pytest.skip("Spark needs a Java runtime, which this machine has not", allow_module_level=True)

from vae_runtime import BundleError, Runner  # noqa: E402
from vae_runtime.batch.computations import Scoring  # noqa: E402
from vae_runtime.cli import main  # noqa: E402
from vae_runtime.engines import spark  # noqa: E402 - skipped above
from vae_runtime.rows.blocks import Wanted  # noqa: E402
from vae_runtime.rows.input_files import plan  # noqa: E402

KEPT = ("id", "time", "site", "load")
# Java that starts fast and takes no core to optimise itself, and no server of pages
QUICK = (
    "--conf spark.ui.enabled=false "
    "--driver-java-options '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' pyspark-shell"
)

# py4j leaves its sockets to the garbage collector when a session ends
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@dataclass(frozen=True)
class Dying(Scoring):
    """Scores, in a process that is killed the first time that it has many rows to score."""

    marker: str = ""

    def __call__(self, runner, x, machines):
        if len(x) > 1 and not Path(self.marker).exists():
            Path(self.marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(runner, x, machines)


@pytest.fixture(scope="module")
def session():
    from pyspark import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import tests
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("PYSPARK_SUBMIT_ARGS", QUICK)
    with spark.connected("local[2,2]") as session:
        session.sparkContext.setLogLevel("OFF")  # of workers that are killed
        session.conf.set("spark.sql.session.timeZone", "UTC")
        yield session


@pytest.fixture(scope="module")
def path(engined, tmp_path_factory):
    """The rows as a folder of four files of Parquet."""
    folder = tmp_path_factory.mktemp("rows")
    for i in range(4):
        pq.write_table(engined.table.slice(1000 * i, 1000), folder / f"{i}.parquet")
    return folder


@pytest.fixture(scope="module")
def frame(session, path):
    return session.read.parquet(str(path))


def planned(engined, path):
    return plan([str(path)], Wanted.of(engined.runner.manifest.model, keep=KEPT))


def test_a_frame_scores_as_by_the_runner(frame, engined, check_engined):
    scored = spark.score(frame, engined.bundle)
    assert scored.columns == [*KEPT, "score", "p_value", "is_anomaly"]
    check_engined(scored.toArrow())


def test_a_worker_that_is_killed_changes_nothing(frame, engined, check_engined, tmp_path):
    marker = tmp_path / "killed"
    row_options = spark.RowOptions(Dying(marker=str(marker)))
    check_engined(spark.score(frame, engined.bundle, row_options=row_options).toArrow())
    assert marker.exists()


def test_bad_rows_keep_their_place_or_stop_the_job(session, frame, engined):
    from pyspark.errors import PythonException
    from pyspark.sql import functions as f

    broken = frame.withColumn("flow", f.expr("if(id between 1232 and 1235, null, flow)"))
    row_options = spark.RowOptions(keep=("id",), on_bad_row="reject")
    found = spark.score(broken, engined.bundle, row_options=row_options).toArrow().sort_by("id")
    assert np.flatnonzero(found["rejected"].is_valid()).tolist() == list(range(1232, 1236))
    good = found["score"].is_valid().to_numpy()
    assert good.tolist() == found["rejected"].is_null().to_pylist()
    scores = found["score"].to_numpy()[good]
    np.testing.assert_array_equal(scores, engined.scores.score[good])
    scored = spark.score(
        broken.coalesce(1), engined.bundle, row_options=spark.RowOptions(keep=("id",))
    )
    with pytest.raises(PythonException, match=r"\(id=1232\): .*flow"):
        scored.toArrow()


def test_columns_that_are_missing_are_told_before_the_job(frame, engined):
    with pytest.raises(ValueError, match="expected the column 'flow'"):
        spark.score(frame.drop("flow"), engined.bundle)


def test_a_worker_refuses_another_bundle_at_the_path(frame, table_copy, edit_manifest):
    from pyspark.errors import PythonException

    scored = spark.score(frame.coalesce(1), table_copy)
    edit_manifest(table_copy, lambda document: document["model"].update(name="another"))
    with pytest.raises(PythonException, match="expected the bundle that the job began with"):
        scored.toArrow()


def test_a_job_on_files_raises_what_a_worker_did_and_its_output_is_not_whole(
    session, path, engined, table_copy, edit_manifest, tmp_path
):
    scorer, out = spark.BatchScorer.of(table_copy), tmp_path / "out"
    edit_manifest(table_copy, lambda document: document["model"].update(name="another"))
    with pytest.raises(BundleError, match="expected the bundle that the job began with"):
        spark.score_files(session, scorer, planned(engined, path), out.as_uri())
    assert not list(out.glob("*"))
    scorer = spark.BatchScorer.of(engined.bundle)
    out.mkdir(exist_ok=True)
    with pytest.raises(OSError, match="already exists"):
        spark.score_files(session, scorer, planned(engined, path), out.as_uri())


def test_a_bundle_can_be_shipped_and_lists_come_back(frame, table_copy, engined):
    row_options = spark.RowOptions(Scoring(top=1, latents=True), ("id",))
    scored = spark.score(
        frame, table_copy, runner_options=spark.RunnerOptions(ship=True), row_options=row_options
    )
    shutil.rmtree(table_copy)
    found = scored.toArrow().sort_by("id")
    np.testing.assert_array_equal(found["z"].to_pylist(), engined.runner.encode(engined.x))
    names = engined.runner.top_features(engined.x, 1).names[:, 0]
    np.testing.assert_array_equal(found["top_1"].to_pylist(), names)


def test_files_score_as_by_the_runner_though_a_worker_is_killed(
    session, path, engined, check_engined, tmp_path
):
    marker, out = tmp_path / "killed", tmp_path / "out"
    scorer = spark.BatchScorer.of(
        engined.bundle, row_options=spark.RowOptions(Dying(marker=str(marker)))
    )
    spark.score_files(session, scorer, planned(engined, path), out.as_uri(), rows=1000)
    assert marker.exists()
    assert len(list(out.glob("*.parquet"))) == 4
    found = pq.read_table(out)
    check_engined(found)
    assert found.sort_by("id")["row"].to_pylist() == [*range(1000)] * 4


def test_types_that_spark_has_not_become_some_that_it_has(session, engined, tmp_path):
    rows = engined.table.slice(0, 10)
    times = pa.array(np.arange(10) * 1000, pa.timestamp("ns"))
    rows = rows.append_column("tag", pa.array(range(10), pa.uint8())).append_column("at", times)
    pq.write_table(rows, tmp_path / "rows.parquet")
    wanted = Wanted.of(engined.runner.manifest.model, keep=("tag", "at"))
    scorer = spark.BatchScorer.of(engined.bundle)
    given = plan([str(tmp_path / "rows.parquet")], wanted)
    spark.score_files(session, scorer, given, (tmp_path / "out").as_uri())
    found = pq.read_table(tmp_path / "out")
    assert found["tag"].to_pylist() == list(range(10))
    assert found["at"].combine_chunks() == times.cast(pa.timestamp("us"))


def test_the_command_line_writes_a_folder_and_counts_it(
    session, path, engined, check_engined, tmp_path, capsys
):
    out = tmp_path / "out"
    given = [
        "score",
        engined.bundle,
        path,
        "-o",
        out,
        "--engine",
        "spark",
        "--keep",
        ",".join(KEPT),
    ]
    assert main([str(each) for each in given]) == 0
    alarms = int(engined.scores.is_anomaly.sum())
    assert f"{alarms:,} anomalies in 4,000 rows\n" in capsys.readouterr().err
    check_engined(pq.read_table(out))
    assert main([str(each) for each in given]) == 1
    assert "expected a new folder" in capsys.readouterr().err


def test_the_command_line_tells_what_a_worker_found_in_one_line(session, engined, tmp_path, capsys):
    x = engined.x[:100].copy()
    x[50, 1] = np.nan
    np.save(tmp_path / "rows.npy", x)
    given = ["score", engined.bundle, tmp_path / "rows.npy", "-o", tmp_path / "out"]
    given = [*map(str, given), "--engine", "spark"]
    assert main(given) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if "vae-runtime:" in line]
    assert len(said) == 1
    assert re.search(r"rows\.npy, row 50 .*vibration.*--on-bad-row reject", said[0])
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    assert main([*given, "--on-bad-row", "reject"]) == 0
    assert "99 rows; 1 of 100 rejected, see the column 'rejected'" in capsys.readouterr().err
    assert (
        Runner.load(engined.bundle).score(x[:48]).score.tolist()
        == (pq.read_table(tmp_path / "out").sort_by("row")["score"].to_pylist()[:48])
    )


# Types that Spark has none of, and those that hold their values
OTHER_TYPES = {
    "byte": pa.int64(),
    "categories": pa.string(),
    "half": pa.float32(),
    "list of few": pa.list_(pa.float32()),
}
BY_TYPE = {"long decimal", "time", "zone", "span", "list of times"}  # refused before the work
BY_VALUE = {"large", "nanoseconds"}


def keep_in_files(path, engined, columns, out):
    names = ",".join(columns)
    return main(
        [
            *map(str, ("score", engined.bundle, path, "-o", out)),
            "--engine",
            "spark",
            "--keep",
            names,
        ]
    )


def test_kept_columns_of_files_arrive_as_they_were(
    session, engined, kept_columns, rows_with, check_kept, tmp_path
):
    columns = {k: v for k, v in kept_columns.items() if k not in BY_TYPE | BY_VALUE}
    before = session.conf.get(spark.TIMESTAMPS)
    assert keep_in_files(rows_with(columns), engined, columns, tmp_path / "out") == 0
    assert session.conf.get(spark.TIMESTAMPS) == before
    check_kept(pq.read_table(tmp_path / "out"), columns, OTHER_TYPES)


@pytest.mark.parametrize("name", sorted(BY_TYPE | BY_VALUE))
def test_kept_columns_that_spark_would_change_are_refused_by_name(
    session, engined, kept_columns, rows_with, tmp_path, capsys, name
):
    columns = {name: kept_columns[name]}
    out = tmp_path / "out"
    assert keep_in_files(rows_with(columns), engined, columns, out) == 1
    said = capsys.readouterr().err
    assert f"in column {name!r}" in said
    assert str(kept_columns[name].type).split("<")[0] in said
    if name in BY_TYPE:
        assert "or without --engine" in said
        assert not out.exists()


def test_kept_columns_of_frames_are_the_columns_of_the_frame(
    session, engined, kept_columns, rows_with, tmp_path
):
    others = BY_TYPE | BY_VALUE | {"half"}  # of files that Spark cannot read
    columns = {k: v for k, v in kept_columns.items() if k not in others}
    frame = session.read.parquet(str(rows_with(columns)))
    scored = spark.score(frame, engined.bundle)
    assert scored.columns[: len(columns)] == [*columns]
    kept, found = frame.select(*(f"`{name}`" for name in columns)), scored.toArrow()
    assert found.num_rows == 2
    assert str(found.select([*columns]).to_pylist()) == str(kept.toArrow().to_pylist())
