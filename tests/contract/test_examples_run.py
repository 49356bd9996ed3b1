"""The stories of `examples/` run as written, on the data that they make, and end as they say."""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
STORIES = ("machine", "test_bench", "photographs")
LITTLE = {  # so that a story takes seconds; folds would train six models
    "machine": "--epochs 12 --folds 1",
    "test_bench": "--epochs 12 --folds 1",
    "photographs": "--epochs 12 --folds 1 --alpha 0.05",
}


def commands(story):
    """Lines of the page's console blocks."""
    text = (EXAMPLES / story / "README.md").read_text()
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.M | re.S)
    return [line for block in blocks for line in block.splitlines()]


def told(story, tmp_path):
    """Runs all commands in a copy of the story's folder, which it returns."""
    home = shutil.copytree(EXAMPLES / story, tmp_path / story)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for line in commands(story):
        little = {"vae-keras train": LITTLE[story], "vae-export": "--formats onnx"}
        more = " ".join(options for start, options in little.items() if line.startswith(start))
        done = subprocess.run(
            f"{line} {more}".split(),
            cwd=home,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return home


def verdicts(home):
    """Columns of the story's alarms: the file of each row, where there are several, and 0 or 1."""
    with (home / "alarms.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [Path(row.get("file", "")).stem for row in rows]
    return np.array(names), np.array([int(row["is_anomaly"]) for row in rows])


def test_a_machine_alarms_when_its_filter_clogs(tmp_path):
    home = told("machine", tmp_path)
    _, alarms = verdicts(home)
    assert alarms[-120:].mean() > 0.8
    assert alarms[:-120].mean() < 0.04
    with (home / "why.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == 1200


def test_a_bench_alarms_at_the_pump_that_leaks(tmp_path):
    files, alarms = verdicts(told("test_bench", tmp_path))
    rates = {name: alarms[files == name].mean() for name in np.unique(files)}
    assert list(rates) == ["pump_24", "pump_25", "pump_26"]
    assert rates["pump_26"] > 0.6
    assert max(rates["pump_24"], rates["pump_25"]) < 0.3


def test_a_line_alarms_at_the_parts_that_are_scratched(tmp_path):
    home = told("photographs", tmp_path)
    _, alarms = verdicts(home)
    assert alarms[8:].all()
    assert alarms[:8].sum() <= 2
    assert any((home / "heat").iterdir())


@pytest.mark.parametrize("story", STORIES)
def test_a_story_makes_the_same_data_each_time(story, tmp_path):
    made = []
    for name in ("once", "again"):
        (tmp_path / name).mkdir()
        program = EXAMPLES / story / "make.py"
        subprocess.run([sys.executable, str(program)], cwd=tmp_path / name, check=True)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        made.append({str(f.relative_to(tmp_path / name)): f.read_bytes() for f in files})
    assert made[0]
    assert made[0] == made[1]


def test_each_story_is_on_the_list():
    text = (EXAMPLES / "README.md").read_text()
    folders = sorted(path.parent.name for path in EXAMPLES.glob("*/README.md"))
    assert folders == sorted(STORIES)
    assert all(f"({story}/README.md)" in text for story in STORIES)
