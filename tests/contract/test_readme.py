"""What the READMEs show is run as shown, so that a newcomer never meets a line that fails."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READMES = ["README.md", "runtime/README.md"]
COMMANDS = ("vae-keras ", "vae-export ", "vae-runtime ")


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory, digits_bundle, digits_run, sensor_csv):
    """A folder as it is after `make train export`, with a table of the newcomer's own."""
    home = tmp_path_factory.mktemp("newcomer")
    shutil.copytree(digits_bundle, home / "artifacts" / "digits")
    shutil.copytree(digits_run.path, home / "runs" / "digits")
    shutil.copy(sensor_csv, home / "sensors.csv")
    return home


def blocks(readme, language):
    text = (ROOT / readme).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


@pytest.mark.parametrize("readme", READMES)
def test_python_runs_as_shown(newcomer, readme):
    code = "\n".join(blocks(readme, "python"))
    assert "Runner.load" in code
    subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", "-c", code], cwd=newcomer, check=True
    )


def test_commands_run_as_shown(newcomer):
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    lines = [line for block in blocks("README.md", "console") for line in block.splitlines()]
    shown = [line for line in lines if line.startswith(COMMANDS)]
    assert len(shown) >= 6
    for line in shown:
        done = subprocess.run(
            line.split(), cwd=newcomer, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    for written in ("scores.csv", "samples.png", "artifacts/sensors/manifest.json"):
        assert (newcomer / written).is_file(), written


def test_make_targets_that_are_shown_exist():
    text = "".join((ROOT / readme).read_text() for readme in READMES)
    makefile = (ROOT / "Makefile").read_text()
    shown = re.findall(r"(?:`|^)make ((?:[a-z-]+ ?)+)", text, re.M)
    targets = {word for words in shown for word in words.split()}
    assert {"train", "export", "test"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M), target
