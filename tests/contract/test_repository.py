"""What every commit must keep true of the repository itself."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def tracked_files():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_constraints_are_names_and_versions_only():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    for line in lines:
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*", line)


def test_every_dependency_is_pinned():
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    for file in ("pyproject.toml", "runtime/pyproject.toml"):
        project = tomllib.loads((ROOT / file).read_text())["project"]
        extras = project.get("optional-dependencies", {}).values()
        for requirement in [*project["dependencies"], *(r for extra in extras for r in extra)]:
            name = re.match(r"[A-Za-z0-9-]+", requirement)[0].lower()
            assert name in pinned | {"vae-runtime"}, requirement


def test_no_package_depends_on_pickle():
    for path in tracked_files():
        if path.suffix == ".py" and "tests" not in path.parts:
            text = path.read_text()
            assert not re.search(r"^\s*(import|from) (pickle|dill|cloudpickle)", text, re.M), path
            assert "allow_pickle=True" not in text, path


def test_export_and_runtime_are_folders_not_packages():
    """Else top-level modules called `export` and `runtime` would be installed."""
    for folder in ("export", "runtime"):
        assert not (ROOT / folder / "__init__.py").exists()


def test_the_version_stands_in_one_place():
    """In `vae_runtime.__version__`; test_wheels.py sees both wheels have it."""
    for file in ("pyproject.toml", "runtime/pyproject.toml"):
        settings = tomllib.loads((ROOT / file).read_text())
        assert settings["project"]["dynamic"] == ["version"]
        source = (ROOT / file).parent / settings["tool"]["hatch"]["version"]["path"]
        assert source.samefile(ROOT / "runtime" / "vae_runtime" / "__init__.py")
