"""Wheels hold the packages and nothing else, say what they are, and work once installed."""

import email.parser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from vae_runtime import __version__

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "vae-keras": {"vae_keras": "vae_keras", "vae_export": "export/vae_export"},
    "vae-runtime": {"vae_runtime": "runtime/vae_runtime"},
}
COMMANDS = {"vae-keras": ["vae-keras", "vae-export"], "vae-runtime": ["vae-runtime"]}


@pytest.fixture(scope="module", params=PACKAGES)
def wheel(request, wheels):
    """A distribution's name and its wheel, open."""
    with zipfile.ZipFile(wheels[request.param]) as archive:
        yield request.param, archive


def of_dist_info(archive, ending):
    """The text of the one file of the metadata whose name ends so."""
    (name,) = (n for n in archive.namelist() if ".dist-info/" in n and n.endswith(ending))
    return archive.read(name).decode()


def test_a_wheel_holds_the_modules_of_its_packages_and_nothing_else(wheel):
    name, archive = wheel
    wanted = {
        f"{package}/{path.relative_to(ROOT / folder).as_posix()}"
        for package, folder in PACKAGES[name].items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {f"{package}/py.typed" for package in PACKAGES[name]} <= wanted
    assert {n for n in archive.namelist() if ".dist-info/" not in n} == wanted


def test_a_wheel_says_what_it_is(wheel):
    name, archive = wheel
    said = email.parser.Parser().parsestr(of_dist_info(archive, "/METADATA"))
    assert (said["Name"], said["Version"]) == (name, __version__)
    assert ">=3.11" in said["Requires-Python"].split(",")
    assert said["License-Expression"] == "Apache-2.0"
    assert "Apache License" in of_dist_info(archive, f"/{said['License-File']}")
    assert said["Description-Content-Type"] == "text/markdown"
    assert said.get_payload().startswith(f"# {name}\n")
    assert len(said["Summary"]) > 40


def test_a_wheel_has_its_commands(wheel):
    name, archive = wheel
    entries = of_dist_info(archive, "/entry_points.txt")
    assert all(f"{command} = " in entries for command in COMMANDS[name])
    assert entries.count(" = ") == len(COMMANDS[name])


def test_commands_of_installed_wheels_say_the_version(wheels, pip_install, tmp_path):
    """In a clean environment: without TensorFlow too, as they load what they need when they do."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip_install(python, "numpy", "--constraint", str(ROOT / "constraints.txt"))
    pip_install(python, "--no-deps", *wheels.values())
    for command in ("vae-keras", "vae-export", "vae-runtime"):
        asked = [python.with_name(command), "--version"]
        done = subprocess.run(asked, capture_output=True, text=True, cwd="/", check=False)
        assert (done.stdout, done.stderr) == (f"{command} {__version__}\n", "")
