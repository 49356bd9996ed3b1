"""An anomaly detector that others trained and published, through our converters.

It is no part of this repository: MLPERF_TINY_AD names a folder that has it (see the benchmark).
"""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "mlperf_tiny.py"

FLOAT_TOLERANCE = 0.01  # dB, of values to 60: float32 sums of 640 terms. Seen: .0044
PUBLISHED = {"fp32": 9.7071, "int8": 10.2652}  # mean squared errors of MLPerf's files


@pytest.fixture(scope="module")
def rows():
    data = os.environ.get("MLPERF_TINY_AD")
    if data is None:
        pytest.skip("MLPERF_TINY_AD names no folder with MLPerf Tiny's ad01 files")
    spec = importlib.util.spec_from_file_location("mlperf_tiny", BENCHMARK)
    benchmark = sys.modules["mlperf_tiny"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    return {row.name: row for row in benchmark.measure(Path(data))}


def ours(rows, precision):
    found = [row for name, row in rows.items() if name.startswith(f"ours {precision}")]
    assert found
    return found


def test_the_published_files_give_the_published_errors(rows):
    for precision, expected in PUBLISHED.items():
        assert rows[f"MLPerf ad01_{precision}.tflite"].mse == pytest.approx(expected, abs=1e-4)


def test_the_published_float_file_lacks_biases_and_ours_does_not(rows):
    without = rows["Keras, biases before BatchNormalization dropped"]
    assert rows["MLPerf ad01_fp32.tflite"].off == pytest.approx(without.off, abs=1e-4)
    assert without.worst > 100 * FLOAT_TOLERANCE
    assert max(row.worst for row in ours(rows, "fp32")) <= FLOAT_TOLERANCE


@pytest.mark.parametrize("precision", ["fp16", "dynamic", "int8"])
def test_ours_stay_closer_to_keras_than_the_published_int8(rows, precision):
    published = rows["MLPerf ad01_int8.tflite"]
    for row in ours(rows, precision):
        assert row.off < published.off
        assert row.mse_unseen < published.mse_unseen
