"""Missing values: what is put in their place, and what rows with them score."""

import dataclasses
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vae_runtime import BundleError, Runner
from vae_runtime.bundle.manifest import Preprocessing
from vae_runtime.cli import main
from vae_runtime.explain.missing_values import Expected, check_offered, fill
from vae_runtime.live import StreamScorer

SHARE = 0.1  # of values that are taken away


def refuses(message, error=ValueError):
    return pytest.raises(error, match=re.escape(message))


@pytest.fixture(scope="module")
def expecting(table_bundle):
    return Runner.load(table_bundle, missing_values="expect")


@pytest.fixture(scope="module")
def lacking(fresh_sensor_rows):
    """Normal rows without a tenth of their values."""
    x = fresh_sensor_rows[:1000].copy()
    x[np.random.default_rng(0).random(x.shape) < SHARE] = np.nan
    x[np.isnan(x).all(axis=1), 0] = 300.0
    return x


def test_whole_rows_score_as_ever(table, expecting, fresh_sensor_rows):
    x = fresh_sensor_rows[:50]
    np.testing.assert_array_equal(expecting.score(x).score, table.runner.score(x).score)
    assert expecting.expects_missing
    assert not table.runner.expects_missing


def test_rows_that_lack_values_are_refused_unless_it_is_asked(table, lacking):
    with refuses("expected finite numbers. Received: nan"):
        table.runner.score(lacking)


def test_normal_rows_alarm_no_more_often(expecting, lacking):
    level = 0.05
    alarms = expecting.score(lacking, alpha=level).is_anomaly
    assert alarms.mean() < level + 3 * np.sqrt(level / len(lacking))


def test_faults_are_found_all_the_same(expecting, lacking):
    wrong = lacking[~np.isnan(lacking[:, 4])]
    wrong[:, 4] += 8.0
    assert expecting.score(wrong).is_anomaly.mean() > 0.9


def test_each_row_is_filled_for_itself(expecting, lacking):
    together = expecting.score(lacking[:20]).score
    alone = [expecting.score(row[None]).score[0] for row in lacking[:20]]
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-4)


def test_what_was_given_stays_as_it_is(expecting, lacking):
    before = lacking.copy()
    for ask in (expecting.score, expecting.explain, expecting.encode, expecting.reconstruct):
        assert np.isfinite(np.asarray(ask(lacking[:9])).astype(float)).all()
    np.testing.assert_array_equal(lacking, before)


def test_a_missing_value_is_close_to_what_it_was(table, fresh_sensor_rows):
    x = fresh_sensor_rows[:200].copy()
    x[:, 3] = np.nan
    filled = Runner.load(table.bundle, missing_values="expect")._missing.filled(x)
    error = filled[:, 3] - fresh_sensor_rows[:200, 3]
    assert error.std() < 0.5 * fresh_sensor_rows[:200, 3].std()
    np.testing.assert_array_equal(np.delete(filled, 3, 1), np.delete(x, 3, 1))


def test_a_row_without_any_value_is_refused(expecting, lacking):
    x = lacking[:3].copy()
    x[1] = np.nan
    with refuses("expected a value in some column. Received: none in row 1 (1 such rows)."):
        expecting.score(x)
    x[1] = np.inf
    with refuses("expected finite numbers. Received: inf in row 1"):
        expecting.score(x)


def test_a_table_may_say_none(expecting, lacking):
    names = expecting.manifest.model.feature_names
    rows = [dict(zip(names, row, strict=True)) for row in lacking[:9].tolist()]
    rows = [{k: None if v != v else v for k, v in row.items()} for row in rows]
    plain = expecting.score(lacking[:9]).score
    np.testing.assert_array_equal(expecting.score(rows).score, plain)
    np.testing.assert_array_equal(expecting.score(pa.Table.from_pylist(rows)).score, plain)


def test_a_missing_category_is_expected_too(modes_bundle, modes):
    expecting, whole = Runner.load(modes_bundle, missing_values="expect"), modes[1](30, 9)
    table = whole.set_column(0, "mode", pa.array([None] * 30, pa.string()))
    filled = expecting._missing.filled(table)
    np.testing.assert_array_equal(filled, expecting._check.as_array(whole).astype(np.float32))


