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
from vae_runtime.bundle import open_bundle
from vae_runtime.bundle.containers import pack


class Case(NamedTuple):
    """A bundle, its runner, and rows that its training never saw; y marks the anomalies.

    `labels` are the numbers of the rows' classes, -1 where unknown; None of a model without any.
    """

    bundle: Path
    runner: Runner
    x: Any
    y: Any
    labels: Any = None


@pytest.fixture(scope="session")
def digits(digits_bundle, digits_run):
    return Case(digits_bundle, Runner.load(digits_bundle), **digits_run.test)


@pytest.fixture(scope="session")
def table(table_bundle, table_run):
    return Case(table_bundle, Runner.load(table_bundle), **table_run.test)


@pytest.fixture(scope="session")
def pump(pump_bundle, pump_run):
    return Case(pump_bundle, Runner.load(pump_bundle), **pump_run.test)


@pytest.fixture(scope="session")
def states(states_bundle, states_run):
    return Case(states_bundle, Runner.load(states_bundle), **states_run.test)


@pytest.fixture(scope="session", params=["digits", "table", "pump"])
def case(request):
    """Images, a table, windows: for what must hold of any."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def table_copy(table_bundle, tmp_path):
    """A copy of the table bundle, to damage."""
    return shutil.copytree(table_bundle, tmp_path / "table")


@pytest.fixture
def states_copy(states_bundle, tmp_path):
    """A copy of the bundle with classes, to damage."""
    return shutil.copytree(states_bundle, tmp_path / "states")


@pytest.fixture(scope="session")
def table_archive(table_bundle, tmp_path_factory):
    """The table bundle as one file."""
    path = tmp_path_factory.mktemp("archives") / "table.vaeb"
    path.write_bytes(pack(open_bundle(table_bundle).contents()))
    return path


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
