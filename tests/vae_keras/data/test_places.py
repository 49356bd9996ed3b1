"""Where rows and windows come from."""

import io

import numpy as np
import pytest

from vae_keras.configs import DataConfig
from vae_keras.data import evaluation_rows, load
from vae_keras.data.places import Places


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


@pytest.mark.parametrize(
    "time",
    [
        np.array([2.5, 0.5, 1.5]),
        np.array(["2026-03-01T08:00", "2026-03-01", "x"]),
        np.array(["2026-03-01T08:00", None, "x"], object),
        np.array(["2026-03-01T08:00"] * 3, "datetime64[s]"),
    ],
)
def test_places_are_kept_in_a_file_of_arrays(time):
    places = Places.of_rows(3, time=time, recording=["b", "a", "b"])
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, recording=places.recording, **places.arrays())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        found = Places.of_arrays(dict(arrays))
    assert found.last.tolist() == [0, 1, 2]
    assert found.recording.tolist() == ["b", "a", "b"]
    assert found.time.tolist() == [str(t) if time.dtype == object else t for t in time.tolist()]
    assert found.file is None


def test_rows_of_which_nothing_was_kept_have_no_places():
    assert Places.of_arrays({"x": np.zeros(3), "recording": np.array(["a"])}) is None


def test_rows_stand_in_the_order_of_their_source_a_recording_after_the_other():
    last = np.array([5, 0, 3, 4, 1])
    assert Places(last, last).order.tolist() == [1, 4, 2, 3, 0]
    recording = np.array(["a", "b", "a", "b", "a"])
    assert Places(last, last, recording=recording).order.tolist() == [1, 3, 4, 2, 0]
