"""Examples of READMEs and guides are run as shown: a newcomer never meets a line that fails."""

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
GUIDES = ["docs/data.md", "docs/training.md", "docs/models.md", "docs/export.md", "docs/device.md"]
QUIET = [*READMES, "docs/device.md"]  # the other guides import TensorFlow, which then greets
COMMANDS = ("vae-keras ", "vae-export ", "vae-runtime ")
OUTPUT = re.compile(
    r"(?:^|\s)(?:-o|--out|--state|--triton|--mlflow|--csv-log|--tensorboard)\s+([a-z][\w./-]*)",
    re.M,
)


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
    pump_bundle,
):
    """A folder as it is after `make train export`, with data of the newcomer's own."""
    home = tmp_path_factory.mktemp("newcomer")
    shutil.copytree(digits_bundle, home / "artifacts" / "digits")
    shutil.copytree(digits_run.path, home / "runs" / "digits")
    shutil.copytree(pump_bundle, home / "artifacts" / "pump")
    tables = {"sensors": sensor_csv, "machine": states_csv, "fleet": fleet_csv}
    for name, table in tables.items():
        header, *lines = table.read_text().splitlines()  # twice: no folds, which take longer
        (home / f"{name}.csv").write_text("\n".join([header, *lines, *lines]))
    shutil.copy(few_csv, home / "few.csv")
    header, *lines = sensor_csv.read_text().splitlines()
    states = [("ok", "run"), ("idle", "wash"), ("fault", "run")]
    words = [",".join(states[2 if i % 50 == 49 else i % 2]) for i in range(len(lines))]
    rows = [f"{line.rpartition(',')[0]},{word}" for line, word in zip(lines, words, strict=True)]
    (home / "modes.csv").write_text(
        "\n".join([f"{header.rpartition(',')[0]},state,mode", *rows, *rows])
    )
    shutil.copy(pump_csv, home / "pump.csv")
    normal = [line for line in pump_csv.read_text().splitlines() if not line.startswith("m5,")]
    (home / "normal.csv").write_text("\n".join(normal))
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
    for written in OUTPUT.findall(line):
        assert (home / written).exists(), line


def blocks(readme, language):
    text = (ROOT / readme).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def with_examples(pages, language):
    """Those of the pages that show any in this language."""
    return [page for page in pages if blocks(page, language)]


@pytest.mark.parametrize("readme", with_examples([*READMES, *GUIDES], "python"))
def test_python_runs_as_shown(newcomer, readme):
    code = "\n".join(blocks(readme, "python"))
    assert "import" in code
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-W", "error::FutureWarning", "-c", code]
    done = subprocess.run(
        command, cwd=newcomer, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    if readme in QUIET:
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


@pytest.mark.parametrize("readme", READMES)
def test_commands_run_as_shown(newcomer, readme):
    lines = [line for block in blocks(readme, "console") for line in block.splitlines()]
    shown = [line for line in lines if line.startswith(COMMANDS)]
    assert len(shown) >= 2
    for line in shown:
        run(newcomer, line)
    if readme == "README.md":
        for written in ("scores.csv", "samples.png", "artifacts/sensors/manifest.json"):
            assert (newcomer / written).is_file(), written


def outputs():
    """Files that the commands of README and guides write: after -o and options that name them."""
    pages = ["README.md", *GUIDES]
    text = "\n".join((ROOT / page).read_text() for page in pages)
    consoles = [block for page in pages for block in blocks(page, "console")]
    shown = "\n".join([*consoles, *re.findall(r"`([^`]*)`", text)])
    return set(OUTPUT.findall(shown))


def test_what_commands_write_is_not_for_git():
    written = outputs() | {"runs/digits", "artifacts/digits", "scores.jsonl.rejects.csv"}
    named = {"scores.csv", "scores.jsonl", "samples.png", "stream.json", "classes.csv"}
    named |= {"fleet-scores.csv", "windows.csv"}
    assert written >= named | {"models", "mlflow-digits", "losses.csv", "logs"}
    asked = [f"{name}/file" if "." not in name else name for name in sorted(written)]
    command = ["git", "check-ignore", "--no-index", *asked]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "not a git repository" in done.stderr:
        pytest.skip("this is not a git checkout")
    assert done.stdout.split() == asked, done.stderr


@pytest.mark.parametrize("guide", with_examples(GUIDES, "console"))
def test_commands_of_the_guides_run_on_little_data(newcomer, guide):
    little = "--epochs 2 --alpha 0.1"  # and an alarm level for which few rows do
    shown = [line for block in blocks(guide, "console") for line in block.splitlines()]
    assert len(shown) >= 2
    for line in shown:
        assert line.startswith(COMMANDS), line
        run(newcomer, f"{line} {little}" if line.startswith("vae-keras train") else line)


def test_make_targets_that_are_shown_exist():
    text = "".join((ROOT / page).read_text() for page in [*READMES, *GUIDES, "CONTRIBUTING.md"])
    makefile = (ROOT / "Makefile").read_text()
    shown = re.findall(r"(?:`|^)make ((?:[a-z-]+ ?)+)", text, re.M)
    targets = {word for words in shown for word in words.split()}
    assert {"train", "export", "test"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M), target
