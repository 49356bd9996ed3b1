"""Rows with gross faults: one reading far off, and within what the data can be."""

from types import SimpleNamespace

import numpy as np
import pytest

from vae_export.convert import quantize_onnx
from vae_export.convert.artefacts import Artefact
from vae_export.errors import Degraded
from vae_export.gates.verdicts import faults
from vae_export.graphs.faults import FAULT_DEVIATIONS, MOST_ROWS, gross_faults
from vae_keras import Scaling


def test_one_reading_of_each_row_is_off_by_deviations(table_files):
    source = table_files.evidence.source
    changed = gross_faults(source)
    whole = source.calibration["x"][:MOST_ROWS]
    off = np.abs(changed - whole) / source.vae.preprocessing.scale
    assert (changed.shape, changed.dtype) == (whole.shape, np.float32)
    assert ((off > 1).sum(1) == 1).all()
    assert set(np.round(off.max(1), -1)) == set(FAULT_DEVIATIONS)
    np.testing.assert_array_equal(changed, gross_faults(source))


def test_images_are_of_the_darkest_and_brightest_pixels(digits_files):
    changed = gross_faults(digits_files.evidence.source)
    assert changed.shape == (MOST_ROWS, 8, 8, 1)
    assert set(np.unique(changed)) == {0.0, 16.0} or set(np.unique(changed)) == {0.0, 1.0}


@pytest.mark.parametrize(("groups", "count"), [((2, 1), 0), ((2,), MOST_ROWS), ((), MOST_ROWS)])
def test_one_hot_columns_stay_as_they_are(groups, count):
    x = np.tile(np.float32([0.3, 0.0, 1.0]), (100, 1))
    source = SimpleNamespace(
        calibration={"x": x},
        card=SimpleNamespace(one_hot=groups),
        vae=SimpleNamespace(
            likelihood=SimpleNamespace(support=None), preprocessing=Scaling(0.0, 0.5)
        ),
    )
    changed = gross_faults(source)
    assert len(changed) == count
    if groups and count:
        np.testing.assert_array_equal(changed[:, -2:], x[:MOST_ROWS, -2:])
        assert (np.abs(changed[:, 0]) > 40).all()
    assert (x == np.float32([0.3, 0.0, 1.0])).all()


def test_bytes_stay_bytes_though_their_likelihood_has_no_limits():
    x = np.full((100, 2, 2, 1), 200, np.uint8)
    vae = SimpleNamespace(likelihood=SimpleNamespace(support=None), preprocessing=Scaling(0.0, 9.0))
    card = SimpleNamespace(one_hot=())
    changed = gross_faults(SimpleNamespace(calibration={"x": x}, card=card, vae=vae))
    assert (changed.shape, changed.dtype) == ((MOST_ROWS, 2, 2, 1), np.uint8)
    assert set(np.unique(changed)) == {0, 255}


def test_float_files_score_them_above_all_normal_rows(table_files, digits_files):
    for files in (table_files, digits_files):
        found = faults(files["scorer.onnx"])
        assert found["blind"] == 0
        assert found["lowest"] > found["highest of normal rows"]


def test_8_bits_that_clip_the_row_to_the_usual_range_are_refused(table_files, monkeypatch):
    sound = table_files["scorer.int8.onnx"]
    assert faults(sound)["blind"] == 0
    monkeypatch.setattr(quantize_onnx, "_keep_score_float", lambda model: None)
    made = sound.variant.convert(sound.graph, table_files.material)
    clipped = Artefact(sound.graph, sound.variant, made, sound.evidence)
    with pytest.raises(Degraded, match=r"scorer.int8.onnx: expected nll \+ kl of gross faults"):
        faults(clipped)
