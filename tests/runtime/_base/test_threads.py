"""A system that starts no more threads is told of in a line, and nothing is lost by it."""

import subprocess
import sys

import numpy as np
import pytest

from vae_runtime import OnnxRuntime, Profile, Runner
from vae_runtime._base.threads import startable

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
