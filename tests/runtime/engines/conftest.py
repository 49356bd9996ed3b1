"""Columns of every kind that rows may have beside their features."""

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

MOMENT = datetime.datetime(2026, 1, 31, 23, 59, 59, 123456)
STAMP = 1769903999123456  # microseconds
ROWS = 2


@pytest.fixture(scope="session")
def kept_columns():
    """A column of each kind, two rows long."""
    return {
        "whole": pa.array([2**53 + 1, -(2**53) - 1]),
        "whole or none": pa.array([2**53 + 1, None]),
        "byte": pa.array([255, None], pa.uint8()),
        "large": pa.array([2**64 - 1, None], pa.uint64()),
        "decimal": pa.array([Decimal("12345678901234567890.10"), None], pa.decimal128(38, 2)),
        "long decimal": pa.array([Decimal(1), None], pa.decimal256(60, 2)),
        "truth": pa.array([True, None]),
        "text": pa.array([' é\n"q", x', ""]),
        "digits": pa.array(["007", "NaN"]),
        "text or none": pa.array(["", None]),
        "categories": pa.array(["p", None]).dictionary_encode(),
        "float": pa.array([0.1, np.nan]),
        "float or none": pa.array([0.5, None]),
        "nan or none": pa.array([np.nan, None], pa.float32()),
        "infinite": pa.array([np.inf, -np.inf]),
        "half": pa.array([1.5, None], pa.float16()),
        "date": pa.array([MOMENT.date(), None]),
        "time": pa.array([5, None], pa.time64("us")),
        "moment": pa.array([STAMP, None], pa.timestamp("us", "UTC")),
        "time of no zone": pa.array([STAMP, None], pa.timestamp("us")),
        "zone": pa.array([STAMP, None], pa.timestamp("us", "Europe/Berlin")),
        "nanoseconds": pa.array([STAMP * 1000 + 1, None], pa.timestamp("ns", "UTC")),
        "span": pa.array([5, None], pa.duration("us")),
        "bytes": pa.array([b"\0\xff", None]),
        "list": pa.array([[2**53 + 1, None], None]),
        "list of few": pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)),
        "list of times": pa.array([[5], None], pa.list_(pa.time64("us"))),
        "struct": pa.array([{"a": ["é"]}, None]),
        "map": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
    }


@pytest.fixture
def rows_with(engined, tmp_path):
    """Writes a Parquet file of rows with these columns beside their features; its path."""

    def write(columns):
        path = tmp_path / "rows.parquet"
        features = engined.table.slice(0, ROWS).select(engined.runner.manifest.model.feature_names)
        pq.write_table(
            pa.table(
                {**dict(zip(features.column_names, features.columns, strict=True)), **columns}
            ),
            path,
        )
        return path

    return write


@pytest.fixture(scope="session")
def check_kept():
    """Looks whether kept columns are as they were, but for types that stand for others."""

    def check(found, columns, other_types):
        found = found.sort_by("row") if "row" in found.column_names else found
        for name, column in columns.items():
            values = found[name].combine_chunks()
            assert values.type == other_types.get(name, column.type), name
            assert values.is_null().equals(column.is_null()), name
            assert str(values.to_pylist()) == str(column.to_pylist()), name  # NaN is NaN

    return check
