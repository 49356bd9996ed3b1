"""Recordings are numbered as they are met, whatever blocks they come in."""

import numpy as np
import pyarrow as pa

from vae_keras.survey import recording_numbers
from vae_keras.survey.cells import Cells
from vae_keras.survey.recording_numbers import RecordingNumbers


def texts(words):
    return Cells(np.full(len(words), np.nan), np.zeros(len(words), bool), pa.array(words))


def test_names_keep_their_numbers_from_block_to_block():
    numbered = RecordingNumbers("pump")
    assert numbered.numbers({"pump": texts(["b", "a", "b", None])}).tolist() == [0, 1, 0, 2]
    assert numbered.numbers({"pump": texts(["c", "a", ""])}).tolist() == [3, 1, 2]


def test_numbers_are_names_too():
    values = np.array([3.0, 1.0, np.nan, np.nan])
    cells = {"unit": Cells(values, np.isnan(values))}
    numbered = RecordingNumbers("unit")
    first = numbered.numbers(cells).tolist()
    assert first == numbered.numbers(cells).tolist()
    assert len({*first}) == 3


def test_names_that_differ_in_every_row_are_none(monkeypatch):
    monkeypatch.setattr(recording_numbers, "MOST", 3)
    numbered = RecordingNumbers("pump")
    assert numbered.numbers({"pump": texts(["a", "b", "c", "d"])}) is None
    assert numbered.column is None
    assert RecordingNumbers(None).numbers({}) is None
