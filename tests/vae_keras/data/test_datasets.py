"""Blocks and fingerprints: of the rows alone, however they are held."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vae_keras.data import datasets, fingerprint
from vae_keras.data.datasets import blocks
from vae_keras.data.streams import FileStream

X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)


@pytest.mark.parametrize("values", [1, 7, 30, 10_000])
@pytest.mark.parametrize("x", [X, X[:, 0], X.reshape(5, 10, 3), np.zeros((4, 0), np.float32)])
def test_blocks_are_all_rows_in_order(x, values, monkeypatch):
    monkeypatch.setattr(datasets, "BLOCK_VALUES", values)
    np.testing.assert_array_equal(np.concatenate(list(blocks(x))), x)
    assert all(block.size <= max(values, x[0].size) for block in blocks(x))


def test_the_fingerprint_is_of_the_rows_alone():
    assert fingerprint(X) == fingerprint(np.asfortranarray(X))
    assert fingerprint(X) != fingerprint(X + 1)
    assert fingerprint(X) != fingerprint(X[::-1])


def test_the_fingerprint_does_not_depend_on_blocks(monkeypatch):
    whole = fingerprint(X)
    monkeypatch.setattr(datasets, "BLOCK_VALUES", 12)
    assert fingerprint(X) == whole


def test_a_stream_has_the_fingerprint_of_its_rows(tmp_path):
    table = pa.table({f"c{i}": column for i, column in enumerate(X.T)})
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=7)
    assert fingerprint(FileStream.of(tmp_path / "rows.parquet", table.column_names)) == fingerprint(
        X
    )
