"""A slice of `make fuzz`: the first seeds of each kind, as many as a minute has time for."""

import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).with_name("run.py")


def test_mutated_bundles_are_refused_or_score_as_before(tmp_path):
    failures = tmp_path / "failures.jsonl"
    options = ["--cases", "3800", "--seconds", "60", "--failures", failures]
    done = subprocess.run([sys.executable, RUN, *options], capture_output=True, text=True)
    said = failures.read_text() if failures.exists() else ""
    assert done.returncode == 0, f"{done.stdout}{done.stderr}{said}"
    assert done.stdout.splitlines()[-2].startswith("all ")
