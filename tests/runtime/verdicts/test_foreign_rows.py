"""Rows of another world set no threshold, but for those who insist."""

import dataclasses
import re

import numpy as np
import pytest

from vae_runtime import Runner, recalibrate
from vae_runtime.bundle import open_bundle
from vae_runtime.verdicts.foreign_rows import DEVIATIONS, FAULTY_ROWS, gross_faults


def scaled(x, scale):
    return x * np.array([1000.0, 1, 1, 1, 1, 1])


def swapped(x, scale):
    return x[:, [2, 1, 0, 3, 4, 5]]


def shifted(x, scale):
    return x + 20 * scale


def a_little(x, scale):
    return x + 3 * scale


def stuck(x, scale):
    return np.repeat(x[:1] + 30 * scale, len(x), axis=0)


def kelvin(x, scale):
    return x - np.array([273.15, 0, 0, 0, 0, 0])


def wild(x, scale):
    """One row of 120, which alone sets the threshold at 1 %."""
    return np.concatenate([x[:-1], x[-1:] + 1000 * scale])


FOREIGN = (scaled, swapped, shifted, a_little, stuck, kelvin, wild)


@pytest.fixture
def known(golden, golden_rows):
    """Rows that the model knows, and the deviations of its columns."""
    return golden_rows(120, 0), np.array(Runner.load(golden).manifest.model.preprocessing.scale)


@pytest.mark.parametrize("change", FOREIGN)
def test_rows_of_another_world_are_refused_and_nothing_is_written(golden, known, tmp_path, change):
    x, scale = known
    words = "that it does not know, as .*train again on rows of this place .*force=True"
    with pytest.raises(ValueError, match=words):
        recalibrate(golden, change(x, scale).astype(np.float32), tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", FOREIGN)
def test_who_insists_gets_the_threshold(golden, known, tmp_path, change):
    x = change(*known).astype(np.float32)
    done = recalibrate(golden, x, tmp_path / "new", force=True)
    assert done.changes[0].threshold > 50.0
    assert not Runner.load(tmp_path / "new").score(x).is_anomaly.all()


@pytest.mark.parametrize("noise", [0.1, 0.3, 0.6, 0.9])
def test_a_machine_that_is_noisier_is_known(golden, golden_rows, tmp_path, noise):
    done = recalibrate(golden, golden_rows(150, 3, noise), tmp_path / "new")
    assert done.changes[0].rows == 150


def test_each_machine_is_judged_for_itself(golden, known, golden_rows, tmp_path):
    x, scale = known
    both = np.concatenate([golden_rows(400, 1), shifted(x, scale)]).astype(np.float32)
    names = np.repeat(["calm", "foreign"], [400, 120])
    with pytest.raises(ValueError, match="normal rows of foreign of a world"):
        recalibrate(golden, both, tmp_path / "new", machines={"machine": names})
    with pytest.raises(ValueError, match="normal rows of p9 of a world"):
        recalibrate(golden, both[400:], tmp_path / "new", machines="p9")
    assert recalibrate(golden, both[:400], tmp_path / "new", machines="p9").record.machine == "p9"


def test_an_alpha_that_the_old_rows_could_not_resolve_hides_no_fault(golden, known, tmp_path):
    x, scale = known
    many = np.resize(shifted(x, scale), (1200, 6)).astype(np.float32)
    with pytest.raises(ValueError, match=r"\d+ of \d+ gross faults .* would not alarm any more"):
        recalibrate(golden, many, tmp_path / "new", alpha=0.001)


def test_a_gross_fault_has_one_reading_off(golden):
    model = open_bundle(golden).manifest.model
    rows = Runner.load(golden).probe_rows()
    off = (
        gross_faults(rows, model) - np.resize(rows, (FAULTY_ROWS, 6))
    ) / model.preprocessing.scale
    np.testing.assert_allclose(np.abs(off).max(axis=1), DEVIATIONS, rtol=1e-3)
    assert ((np.abs(off) > 0.1).sum(axis=1) == 1).all()


def test_of_values_within_limits_each_is_at_one_and_one_hot_groups_stay(golden):
    model = open_bundle(golden).manifest.model
    rows = Runner.load(golden).probe_rows()
    within = dataclasses.replace(model, value_range=(0.0, 16.0))
    assert set(np.unique(gross_faults(rows, within))) == {0.0, 16.0}
    grouped = dataclasses.replace(model, one_hot=(2, 2))
    off = gross_faults(rows, grouped) - np.resize(rows, (FAULTY_ROWS, 6))
    assert (off[:, 2:] == 0).all()
    assert gross_faults(rows, dataclasses.replace(model, one_hot=(3, 3))).shape == (0, 6)
    assert re.fullmatch("uint8", str(gross_faults(rows.astype(np.uint8), model).dtype))
