"""Foreign files on engines: Spark and Ray reject the rows that all else rejects, and say why.

One table in many dialects and formats, with rows spoilt in each way that its format allows; each
engine is started once, and scores all files in one job.
"""

import csv
import gzip
import json
import os
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vae_keras import DataConfig, data
from vae_runtime.bundle import open_bundle
from vae_runtime.cli import main
from vae_runtime.rows.inputs import read_input

ROWS = 60
QUICK = (  # Java that starts fast, and no server of pages
    "--conf spark.ui.enabled=false "
    "--driver-java-options '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' pyspark-shell"
)
BAD = {7: "NA", 8: "", 20: "far", 31: "-200", 44: "inf", 59: "Bad"}  # cells of `current`, by row

# Engines leave sockets, files and processes to the garbage collector; what Ray will change.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
]


def text(cells, sep=",", decimal=".", top="", end=""):
    """Lines of a table, of which one is too short in each file, and one too long."""
    lines = [sep.join(cell.replace(".", decimal) for cell in row) for row in cells]
    lines[1 + 12] = lines[1 + 12].rpartition(sep)[0]
    lines[1 + 50] += f"{sep}1"
    return top + "".join(f"{line}{end}\n" for line in lines)


@pytest.fixture(scope="module")
def files(table_bundle, fresh_sensor_rows, tmp_path_factory):
    """Paths of the files, whose rows are of one table."""
    folder = tmp_path_factory.mktemp("foreign")
    names = open_bundle(table_bundle).manifest.model.feature_names
    x = fresh_sensor_rows[:ROWS].round(4)
    cells = [[f"{value}" for value in row] for row in x.tolist()]
    spoilt = [list(row) for row in cells]
    for row, cell in BAD.items():
        spoilt[row][4] = cell
    rows = [list(names), *spoilt]
    contents = {
        "plain.csv": text(rows).encode(),
        "commas.csv": text(rows, ";", ",").encode("latin-1"),
        "tabs.TXT": text(rows, "\t", end="\r").encode("utf-16"),
        "bars.dat": text(rows, "|", top="# logger 12\n# serial 9\n").encode("utf-8-sig"),
        "packed.tsv.gz": gzip.compress(text(rows, "\t").encode(), mtime=0),
        "lines.jsonl": jsonl(names, cells).encode(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    columns = {name: x[:, i].copy() for i, name in enumerate(names)}
    for row in BAD:
        columns["current"][row] = np.inf if row == 44 else np.nan
    pq.write_table(pa.table(columns), folder / "typed.parquet")
    return sorted(folder.iterdir())


def jsonl(names, cells):
    """Objects, of which some lack a value or have one of another type."""
    objects = [dict(zip(names, map(float, row), strict=True)) for row in cells]
    odd = {7: None, 8: "", 20: "far", 31: [1.0], 44: "inf", 59: "Bad"}
    for row, value in odd.items():
        objects[row]["current"] = value
    del objects[12]["current"]
    return "".join(f"{json.dumps(each)}\n" for each in objects)


@pytest.fixture(scope="module")
def local(table_bundle, files, tmp_path_factory):
    """Results of `vae-runtime score` without an engine: reasons and scores by file and row."""
    out = tmp_path_factory.mktemp("local") / "scores.parquet"
    command = ["score", str(table_bundle), *map(str, files), "-o", str(out)]
    assert main([*command, "--on-bad-row", "reject"]) == 0
    with out.with_name("scores.parquet.rejects.csv").open(newline="") as listed:
        reasons = {(row["file"], int(row["row"])): row["reason"] for row in csv.DictReader(listed)}
    table = pq.read_table(out).to_pylist()
    return reasons, {(str(row["file"]), row["row"]): row["score"] for row in table}


@pytest.fixture(params=["spark", "ray"])
def engine(request):
    if request.param == "spark":
        pytest.importorskip("pyspark", reason="needs vae-runtime[spark]")
        if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
            pytest.skip("Spark needs a Java runtime, which this machine has not")
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        os.environ.setdefault("PYSPARK_SUBMIT_ARGS", QUICK)
        yield "spark", ["--address", "local[2]"]
        return
    ray = pytest.importorskip("ray", reason="needs vae-runtime[ray]")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield "ray", []
    ray.shutdown()


def test_engines_reject_the_same_rows_for_the_same_reasons(
    engine, table_bundle, files, local, tmp_path
):
    name, address = engine
    command = ["score", str(table_bundle), *map(str, files), "--engine", name, *address]
    assert main([*command, "-o", str(tmp_path / "out"), "--on-bad-row", "reject"]) == 0
    rows = pq.read_table(tmp_path / "out").to_pylist()
    assert len(rows) == ROWS * len(files)
    rejected = {(r["file"], r["row"]): r["rejected"] for r in rows if r["rejected"] is not None}
    assert rejected == local[0]
    scores = {(r["file"], r["row"]): r["score"] for r in rows if r["rejected"] is None}
    assert scores == local[1]


def test_each_file_has_its_bad_rows_and_no_others(local, files):
    for path in files:
        found = {row for file, row in local[0] if file == str(path)}
        is_text = path.suffix not in (".jsonl", ".parquet")
        more = {12, 50} if is_text else {12} if path.suffix == ".jsonl" else set()
        assert found == {*BAD, *more} - ({31} if is_text else set()), path.name


def test_training_and_calibration_reject_them_too(table_bundle, files, local):
    model = open_bundle(table_bundle).manifest.model
    for path in files:
        reasons = {row: why for (file, row), why in local[0].items() if file == str(path)}
        calibrated = read_input(path, model, reject=True)
        assert {reject.row: reject.reason for reject in calibrated.rejects} == reasons
        config = DataConfig(str(path), columns=model.feature_names, on_bad_row="reject")
        trained = data.load(config)
        assert len(trained.x) == len(calibrated.x) == ROWS - len(reasons)
        note = next(note for note in trained.notes if "rows rejected" in note)
        assert all(reasons[row] in note for row in sorted(reasons)[:3])
