"""What the READMEs show is run as shown, so that a newcomer never meets a line that fails."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
READMES = ["README.md", "runtime/README.md"]
GUIDES = ["docs/data.md"]
COMMANDS = ("vae-keras ", "vae-export ", "vae-runtime ")


@pytest.fixture(scope="module")
def newcomer(
    tmp_path_factory,
    digits_bundle,
    digits_run,
    sensor_csv,
    states_csv,
    pump_csv,
    few_csv,
    fleet_csv,
):
    """A folder as it is after `make train export`, with data of the newcomer's own."""
    home = tmp_path_factory.mktemp("newcomer")
    shutil.copytree(digits_bundle, home / "artifacts" / "digits")
    shutil.copytree(digits_run.path, home / "runs" / "digits")
    tables = {"sensors": sensor_csv, "machine": states_csv, "fleet": fleet_csv}
    for name, table in tables.items():
        header, *lines = table.read_text().splitlines()  # twice: no folds, which take longer
        (home / f"{name}.csv").write_text("\n".join([header, *lines, *lines]))
    shutil.copy(few_csv, home / "few.csv")
    shutil.copy(pump_csv, home / "pump.csv")
    pq.write_table(pyarrow.csv.read_csv(sensor_csv), home / "sensors.parquet")
    (home / "photos").mkdir()
    rng = np.random.default_rng(0)
    for i in range(60):
        photo = Image.fromarray(rng.integers(0, 255, (40, 40, 3)).astype(np.uint8))
        photo.save(home / "photos" / f"{i}.png")
    return home


def run(home, line):
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        line.split(), cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stderr}"


def blocks(readme, language):
    text = (ROOT / readme).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


@pytest.mark.parametrize("readme", [*READMES, *GUIDES])
def test_python_runs_as_shown(newcomer, readme):
    code = "\n".join(blocks(readme, "python"))
    assert "import" in code
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-W", "error::FutureWarning", "-c", code]
    done = subprocess.run(
        command, cwd=newcomer, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    if readme in READMES:  # the guide imports TensorFlow itself, which then greets
        assert done.stderr == ""


def test_the_guide_of_streams_runs_as_shown(tmp_path, table_bundle, sensor_csv):
    shutil.copytree(table_bundle, tmp_path / "artifacts" / "sensors")
    shutil.copy(sensor_csv, tmp_path / "sensors.csv")
    header, *rows = [line.rpartition(",")[0] for line in sensor_csv.read_text().split()]
    (tmp_path / "recording.csv").write_text("\n".join([header, *rows[:900], *rows[:900]]))
    code = "\n".join(blocks("docs/streams.md", "python"))
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"top": [{"feature": ' in done.stdout
    assert (tmp_path / "followed.json").is_file()


def test_commands_run_as_shown(newcomer):
    lines = [line for block in blocks("README.md", "console") for line in block.splitlines()]
    shown = [line for line in lines if line.startswith(COMMANDS)]
    assert len(shown) >= 6
    for line in shown:
        run(newcomer, line)
    for written in ("scores.csv", "samples.png", "artifacts/sensors/manifest.json", "classes.csv"):
        assert (newcomer / written).is_file(), written


def outputs():
    """What README's commands write: after -o and the options that name files and folders."""
    text = (ROOT / "README.md").read_text()
    shown = "\n".join([*blocks("README.md", "console"), *re.findall(r"`([^`]*)`", text)])
    option = r"(?:^|\s)(?:-o|--out|--state|--triton|--mlflow|--csv-log|--tensorboard)\s+"
    return set(re.findall(rf"{option}([a-z][\w./-]*)", shown, re.M))


def test_what_commands_write_is_not_for_git():
    written = outputs() | {"runs/digits", "artifacts/digits", "scores.jsonl.rejects.csv"}
    named = {"scores.csv", "scores.jsonl", "samples.png", "stream.json", "classes.csv"}
    assert written >= named | {"models", "mlflow-digits", "losses.csv", "logs"}
    asked = [f"{name}/file" if "." not in name else name for name in sorted(written)]
    command = ["git", "check-ignore", "--no-index", *asked]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "not a git repository" in done.stderr:
        pytest.skip("this is not a git checkout")
    assert done.stdout.split() == asked, done.stderr


@pytest.mark.parametrize("guide", GUIDES)
def test_commands_of_the_guides_run_on_little_data(newcomer, guide):
    little = "--epochs 2 --alpha 0.1"  # and an alarm level for which few rows do
    shown = [line for block in blocks(guide, "console") for line in block.splitlines()]
    assert len(shown) >= 4
    for line in shown:
        assert line.startswith(COMMANDS), line
        run(newcomer, f"{line} {little}" if line.startswith("vae-keras train") else line)


def test_make_targets_that_are_shown_exist():
    text = "".join((ROOT / readme).read_text() for readme in READMES)
    makefile = (ROOT / "Makefile").read_text()
    shown = re.findall(r"(?:`|^)make ((?:[a-z-]+ ?)+)", text, re.M)
    targets = {word for words in shown for word in words.split()}
    assert {"train", "export", "test"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M), target
