"""Runners with rows for them, and tools that forge a bundle whose hashes still agree."""

import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from vae_runtime import Runner


class Case(NamedTuple):
    """A bundle, its runner, and rows that its training never saw; y marks the anomalies."""

    bundle: Path
    runner: Runner
    x: Any
    y: Any


@pytest.fixture(scope="session")
def digits(digits_bundle, digits_run):
    return Case(digits_bundle, Runner.load(digits_bundle), **digits_run.test)


@pytest.fixture(scope="session")
def table(table_bundle, table_run):
    return Case(table_bundle, Runner.load(table_bundle), **table_run.test)


@pytest.fixture(scope="session", params=["digits", "table"])
def case(request):
    """Both models, for what must hold of any."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def table_copy(table_bundle, tmp_path):
    """A copy of the table bundle, to damage."""
    return shutil.copytree(table_bundle, tmp_path / "table")


@pytest.fixture(scope="session")
def seal():
    """Writes these bytes as a bundle's manifest, with the checksum that belongs to them."""

    def write(bundle, content):
        digest = hashlib.sha256(content).hexdigest()
        (bundle / "manifest.json").write_bytes(content)
        (bundle / "manifest.json.sha256").write_text(f"{digest}  manifest.json\n", newline="\n")

    return write


@pytest.fixture(scope="session")
def edit_manifest(seal):
    """Lets a function change a bundle's manifest in place; the checksum agrees again."""

    def apply(bundle, change):
        document = json.loads((bundle / "manifest.json").read_bytes())
        change(document)
        seal(bundle, json.dumps(document).encode())

    return apply


@pytest.fixture(scope="session")
def replace_file(edit_manifest):
    """Gives a file of a bundle other bytes; the manifest says their size and sha256."""

    def apply(bundle, name, content):
        def describe(document):
            (file,) = (f for f in document["files"] if f["name"] == name)
            file.update(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())

        (bundle / name).write_bytes(content)
        edit_manifest(bundle, describe)

    return apply


@pytest.fixture(scope="session")
def change_probe(replace_file):
    """Lets a function change a bundle's probe arrays in place; the hashes agree again."""

    def apply(bundle, change):
        with np.load(bundle / "probe.npz") as probe:
            arrays = dict(probe)
        change(arrays)
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        replace_file(bundle, "probe.npz", buffer.getvalue())

    return apply
