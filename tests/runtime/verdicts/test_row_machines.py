"""One rule of whose calibration judges a row."""

import dataclasses
import re

import numpy as np
import pytest

from vae_runtime.bundle.manifest import Calibration
from vae_runtime.bundle.reader import open_bundle
from vae_runtime.verdicts.row_machines import check_own, resolve_machines

ALIKE = Calibration(0.1, 0.0, (1.0,))
EACH = dataclasses.replace(ALIKE, by_machine={"a": (1.0,)})


@pytest.fixture
def model(golden):
    return open_bundle(golden).manifest.model


@pytest.mark.parametrize(
    ("calibration", "bundled", "own", "asked", "names", "expected"),
    [
        (ALIKE, None, None, None, None, None),
        (ALIKE, None, None, "", None, None),
        (EACH, "m", None, None, None, "m"),
        (EACH, "m", None, "other", None, "other"),
        (EACH, "m", None, "", None, None),
        (EACH, None, None, "m", None, "m"),
        (EACH, "m", "a", None, None, "m"),
        (EACH, "m", "a", None, ["x"], None),
        (EACH, "m", "a", None, ["x", "m"], "m"),
        (EACH, None, "a", None, ["x"], None),
    ],
)
def test_a_column_names_the_machines_or_all_are_alike(
    model, calibration, bundled, own, asked, names, expected
):
    model = dataclasses.replace(model, machine_column=bundled)
    assert resolve_machines(model, calibration, own=own, asked=asked, names=names) == expected


def test_what_cannot_be_is_refused(model):
    model = dataclasses.replace(model, machine_column=None)
    with pytest.raises(
        ValueError, match=re.escape("expected a bundle with machines, for the machine column 'm'")
    ):
        resolve_machines(model, ALIKE, own=None, asked="m")
    with pytest.raises(ValueError, match=re.escape("expected to be told whose rows these are")):
        resolve_machines(model, EACH, own=None, asked=None)


def test_rows_of_others_are_named():
    check_own(np.array(["a", "a"]), "a", "m")
    with pytest.raises(ValueError, match=re.escape("rows.csv: expected rows of a alone")):
        check_own(np.array(["a", "b"]), "a", "m", "rows.csv: ")
