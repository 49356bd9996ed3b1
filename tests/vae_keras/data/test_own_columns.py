"""Columns that travel with a model, so that nobody names them twice."""

import dataclasses

import numpy as np
import pytest

from vae_keras.data.own_columns import load_like


def read(path, model, **options):
    return load_like(str(path), model, **options)


def test_a_model_brings_its_columns(pump_run, pump_csv):
    loaded = read(pump_csv, pump_run.data)
    assert loaded.columns == {"label": "fault", "recording": "machine", "time": "time"}
    assert loaded.notes == (
        "columns of the model: label 'fault', recording 'machine', time 'time'",
    )
    assert loaded.dataset.y.any()
    assert set(loaded.dataset.places.recording) == {f"m{i}" for i in range(6)}


def test_the_bundle_carries_the_label_of_the_run(pump_run, pump_bundle):
    from vae_runtime.bundle import open_bundle

    assert open_bundle(pump_bundle).manifest.model.label == pump_run.data.label == "fault"


def test_an_empty_name_says_that_there_is_no_such_column(pump_run, pump_csv):
    loaded = read(pump_csv, pump_run.data, label="")
    assert "label" not in loaded.columns
    assert not loaded.dataset.y.any()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_label_that_is_not_there_is_said(table_run, tmp_path, ending):
    pandas = pytest.importorskip("pandas")
    rows = pandas.DataFrame(table_run.test["x"][:5], columns=list(table_run.data.feature_names))
    path = tmp_path / f"rows.{ending}"
    rows.to_csv(path, index=False) if ending == "csv" else rows.to_parquet(path)
    loaded = read(path, table_run.data)
    assert loaded.columns == {}
    assert loaded.notes == (f"no label column 'broken' in {path}: all rows are taken as normal",)


def test_windows_of_a_table_are_kept_apart_as_in_training_or_refused(pump_run, pump_csv, tmp_path):
    path = tmp_path / "one.csv"
    lines = [line.split(",", 1)[1] for line in pump_csv.read_text().splitlines()]
    path.write_text("\n".join([lines[0], *lines[1::6]]))
    with pytest.raises(ValueError, match=r"expected the column 'machine'.*--recording ''"):
        read(path, pump_run.data)
    np.savez(tmp_path / "one.npz", x=np.zeros((30, 3), np.float32), time=np.arange(30))
    with pytest.raises(ValueError, match="expected the column 'machine'"):
        read(tmp_path / "one.npz", pump_run.data)
    loaded = read(path, pump_run.data, recording="")
    assert loaded.columns == {"label": "fault", "time": "time"}


def test_windows_that_are_cut_already_need_no_columns(pump_run, pump_windows, tmp_path):
    np.savez(tmp_path / "windows.npz", x=pump_windows[0], y=pump_windows[3])
    np.save(tmp_path / "windows.npy", pump_windows[0])
    for name in ("windows.npz", "windows.npy"):
        loaded = read(tmp_path / name, pump_run.data)
        assert loaded.columns == {}
        assert len(loaded.notes) == 2


def test_a_column_that_was_named_and_is_not_there_is_an_error(table_run, sensor_csv):
    with pytest.raises(ValueError, match="expected the column 'nowhere'"):
        read(sensor_csv, table_run.data, label="nowhere")


def test_a_column_that_is_named_is_not_taken_twice(pump_run, pump_csv):
    spec = dataclasses.replace(pump_run.data, machine_column="machine")
    loaded = read(pump_csv, spec)
    assert loaded.columns["machine"] == loaded.columns["recording"] == "machine"
