"""Manifests of format version 1: keys of other names since are read, and written, as ever."""

import json
import re
import zipfile
from pathlib import Path

import pytest

from vae_runtime import BundleError
from vae_runtime.bundle import manifest
from vae_runtime.live.state import fingerprint
from vae_runtime.verdicts.machines import of_machine

GOLDEN = Path(__file__).parents[2] / "golden" / "sensors-1.vaeb"
DATED = {"date": "2026-01-31T00:00:00+00:00", "rows": 9, "sha256": "0" * 64, "unit": None}
LATER = {"date": "2026-02-01T00:00:00+00:00", "rows": 9, "sha256": "1" * 64, "unit": "b"}


@pytest.fixture
def document():
    """The golden manifest as one of a fleet, in the names of its day."""
    with zipfile.ZipFile(GOLDEN) as bundle:
        found = json.loads(bundle.read("manifest.json"))
    calibration = found["calibration"]["fp32"]
    calibration["units"] = {"a": calibration["scores"][::2], "b": calibration["scores"][1::2]}
    found["model"] |= {"group": "run", "time": "t", "unit": "pump"}
    found["recalibrated"] = [DATED, LATER]
    for file in found["files"]:
        for tensor in file["outputs"]:
            tensor["unit"] = 0.5
    return found


def load(document):
    return manifest.loads(json.dumps(document).encode())


def test_its_names_are_read_as_those_of_today(document):
    read = load(document)
    assert (read.model.recording, read.model.time, read.model.machine_column) == (
        "run",
        "t",
        "pump",
    )
    assert list(read.calibration["fp32"].by_machine) == ["a", "b"]
    assert [made.machine for made in read.recalibrated] == [None, "b"]
    assert {tensor.error_scale for file in read.files for tensor in file.outputs} == {0.5}
    assert read.score.unit == "nats"


def test_it_is_written_in_its_own_names(document):
    written = json.loads(manifest.dumps(load(document)))
    assert written["model"]["group"] == "run"
    assert written["model"]["unit"] == "pump"
    assert written["calibration"]["fp32"]["units"] == document["calibration"]["fp32"]["units"]
    assert [made["unit"] for made in written["recalibrated"]] == [None, "b"]
    assert {tensor["unit"] for file in written["files"] for tensor in file["outputs"]} == {0.5}
    new = ("recording", "machine_column", "by_machine", "error_scale", "machine")
    assert not [name for name in new if f'"{name}"' in json.dumps(written)]
    assert load(written) == load(document)


def test_jobs_and_streams_of_before_know_it_again(document):
    """Digests as vae-runtime gave them when these were the names."""
    read = load(document)
    assert manifest.digest(read) == (
        "4010313b31615a974fbe3de9214c58f42d37b071650c2f3b3f406183cf255f6e"
    )
    calibration = read.calibration["fp32"]
    assert fingerprint(read, calibration) == (
        "3b8affe7e0fcc05dab65ff089152a76088d2f3d06015cf06679b553f2e002579"
    )
    assert fingerprint(read, of_machine(calibration, "a")) == (
        "895919289dbf53017f281b6e1c74478c7a52a980e5bb81a9a4b1ada2b2fae31c"
    )


@pytest.mark.parametrize("key", ["model", "calibration", "recalibrated", "files"])
@pytest.mark.parametrize("value", [3, "x", None, [3], {"a": 3}, [[{"unit": 1}]]])
def test_what_is_no_manifest_is_refused_as_ever(document, key, value):
    with pytest.raises(BundleError, match=re.escape(f"manifest.json.{key}")):
        load({**document, key: value})
