"""Tables on disk, and what is loaded of them whether it is held in memory or streamed."""

import csv

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vae_keras import data
from vae_keras.configs import DataConfig
from vae_keras.data.streams import Stream


def write_csv(path, columns):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))  # None is an empty cell


@pytest.fixture
def write(tmp_path):
    """Writes columns as a .csv, or as a .parquet with row groups of so many rows."""

    def apply(columns, name, rows=3):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            write_csv(path, columns)
        else:
            pq.write_table(pa.table(columns), path, row_group_size=rows)
        return path

    return apply


@pytest.fixture
def load(write):
    """Loads columns as a dataset by way of "csv", "parquet" or "stream"."""

    def apply(table, way, **options):
        path = write(table, "rows.csv" if way == "csv" else "rows.parquet")
        return data.load(DataConfig(str(path), stream=way == "stream", **options))

    return apply


@pytest.fixture(scope="session")
def rows_of():
    """All rows of an array or a stream."""

    def apply(x):
        return np.concatenate(list(x.in_order())) if isinstance(x, Stream) else x

    return apply
