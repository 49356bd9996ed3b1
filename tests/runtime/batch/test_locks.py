"""What a run writes is its own: real processes race for it, and one of them at a time has it."""

import os
import re
import subprocess
import sys

import pytest

from vae_runtime.batch.journal import JournalRefused
from vae_runtime.batch.locks import locked

pytest.importorskip("fcntl", reason="files cannot be locked on this system")

PROCESSES, TIMES = 4, 300


def refuses(path):
    said = f"{path}: expected no other run that writes the same output. Received: one that is under"
    return pytest.raises(JournalRefused, match=re.escape(said))


def test_a_path_is_locked_as_long_as_the_run_lasts_and_nothing_is_left(tmp_path):
    path = tmp_path / "new" / "out.csv"
    for _ in range(2):
        with locked([path, tmp_path / "other.csv"]):
            with refuses(path), locked([tmp_path / "third.csv", path]):
                pass
            with locked([tmp_path / "third.csv"]):
                pass
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


def test_a_run_that_is_refused_one_path_keeps_no_other(tmp_path):
    with locked([tmp_path / "b"]):
        with refuses(tmp_path / "b"), locked([tmp_path / "a", tmp_path / "b", tmp_path / "c"]):
            pass
        with locked([tmp_path / "a", tmp_path / "c"]):
            pass


def test_the_same_path_spelt_otherwise_is_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.csv").symlink_to("out.csv")  # which is not there yet
    (tmp_path / "folder").symlink_to(tmp_path)
    with locked(["out.csv", "out.csv"]):
        for other in ("./out.csv", "link.csv", "folder/out.csv", "x/../out.csv"):
            with refuses(tmp_path / "out.csv"), locked([other]):
                pass


def test_the_lock_that_a_killed_run_left_keeps_nobody_out(tmp_path):
    code = "import os, sys; from pathlib import Path; from vae_runtime.batch.locks import locked\n"
    code += "with locked([Path(sys.argv[1])]): os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, tmp_path / "out.csv"], check=False)
    assert [path.name for path in tmp_path.iterdir()] == [".out.csv.lock"]
    with locked([tmp_path / "out.csv"]):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("thesis.txt")])
def test_what_is_no_lock_is_not_opened(tmp_path, make):
    (tmp_path / "thesis.txt").write_text("years of work")
    make(tmp_path / ".out.csv.lock")
    with pytest.raises(OSError, match=r"out\.csv"), locked([tmp_path / "out.csv"]):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_place_that_cannot_be_is_told_by_the_name_that_was_given(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"), locked([tmp_path / "file" / "out.csv"]):
        pass


# Each holder is alone where it finds its own mark, and no other's, for as long as it has the lock.
RACER = """
import sys
from pathlib import Path
from vae_runtime.batch.journal import JournalRefused
from vae_runtime.batch.locks import locked
path, times, me = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
mark = path.with_name("mark")
print("ready", flush=True)
sys.stdin.readline()
had = 0
while had < times:
    try:
        with locked([path]):
            with mark.open("x") as file:
                file.write(me)
            assert mark.read_text() == me
            mark.unlink()
            had += 1
    except JournalRefused:
        pass
"""


def test_processes_that_race_have_it_one_at_a_time(tmp_path):
    """The lock is removed by the one while the other is between opening and locking it."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, tmp_path / "out.csv", str(TIMES), str(i)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(PROCESSES)
    ]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        assert racer.communicate(timeout=60)[1] == ""
        assert racer.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_somebody_by_the_name_of_a_lock_stays(tmp_path):
    theirs = tmp_path / ".out.csv.lock"
    theirs.write_text("theirs")
    with (
        pytest.raises(JournalRefused, match="Received: one with content"),
        locked([tmp_path / "out.csv"]),
    ):
        pass
    assert theirs.read_text() == "theirs"
