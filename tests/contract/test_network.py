"""The device is left alone: scoring opens no connection, and writes nothing in the home folder.

What onnxruntime would send and write comes from a thread of its own, so that only the system calls
of a process that lives for a while tell.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[1] / "golden" / "sensors-1.vaeb"

LIVES = 6.0  # seconds after the scores; onnxruntime's folder is there after less than one

CODE = f"""
import io, sys, time, zipfile
import numpy as np
from vae_runtime import Runner

probe = zipfile.ZipFile(sys.argv[1]).read("probe.npz")
scores = Runner.load(sys.argv[1]).score(np.load(io.BytesIO(probe))["x"])
assert len(scores.score) == 16
time.sleep({LIVES})
"""

CALLS = (
    "network,open,openat,creat,mkdir,mkdirat,link,linkat,symlink,symlinkat,"
    "rename,renameat,renameat2,unlink,unlinkat"
)
CONNECTS = re.compile(r"\bAF_INET6?\b")
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|\b(?!open)[a-z]+[a-z0-9]*\(")


@pytest.fixture
def strace():
    found = shutil.which("strace")
    if found is None and "CI" not in os.environ:
        pytest.skip("strace is not installed: apt-get install strace")
    assert found, "expected strace, which .ci/run installs"
    return found


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def traced(strace, home, code, *arguments):
    """The system calls that a process of Python makes, whose home is a new folder."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ORT_", "XDG_", "COV_")) and name != "PYTHONPATH"
    }
    environment["HOME"] = str(home)
    environment |= {f"XDG_{kind}_HOME": str(home / kind) for kind in ("CACHE", "CONFIG", "DATA")}
    trace = home.parent / "trace"
    command = [strace, "-f", "-q", "-o", str(trace), "-e", f"trace={CALLS}"]
    command += [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return trace.read_text().splitlines()


def connections(calls):
    return [call for call in calls if CONNECTS.search(call)]


def writes(calls, folder):
    return [call for call in calls if str(folder) in call and WRITES.search(call)]


def names(calls):
    """Of calls such as "4711 mkdir(...) = 0"."""
    return [call.split()[1].partition("(")[0] for call in calls]


def test_scoring_connects_nowhere_and_leaves_the_home_folder_alone(strace, home):
    calls = traced(strace, home, CODE, str(GOLDEN))
    assert any(str(GOLDEN) in call for call in calls)
    assert connections(calls) == []
    assert writes(calls, home) == []
    assert list(home.rglob("*")) == []


def test_what_it_looks_for_is_seen(strace, home):
    code = """
import os, socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
    datagrams.connect(("127.0.0.1", 9))  # which sends nothing
os.mkdir(sys.argv[1])
open(sys.argv[1] + "/file", "w").close()
"""
    calls = traced(strace, home, code, str(home / "made"))
    assert names(connections(calls)) == ["socket", "connect"]
    assert names(writes(calls, home))[-2:] == ["mkdir", "openat"]
