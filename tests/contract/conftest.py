"""Wheels of both distributions, as a release has them."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def wheels(tmp_path_factory, pip):
    """The wheels by the name of the distribution, built once a session."""
    folder = tmp_path_factory.mktemp("wheels")
    built = (ROOT, ROOT / "runtime")
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", folder, *built)
    return {path.name.split("-")[0].replace("_", "-"): path for path in folder.glob("*.whl")}