def test_a_group_is_missing_as_a_whole(modes):
    model = dataclasses.replace(
        modes[0].manifest.model, preprocessing=Preprocessing((0.5,), (1.0,), None, None)
    )
    asked = []

    def expect(rows):
        asked.append(rows.copy())
        return Expected(np.tile(np.array([7, 8, 0.1, 0.6, 0.3], np.float32), (len(rows), 1)))

    x = np.array([[1, np.nan, np.nan, 0, 0]], np.float32)
    assert fill(x, model, expect, rounds=2).tolist() == [[1, 8, 0, 1, 0]]
    assert asked[0].tolist() == [[1, 0.5, 1, 0, 0]]
    assert asked[1].tolist() == [[1, 8, 0, 1, 0]]


def test_a_channel_that_is_silent_is_expected_from_the_others(pump):
    model, rng = pump.runner.manifest.model, np.random.default_rng(0)
    x = pump.x[:2].copy()
    x[0, :, 1], x[1, 3, 1] = np.nan, np.nan
    values, channels = (rng.normal(size=x.shape).astype(np.float32) for _ in range(2))
    filled = fill(x, model, lambda rows: Expected(values, channels), rounds=1)
    np.testing.assert_array_equal(filled[0, :, 1], channels[0, :, 1])
    assert filled[1, 3, 1] == values[1, 3, 1]


def test_windows_with_missing_values_are_scored(pump_bundle, pump):
    runner, x = Runner.load(pump_bundle, missing_values="expect"), pump.x[~pump.y][:40].copy()
    x[:, 5, 0] = np.nan
    scores = runner.score(x).score
    assert np.isfinite(scores).all()
    stream = StreamScorer(runner, stride=x.shape[1])
    followed = [result.score for result in stream.push(x.reshape(-1, x.shape[2]))]
    np.testing.assert_allclose(followed, scores, rtol=1e-5)


def test_a_score_without_a_mixture_expects_nothing(digits_bundle):
    with refuses("expected a bundle whose score has a mixture", BundleError):
        Runner.load(digits_bundle, missing_values="expect")
    with refuses("expected missing_values of refuse or expect. Received: 'drop'."):
        Runner.load(digits_bundle, missing_values="drop")


def test_only_float_rows_can_lack_values(table):
    manifest = table.runner.manifest
    model = dataclasses.replace(manifest.model, input_dtype="uint8")
    with refuses("expected a model of float32 rows", BundleError):
        check_offered(dataclasses.replace(manifest, model=model))
    with refuses("Received: one of format version 1", BundleError):
        check_offered(dataclasses.replace(manifest, format_version=1))


@pytest.fixture
def saved(tmp_path, table, lacking):
    """A Parquet file of rows that lack values, and where results go."""
    names = table.runner.manifest.model.feature_names
    columns = dict(zip(names, lacking.astype(float).T, strict=True))
    pq.write_table(pa.table({k: pa.array(v, from_pandas=True) for k, v in columns.items()}),
                   tmp_path / "rows.parquet")  # fmt: skip
    return tmp_path / "rows.parquet", tmp_path / "out.parquet"


def test_files_are_scored_as_arrays_are(expecting, table_bundle, lacking, saved):
    path, out = saved
    given = ["score", str(table_bundle), str(path), "-o", str(out)]
    assert main(given) == 1
    assert main([*given, "--missing-values", "expect"]) == 0
    found = pq.read_table(out)
    scores = expecting.score(lacking)
    np.testing.assert_allclose(found["score"], scores.score, rtol=1e-4, atol=1e-4)


def test_a_bundle_can_be_calibrated_on_such_rows(table_bundle, lacking, saved):
    path, out = saved[0], saved[1].with_suffix("")
    given = [
        "calibrate",
        str(table_bundle),
        str(path),
        "-o",
        str(out),
        "--missing-values",
        "expect",
    ]
    assert main(given) == 0
    again = Runner.load(out, missing_values="expect")
    assert len(again.calibration.scores) == len(lacking)
    assert again.score(lacking, alpha=0.05).is_anomaly.mean() <= 0.05
