"""Where rows and windows come from."""

import numpy as np
import pytest

from vae_keras.configs import DataConfig
from vae_keras.data import evaluation_rows, load


def test_rows_of_a_table_know_their_numbers_and_times(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("t,a,b\n10,1,2\n20,3,\n30,5,6\n")
    places = load(DataConfig(str(path), time="t", on_bad_row="reject")).places
    assert places.last.tolist() == [0, 2]
    assert np.asarray(places.time).astype(str).tolist() == ["10", "30"]
    assert places.recording is None


def test_windows_know_their_recording_and_their_last_row(pump_csv):
    config = DataConfig(str(pump_csv), window=12, stride=3, recording="machine", time="time")
    dataset = evaluation_rows(load(DataConfig(**{**config.__dict__, "label": "fault"})))
    places = dataset.places
    assert len(places.last) == len(dataset.x)
    np.testing.assert_array_equal(places.last - places.first, 11 * 6)  # six machines in turn
    assert set(places.recording) == {f"m{i}" for i in range(6)}
    assert str(places.time[0]).startswith("2026-01-31T23:5")


def test_images_know_their_files(tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    for name in ("b", "a"):
        pillow.new("L", (4, 4), 7).save(tmp_path / f"{name}.png")
    assert load(DataConfig(str(tmp_path))).places.file.tolist() == ["a.png", "b.png"]
