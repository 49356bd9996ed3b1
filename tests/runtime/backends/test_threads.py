"""How many cores, by files such as the kernel shows; and a system that starts no more threads."""

import os
import subprocess
import sys

import numpy as np
import pytest

from vae_runtime import OnnxRuntime, Profile, Runner
from vae_runtime.backends.threads import cores, startable

MANY = "1000000 1000"  # a quota of 1,000 cores
ROWS = 200_000

# Stacks of so many threads have no room in what the process may have beside what it has already.
SCORE_WITH_LITTLE_ROOM = """
import resource, sys, threading
import numpy, onnxruntime
from vae_runtime.cli import main
threading.stack_size(64 * 2**20)
with open("/proc/self/statm") as file:
    pages = int(file.read().split()[0])
limit = pages * resource.getpagesize() + 600 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of eight cores, of whose cgroups these files tell."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))

    def make(membership, **files):
        (tmp_path / "membership").write_text(membership)
        for name, text in files.items():
            path = tmp_path / "root" / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return cores(tmp_path / "root", tmp_path / "membership")

    return make


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("50000 100000", 1),
        ("250000 100000", 3),
        (MANY, 8),
        ("", 8),
        ("rubbish", 8),
        ("0 100000", 8),
    ],
)
def test_the_quota_of_a_container_counts(machine, quota, expected):
    assert machine("0::/\n", cpu_DOT_max=quota) == expected


def test_the_quota_of_a_cgroup_above_counts_too(machine):
    files = {"a__b__cpu_DOT_max": "max 100000", "a__cpu_DOT_max": "300000 100000"}
    assert machine("0::/a/b\n", **files) == 3


def test_the_quota_of_a_neighbour_does_not_count(machine):
    assert machine("0::/a\n", a__cpu_DOT_max=MANY, b__cpu_DOT_max="100000 100000") == 8


def test_the_first_version_of_cgroups_is_known(machine):
    files = {"cpu__a__cpu_DOT_cfs_quota_us": "200000", "cpu__a__cpu_DOT_cfs_period_us": "100000"}
    assert machine("5:cpu,cpuacct:/a\n", **files) == 2


def test_no_limit_of_the_first_version_is_none(machine):
    files = {"cpu__a__cpu_DOT_cfs_quota_us": "-1", "cpu__a__cpu_DOT_cfs_period_us": "100000"}
    assert machine("5:cpu,cpuacct:/a\n", **files) == 8


def test_without_cgroups_the_cores_that_the_process_is_bound_to_count(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5, 6})
    assert cores(tmp_path / "none", tmp_path / "none") == 3


def test_this_machine_has_one_core_at_least():
    assert 1 <= cores() <= (os.cpu_count() or 1)


def test_other_errors_are_what_they_are():
    with pytest.raises(RuntimeError, match="another"), startable(2):
        raise RuntimeError("another")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space are Linux's")
def test_a_batch_without_room_for_its_threads_leaves_output_and_journal(
    golden, golden_rows, tmp_path
):
    np.save(tmp_path / "x.npy", np.resize(golden_rows(500, 0), (ROWS, 6)))
    out, journal = tmp_path / "scores.csv", tmp_path / "scores.csv.journal"
    out.write_text("what was there\n")
    arguments = ["score", golden, tmp_path / "x.npy", "-o", out]
    command = [sys.executable, "-c", SCORE_WITH_LITTLE_ROOM, *arguments]
    done = subprocess.run([*command, "--threads", "64"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("vae-runtime: expected a system that starts 64 threads. Received")
    assert len(done.stderr.splitlines()) == 1
    assert out.read_text() == "what was there\n"
    assert not journal.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scores.csv", "x.npy"]
    done = subprocess.run([*command, "--threads", "1"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(out.read_text().splitlines()) == 1 + ROWS


def test_so_is_a_long_call_without_room_for_its_workers(golden, golden_rows, monkeypatch):
    runner = Runner.load(golden, backend=OnnxRuntime(Profile(workers=4, chunk=16)))
    x = golden_rows(100, 1)
    expected = runner.score(x).score

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr("threading.Thread.start", refuse)
        with pytest.raises(MemoryError, match="a system that starts 4 threads"):
            runner.score(x)
    np.testing.assert_array_equal(runner.score(x).score, expected)
