"""The benchmark of quality goes on where it was, and reads no table that it is not to read."""

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

MODULES = Path(__file__).parents[2] / "benchmarks" / "quality"
NAMES = ("baselines", "figures", "peers", "sets", "spreading", "tables")


@pytest.fixture
def quality(monkeypatch):
    """Imports a module of the benchmark, which finds its neighbours on the path."""
    monkeypatch.syspath_prepend(str(MODULES))
    yield importlib.import_module
    for name in NAMES:
        sys.modules.pop(name, None)


class Peers:
    """Counts the figures that are computed."""

    def __init__(self):
        self.asked = []

    def __call__(self, method):
        self.asked.append(method)
        return {"auroc": 0.5}


def write_table(folder, name, train=60, normal=50, anomalies=20):
    rng = np.random.default_rng(1)
    np.savez(
        folder / f"{name}.npz",
        train=rng.normal(size=(train, 3)),
        test=rng.normal(size=(normal + anomalies, 3)),
        test_labels=np.arange(normal + anomalies) < anomalies,
    )


def test_a_run_goes_on_after_a_line_that_was_cut_short(quality, tmp_path, capsys):
    spreading, out = quality("spreading"), tmp_path / "figures.jsonl"
    whole = {"set": "a", "seed": 0, "rows": [{"method": "ours", "auroc": 0.5, "rows": 7}]}
    out.write_text(f'{json.dumps(whole)}\n{{"set": "b", "seed": 0, "rows": [{{"meth')
    options = {"keys": ("set", "seed"), "processes": 1}
    rows = spreading.spread(judge, [("a", 0), ("b", 0)], out, **options)
    assert [(row["set"], row["auroc"]) for row in rows] == [("a", 0.5), ("b", 1.0)]
    assert capsys.readouterr().out.startswith("1/1 (0 s left) b 0: ours 1.000")
    assert spreading.spread(judge, [("a", 0), ("b", 0)], out, **options) == rows
    assert capsys.readouterr().out == ""


def test_a_failed_job_is_named_after_all_others_are_done_and_tried_again(quality, tmp_path):
    spreading, out = quality("spreading"), tmp_path / "figures.jsonl"
    jobs, options = [("bad", 0), ("b", 0), ("c", 0)], {"keys": ("set", "seed"), "processes": 1}
    for _ in range(2):
        with pytest.raises(SystemExit, match=r"1 of . jobs failed: bad 0: ValueError: no rows"):
            spreading.spread(judge, jobs, out, **options)
    assert sorted(row["set"] for row in spreading.read(out)) == ["b", "c"]


KILLED = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from spreading import spread
def job(name, out):
    if len(list(Path(out).parent.glob("*.pid"))) == 1:  # one is done already
        Path(out).with_suffix(".hangs").write_text(str(os.getpid()))
        time.sleep(600)
    Path(out).with_suffix(".pid").write_text("")
    return [{"method": "ours", "auroc": 1.0}]
if __name__ == "__main__":
    jobs = [(name, sys.argv[2]) for name in "ab"]
    spread(job, jobs, Path(sys.argv[2]), keys=("set", "out"), processes=1)
