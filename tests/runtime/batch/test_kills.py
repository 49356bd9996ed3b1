"""SIGKILL at any moment, again and again: what is resumed ends as if nothing had happened."""

import os
import select
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vae_runtime import Runner
from vae_runtime.batch.journal import read_done

KILLS = 50
FILES, ROWS = 25, 2_048

# What has imported all that it takes forks a process for each line: half a second less a kill.
STARTER = """
import os, sys
import onnxruntime, pyarrow.parquet
import vae_runtime.cli.arguments, vae_runtime.cli.scoring
from vae_runtime._base.libraries import settle_pandas
from vae_runtime.backends import onnx_runtime
from vae_runtime.cli import main
settle_pandas()
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os._exit(main(line.rstrip("\\n").split("\\t")))
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


class Starter:
    """Runs the command line, each time in a process of its own."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", STARTER],  # newer Pythons warn of forks
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert self._process.stdout.readline() == b"ready\n"

    def __call__(self, arguments, timeout=None):
        """The exit status of a process with these arguments, which is killed after so long."""
        self._process.stdin.write("\t".join(map(str, arguments)).encode() + b"\n")
        pid = int(self._process.stdout.readline())
        if timeout is not None and not select.select([self._process.stdout], [], [], timeout)[0]:
            os.kill(pid, signal.SIGKILL)
        return int(self._process.stdout.readline())

    def close(self):
        self._process.communicate()


@pytest.fixture(scope="module")
def starter():
    starter = Starter()
    yield starter
    starter.close()


@pytest.fixture(scope="module")
def many(golden, golden_rows, tmp_path_factory):
    """Many small files, each a shard, with a row in fifty that is none."""
    x = golden_rows(FILES * ROWS, 0)
    x[:: len(x) // 1000, 1] = np.nan
    names = Runner.load(golden).manifest.model.feature_names
    rows = pa.table({**dict(zip(names, x.T, strict=True)), "id": np.arange(len(x))})
    folder = tmp_path_factory.mktemp("many")
    for i in range(FILES):
        pq.write_table(rows.slice(i * ROWS, ROWS), folder / f"{i:02}.parquet")
    return folder


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_run_killed_at_any_moment_is_resumed_to_the_same_output(
    starter, golden, many, tmp_path, ending
):
    expected, output = tmp_path / f"expected{ending}", tmp_path / f"out{ending}"
    command, journal = scoring(golden, many, output), tmp_path / f"out{ending}.journal"
    begun = time.monotonic()
    assert starter(scoring(golden, many, expected)) == 0
    whole = time.monotonic() - begun
    rng, kills, found = np.random.default_rng(1), 0, []
    while kills < KILLS // 2:
        # beyond the whole time too: it was measured once, and a busy machine takes longer
        status = starter(command, timeout=rng.uniform(0.1, 1.5) * whole)
        if status == signal.SIGKILL:
            kills += 1
            found.append(len(read_done(journal)) if journal.exists() else 0)
            assert not output.exists() or output.read_bytes() == expected.read_bytes()
            continue
        assert status == 0
        check(output, expected)
    assert starter(command) == 0
    check(output, expected)
    assert sum(0 < done < FILES for done in found) > kills // 4  # most come amid the scoring
    assert len(set(found)) > 4


def scoring(bundle, rows, output):
    """The arguments of the command."""
    options = ("--resume", "--on-bad-row", "reject", "--keep", "id")
    return ("score", bundle, rows, "-o", output, *options)


def check(output, expected):
    """Both files are those of the run that was never killed; takes them away."""
    assert output.read_bytes() == expected.read_bytes()
    own, other = (path.with_name(f"{path.name}.rejects.csv") for path in (output, expected))
    assert own.read_bytes() == other.read_bytes()
    assert not output.with_name(f"{output.name}.journal").exists()
    output.unlink()
    own.unlink()
