"""A real Ray on this machine, with two workers."""

import os
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

real_ray = pytest.importorskip("ray", reason="needs vae-runtime[ray]")

from vae_runtime import BundleError  # noqa: E402
from vae_runtime.batch.computations import Scoring  # noqa: E402
from vae_runtime.cli import main  # noqa: E402
from vae_runtime.engines import ray  # noqa: E402 - skipped above
from vae_runtime.rows.blocks import Wanted  # noqa: E402
from vae_runtime.rows.input_files import plan  # noqa: E402

KEPT = ("id", "time", "site", "load")

# Ray's own: files and processes that it leaves to the garbage collector, and what it will change.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
]


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
def cluster():
    """Two workers."""
    real_ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    real_ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=2**27,
        logging_level="critical",
    )
    real_ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    real_ray.shutdown()


@pytest.fixture(scope="module")
def path(engined, tmp_path_factory):
    """The rows as a folder of four files of Parquet."""
    folder = tmp_path_factory.mktemp("rows")
    for i in range(4):
        pq.write_table(engined.table.slice(1000 * i, 1000), folder / f"{i}.parquet")
    return folder


@pytest.fixture
def dataset(cluster, engined):
    parts = [engined.table.slice(start, 1000) for start in range(0, 4000, 1000)]
    return real_ray.data.from_arrow(parts)


def planned(engined, path):
    return plan([str(path)], Wanted.of(engined.runner.manifest.model, keep=KEPT))


def table_of(dataset):
    return pa.concat_tables(real_ray.get(dataset.to_arrow_refs()))


def test_a_data_set_scores_as_by_the_runner_though_a_worker_is_killed(
    dataset, engined, check_engined, tmp_path
):
    marker = tmp_path / "killed"
    row_options = ray.RowOptions(Dying(marker=str(marker)))
    found = table_of(ray.score(dataset, engined.bundle, row_options=row_options, workers=2))
    assert marker.exists()
    assert found.column_names == [*KEPT, "score", "p_value", "is_anomaly"]
    check_engined(found)


@pytest.mark.parametrize("workers", [0, -1, 1.5, True, 10**9, (1, 0), (-1, 2)])
def test_a_number_of_workers_that_cannot_be_is_refused(engined, workers):
    with pytest.raises(ValueError, match=r"expected workers .* from 1 to 100000"):
        ray.score(None, engined.bundle, workers=workers)


def test_bad_rows_keep_their_place(cluster, engined):
    column = engined.table.schema.get_field_index("flow")
    flow = [
        None if 120 <= i < 124 else value.as_py() for i, value in enumerate(engined.table["flow"])
    ]
    broken = engined.table.set_column(column, "flow", pa.array(flow)).slice(0, 200)
    row_options = ray.RowOptions(keep=("id",), on_bad_row="reject")
    dataset = real_ray.data.from_arrow(broken)
    found = table_of(
        ray.score(dataset, engined.bundle, row_options=row_options, workers=1)
    ).sort_by("id")
    assert np.flatnonzero(found["rejected"].is_valid()).tolist() == list(range(120, 124))
    good = found["score"].is_valid().to_numpy()
    assert good.tolist() == found["rejected"].is_null().to_pylist()
    np.testing.assert_array_equal(found["score"].to_numpy()[good], engined.scores.score[:200][good])


def test_files_score_as_by_the_runner_in_order_though_a_worker_is_killed(
    cluster, path, engined, check_engined, tmp_path
):
    marker, out = tmp_path / "killed", tmp_path / "out"
    scorer = ray.BatchScorer.of(
        engined.bundle, row_options=ray.RowOptions(Dying(marker=str(marker)))
    )
    ray.score_files(scorer, planned(engined, path), out, rows=1000)
    assert marker.exists()
    assert sorted(file.name for file in out.iterdir()) == [f"part-{i:06}.parquet" for i in range(4)]
    found = pq.read_table(out)
    check_engined(found)
    assert found["row"].to_pylist() == [*range(1000)] * 4
    with pytest.raises(ValueError, match="expected a new folder"):
        ray.score_files(scorer, planned(engined, path), out)


def test_a_worker_refuses_another_bundle_at_the_path(
    cluster, path, engined, table_copy, edit_manifest, tmp_path
):
    scorer = ray.BatchScorer.of(table_copy)
    shipped = ray.BatchScorer.of(table_copy, ray.RunnerOptions(ship=True))
    given, out = planned(engined, path), tmp_path / "out"
    edit_manifest(table_copy, lambda document: document["model"].update(name="another"))
    with pytest.raises(BundleError, match="expected the bundle that the job began with"):
        ray.score_files(scorer, given, out)
    assert [each.name for each in tmp_path.iterdir()] == ["table"]
    shutil.rmtree(table_copy)
    ray.score_files(shipped, given, out)
    np.testing.assert_array_equal(pq.read_table(out)["score"], engined.scores.score)


def test_the_command_line_writes_a_folder_and_counts_it(
    cluster, path, engined, check_engined, tmp_path, capsys
):
    out = tmp_path / "out"
    given = ["score", engined.bundle, path, "-o", out, "--engine", "ray", "--keep", ",".join(KEPT)]
    assert main([str(each) for each in given]) == 0
    alarms = int(engined.scores.is_anomaly.sum())
    assert capsys.readouterr().err == f"{alarms:,} anomalies in 4,000 rows\n"
    check_engined(pq.read_table(out))


def test_the_command_line_tells_what_a_worker_found_in_one_line(cluster, engined, tmp_path, capsys):
    x = engined.x[:100].copy()
    x[50, 1] = np.nan
    np.save(tmp_path / "rows.npy", x)
    given = ["score", engined.bundle, tmp_path / "rows.npy", "-o", tmp_path / "out"]
    given = [*map(str, given), "--engine", "ray"]
    assert main(given) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"vae-runtime: {tmp_path / 'rows.npy'}, row 50 ")
    assert said.count("\n") == 1
    assert main([*given, "--on-bad-row", "reject"]) == 0
    assert "99 rows; 1 of 100 rejected, see the column 'rejected'" in capsys.readouterr().err


def test_kept_columns_of_files_arrive_as_they_were(
    cluster, engined, kept_columns, rows_with, check_kept, tmp_path
):
    path, out = rows_with(kept_columns), tmp_path / "out"
    given = [*map(str, ("score", engined.bundle, path, "-o", out)), "--engine", "ray"]
    assert main([*given, "--keep", ",".join(kept_columns)]) == 0
    check_kept(pq.read_table(out), kept_columns, {"categories": pa.string()})


def test_kept_columns_of_a_data_set_arrive_as_they_were(
    cluster, engined, kept_columns, rows_with, check_kept
):
    dataset = real_ray.data.from_arrow(pq.read_table(rows_with(kept_columns)))
    found = table_of(ray.score(dataset, engined.bundle, workers=1))
    check_kept(found, kept_columns, {})