"""


def test_a_kill_leaves_no_process_and_what_is_done_is_kept(quality, tmp_path):
    (tmp_path / "program.py").write_text(KILLED)
    out, hangs = tmp_path / "figures.jsonl", tmp_path / "figures.hangs"
    command = [sys.executable, tmp_path / "program.py", MODULES, out]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as program:
        wait_until(lambda: hangs.exists() and hangs.read_text())
        program.kill()
    worker = Path("/proc", hangs.read_text())
    wait_until(lambda: not worker.exists() or "(zombie)" in (worker / "status").read_text())
    assert len(quality("spreading").read(out)) == 1


def wait_until(done):
    end = time.monotonic() + 120
    while not done():
        assert time.monotonic() < end
        time.sleep(0.1)


def judge(name, seed):
    """A job, which the other process imports from here."""
    if name == "bad":
        raise ValueError("no rows")
    return [{"method": "ours", "auroc": 1.0}]


def test_files_of_a_row_a_line_are_read_as_before(quality, tmp_path):
    row = {"set": "a", "seed": 0, "method": "ours", "auroc": 0.5, "rows": 7}
    (tmp_path / "old.jsonl").write_text(f"{json.dumps(row)}\n")
    assert quality("spreading").read(tmp_path / "old.jsonl") == [row]


def test_figures_of_other_detectors_are_computed_once_for_the_same_rows(quality, tmp_path):
    peers, compute = quality("peers"), Peers()
    first = peers.figures(tmp_path / "kept", "abc", ["KNN"], compute)
    again = peers.figures(tmp_path / "kept", "abc", ["KNN", "PCA"], compute)
    peers.figures(tmp_path / "kept", "def", ["KNN"], compute)
    assert compute.asked == ["KNN", "PCA", "KNN"]
    assert first == [{"method": "KNN", "auroc": 0.5}]
    assert [row["method"] for row in again] == ["KNN", "PCA"]


def test_only_tables_that_the_list_names_are_read(quality, tmp_path):
    sets = quality("sets")
    for name in ("Beta", "Alpha"):
        write_table(tmp_path, name)
    (tmp_path / "Kept.npz").write_bytes(b"not to be opened")
    (tmp_path / "names.txt").write_text("Beta\nAlpha\n")
    assert sets.oddbench_names(tmp_path) == ["Alpha", "Beta"]
    (tmp_path / "names.txt").unlink()
    with pytest.raises(ValueError, match=r"expected names\.txt, which lists the tables"):
        sets.oddbench_names(tmp_path)


def test_a_listed_table_without_a_file_is_named(quality, tmp_path):
    (tmp_path / "names.txt").write_text("Alpha\n")
    with pytest.raises(ValueError, match="1 of them without a file: Alpha"):
        quality("sets").oddbench_names(tmp_path)


def test_a_ready_table_is_cut_to_so_many_rows_the_same_for_every_seed(quality, tmp_path):
    sets = quality("sets")
    write_table(tmp_path, "Large", train=5_100, normal=3_200, anomalies=2_100)
    splits = [sets.split(tmp_path, "Large", "oddbench", seed) for seed in (0, 1)]
    assert splits[0].train.shape == (5_000, 3)
    assert ((~splits[0].y).sum(), splits[0].y.sum()) == (3_000, 2_000)
    assert splits[0].size == 5_100 + 5_300
    assert sets.digest(splits[0]) == sets.digest(splits[1])
    moved = splits[0]._replace(train=splits[0].train[::-1])
    assert sets.digest(moved) != sets.digest(splits[0])


def test_ecod_adds_up_the_tail_that_counts(quality):
    train = np.array([[0.0], [1.0], [2.0], [9.0]])  # skewed to the right
    found = quality("baselines").ecod(train, np.array([[-1.0], [1.0], [10.0]]))
    # shares with the row itself: left (0 + 1)/5, (2 + 1)/5, (4 + 1)/5; right 5/5, 4/5, 1/5
    np.testing.assert_allclose(found, -np.log([1 / 5, 3 / 5, 1 / 5]))


def test_the_table_has_large_sets_on_a_line_and_the_error_of_the_difference(quality):
    tables = quality("tables")
    figures = {"a": (0.9, 0.8, 500), "b": (0.7, 0.8, 2_000), "c": (0.9, 0.6, 3_000)}
    rows = [
        {"set": name, "method": method, "auroc": value, "size": size}
        for name, (ours, knn, size) in figures.items()
        for method, value in (("KNN", knn), ("ours", ours))
    ]
    shown = tables.ranking(rows, "auroc", ["KNN"], [rows[1]])
    assert "| **mean of 3** | **0.7333** | **0.8333** |" in shown
    assert "| of 2 of 1,000 rows or more | 0.7000 | 0.8000 |" in shown
    assert "Ours against KNN, 3 sets: 2 won, 1 lost, mean difference +0.1000" in shown
    assert "(standard error 0.1155)" in shown
    assert "Ours against earlier, 1 sets: 0 won, 0 lost" in shown
