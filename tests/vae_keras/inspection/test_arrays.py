"""Arrays in .npz and .npy files."""

import json

import numpy as np

from vae_keras.cli import main


def found(path, capsys):
    assert main(["inspect", "--json", str(path)]) == 0
    return json.loads(capsys.readouterr().out)


def test_windows_are_told_by_shape(tmp_path, capsys):
    x = np.zeros((50, 32, 4), np.float32)
    x[3, 0, 0] = np.nan
    np.savez(tmp_path / "w.npz", x=x, y=np.arange(50) > 45)
    given = found(tmp_path / "w.npz", capsys)
    assert given["arrays"]["x"]["shape"] == [50, 32, 4]
    assert given["command"][4:6] == ["--on-bad-row", "reject"]
    assert any("4 rows" in note for note in given["notes"])


def test_rows_of_numbers_are_a_table_whose_columns_have_numbers(tmp_path, capsys):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "t.npz", X=rng.normal(size=(200, 3)), y=(np.arange(200) > 190).astype(int))
    given = found(tmp_path / "t.npz", capsys)
    assert [c["kind"] for c in given["columns"]] == ["sensor", "sensor", "sensor", "label"]
    assert "--label" not in given["command"]


def test_an_array_alone_is_a_table(tmp_path, capsys):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(300, 2)))
    assert found(tmp_path / "a.npy", capsys)["rows"] == 300
