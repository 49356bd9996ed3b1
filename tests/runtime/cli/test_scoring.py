import csv
import shutil
import sys

import numpy as np
import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq
import pytest

from vae_runtime import Runner


def test_scores_go_to_standard_output_and_the_count_to_standard_error(run, digits, rows, table_of):
    done = run("score", digits.bundle, rows)
    expected = digits.runner.score(digits.x)
    table = table_of(done.out)
    assert done.code == 0
    assert list(table) == ["row", "score", "p_value", "is_anomaly"]
    np.testing.assert_array_equal(table["row"].astype(int), np.arange(len(digits.x)))
    np.testing.assert_array_equal(table["score"].astype(np.float32), expected.score)
    np.testing.assert_array_equal(table["p_value"].astype(np.float64), expected.p_value)
    np.testing.assert_array_equal(table["is_anomaly"].astype(int), expected.is_anomaly)
    alarms = int(expected.is_anomaly.sum())
    assert done.err == f"{alarms:,} anomalies in {len(digits.x):,} rows\n"


def test_scores_in_a_csv_file_are_those_of_standard_output(run, digits, rows, tmp_path):
    output = tmp_path / "scores.csv"
    done = run("score", digits.bundle, rows, "-o", output)
    assert (done.code, done.out) == (0, "")
    assert output.read_text() == run("score", digits.bundle, rows).out


def test_scores_in_an_npz_file_are_the_runners_arrays(run, digits, rows, tmp_path):
    assert run("score", digits.bundle, rows, "-o", tmp_path / "scores.npz").code == 0
    expected = digits.runner.score(digits.x)
    with np.load(tmp_path / "scores.npz", allow_pickle=False) as scores:
        assert set(scores.files) == {"row", *expected._fields}
        np.testing.assert_array_equal(scores["row"], np.arange(len(digits.x)))
        for name, field in expected._asdict().items():
            assert scores[name].dtype == field.dtype
            np.testing.assert_array_equal(scores[name], field)


@pytest.mark.parametrize(("option", "value"), [("alpha", 0.2), ("threshold", 30.0)])
def test_an_alarm_level_can_be_given(run, digits, rows, option, value, table_of):
    verdicts = table_of(run("score", digits.bundle, rows, f"--{option}", value).out)["is_anomaly"]
    expected = digits.runner.score(digits.x, **{option: value}).is_anomaly
    np.testing.assert_array_equal(verdicts.astype(int), expected)
    assert not np.array_equal(expected, digits.runner.score(digits.x).is_anomaly)


def test_columns_of_a_table_are_found_by_name_whatever_their_order(
    run, table, sensor_csv, tmp_path
):
    with sensor_csv.open(newline="") as file:
        header, *lines = csv.reader(file)
    order = np.random.default_rng(0).permutation(len(header))
    assert list(order) != sorted(order)
    shuffled = tmp_path / "shuffled.csv"
    with shuffled.open("w", newline="") as file:
        csv.writer(file).writerows([line[i] for i in order] for line in [header, *lines])
    done = run("score", table.bundle, shuffled)
    assert done.code == 0
    assert len(done.out.splitlines()) == 1 + 940
    assert done.out == run("score", table.bundle, sensor_csv).out


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_whole_numbers_in_a_file_score_as_they_were_trained_on(run, digits, rows, tmp_path, dtype):
    assert np.array_equal(digits.x, digits.x.astype(dtype))
    np.save(tmp_path / "whole.npy", digits.x.astype(dtype))
    whole = run("score", digits.bundle, tmp_path / "whole.npy")
    assert whole.code == 0
    assert whole.out == run("score", digits.bundle, rows).out


def test_labels_of_an_npz_file_do_no_harm(run, digits, digits_run, rows):
    labelled = run("score", digits.bundle, digits_run.path / "test.npz")
    assert labelled.out == run("score", digits.bundle, rows).out


BY_TIME = ("--recording", "machine", "--time", "time")


def test_a_table_is_scored_window_by_window_as_those_cut_by_hand(
    run, pump, pump_csv, pump_windows, table_of
):
    x, first, last, y = pump_windows
    done = run("score", pump.bundle, pump_csv, *BY_TIME)
    expected, table = pump.runner.score(x), table_of(done.out)
    assert list(table) == ["first_row", "last_row", "score", "p_value", "is_anomaly"]
    np.testing.assert_array_equal(table["first_row"].astype(int), first)
    np.testing.assert_array_equal(table["last_row"].astype(int), last)
    np.testing.assert_array_equal(table["score"].astype(np.float32), expected.score)
    np.testing.assert_array_equal(table["p_value"].astype(np.float64), expected.p_value)
    np.testing.assert_array_equal(table["is_anomaly"].astype(int), expected.is_anomaly)
    assert expected.is_anomaly[y].mean() > 0.9
    assert done.err == (  # the last two rows of six of the seven stretches
        f"{int(expected.is_anomaly.sum()):,} anomalies in {len(x):,} windows; "
        "12 rows are in no window\n"
    )


def test_windows_are_written_to_npz_with_their_rows(run, pump, pump_csv, pump_windows, tmp_path):
    output = tmp_path / "scores.npz"
    assert run("score", pump.bundle, pump_csv, *BY_TIME, "-o", output).code == 0
    with np.load(output) as saved:
        np.testing.assert_array_equal(saved["first_row"], pump_windows[1])
        np.testing.assert_array_equal(saved["last_row"], pump_windows[2])


def test_windows_begin_as_often_as_asked_for(run, pump, pump_csv, table_of):
    done = run("score", pump.bundle, pump_csv, *BY_TIME, "--stride", 12)
    first = table_of(done.out)["first_row"].astype(int)
    assert len(first) == 5 * 41 + 16 + 24  # of 500, 201 and 299 readings
    assert set(np.diff(first[-41:])) == {12 * 6}  # six machines take turns


def test_a_parquet_table_and_a_folder_of_them_are_scored_as_the_csv(
    run, table, sensor_csv, tmp_path, table_of
):
    header, *lines = csv.reader(sensor_csv.read_text().splitlines())
    values = np.array(lines, float)
    (tmp_path / "day").mkdir()
    columns = list(reversed(header))  # matched by name
    for number, part in enumerate(np.split(values, 4)):
        arrays = {name: part[:, header.index(name)] for name in columns}
        pq.write_table(pa.table(arrays), tmp_path / "day" / f"{number}.parquet")
    pq.write_table(pq.read_table(tmp_path / "day"), tmp_path / "all.parquet")
    expected = run("score", table.bundle, sensor_csv)
    assert expected.code == 0
    assert run("score", table.bundle, tmp_path / "all.parquet").out == expected.out
    day = table_of(run("score", table.bundle, tmp_path / "day").out)
    assert day["file"][-1] == str(tmp_path / "day" / "3.parquet")
    assert day["row"][-1] == "234"
    for name in ("score", "p_value", "is_anomaly"):
        np.testing.assert_array_equal(day[name], table_of(expected.out)[name])


def test_a_table_without_a_column_of_the_model_is_an_error_that_names_it(
    run, table, tmp_path, check_failed
):
    (tmp_path / "rows.csv").write_text("temperature,vibration\n1,2\n")
    check_failed(run("score", table.bundle, tmp_path / "rows.csv"), "the columns 'pressure', ")


def test_how_to_cut_is_an_error_with_a_model_of_rows(run, table, sensor_csv, check_failed):
    done = run("score", table.bundle, sensor_csv, "--stride", 2)
    check_failed(done, "expected --stride, --recording, --time and --gap with a model of")


def test_recordings_that_nobody_tells_apart_are_told_of(run, pump, pump_csv, tmp_path, caplog):
    shutil.copy(pump_csv, tmp_path / "rows.csv")  # a file is told of once
    done = run("score", pump.bundle, tmp_path / "rows.csv", "--recording", "", "--time", "time")
    assert done.code == 0
    assert "if rows of several recordings or machines alternate, name their column" in caplog.text


def test_a_damaged_parquet_table_is_an_error_that_names_it(run, table, tmp_path, check_failed):
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 and no more")
    check_failed(run("score", table.bundle, tmp_path / "rows.parquet"), "rows.parquet is not a")


def test_a_missing_pyarrow_is_an_error_that_says_what_to_do(
    run, table, tmp_path, monkeypatch, check_failed
):
    (tmp_path / "rows.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    done = run("score", table.bundle, tmp_path / "rows.parquet")
    check_failed(done, "reading Parquet needs pyarrow: pip install 'vae-runtime[batch]'")


@pytest.mark.parametrize(
    ("alpha", "message"), [("1e-4", "at least 9999"), ("2", "between 0 and 1")]
)
def test_an_alpha_that_cannot_be_kept_is_an_error(run, digits, rows, alpha, message, check_failed):
    check_failed(run("score", digits.bundle, rows, "--alpha", alpha), message)


@pytest.mark.parametrize(
    "options",
    [["--profile", "server"], ["--profile", "throughput"], ["--threads", "2"], ["--threads", "0"]],
)
def test_settings_change_no_verdict(run, table_of, digits, rows, options):
    plain, other = (table_of(run("score", digits.bundle, rows, *o).out) for o in ([], options))
    np.testing.assert_array_equal(plain["is_anomaly"], other["is_anomaly"])


def test_another_precision_scores_with_its_own_files(
    run, table_of, digits_int8_bundle, digits, rows
):
    done = run("score", digits_int8_bundle, rows, "--precision", "int8")
    expected = Runner.load(digits_int8_bundle, precision="int8").score(digits.x)
    found = table_of(done.out)
    np.testing.assert_array_equal(found["score"].astype(np.float32), expected.score)
    np.testing.assert_array_equal(found["p_value"].astype(float), expected.p_value)


def test_a_false_discovery_rate_can_be_given(run, table_of, table, sensor_csv):
    found = table_of(run("score", table.bundle, sensor_csv, "--fdr", "0.2").out)
    alarms = found["is_anomaly"] == "1"
    assert alarms[900:].mean() > 0.9
    assert alarms[:900].mean() < 0.02


def test_a_false_discovery_rate_that_can_name_no_row_says_why(run, table, sensor_csv):
    done = run("score", table.bundle, sensor_csv, "--fdr", "0.02")
    assert done.err.startswith(
        "0 anomalies in 940 rows\nnone is named at a false discovery rate of"
    )


def test_the_features_that_say_most_are_named(run, table_of, table, sensor_csv):
    found = table_of(run("score", table.bundle, sensor_csv, "--top", "2").out)
    assert list(found)[-4:] == ["top_1", "nats_1", "top_2", "nats_2"]
    assert (found["top_1"][900:] == "current").mean() > 0.9  # the broken sensor
    assert (found["nats_1"].astype(float) >= found["nats_2"].astype(float)).all()


def test_draws_need_a_threshold(run, check_failed, table, sensor_csv):
    done = run("score", table.bundle, sensor_csv, "--samples", "4")
    check_failed(done, "expected a threshold (nats) with samples")


def test_draws_of_a_seed_score_the_same(run, table, sensor_csv):
    options = ("--samples", "4", "--seed", "3", "--threshold", "9")
    first, second = (run("score", table.bundle, sensor_csv, *options) for _ in range(2))
    assert (first.code, first.out) == (0, second.out)


def test_shares_of_features_are_a_table(run, table_of, table, sensor_csv):
    found = table_of(run("explain", table.bundle, sensor_csv).out)
    names = table.runner.manifest.model.feature_names
    assert list(found) == ["row", *names]
    assert len(found["row"]) == 940


def test_shares_of_pixels_are_an_array(run, check_failed, digits, rows, tmp_path):
    assert run("explain", digits.bundle, rows, "-o", tmp_path / "e.npy").code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "e.npy"), digits.runner.explain(digits.x))
    done = run("explain", digits.bundle, rows)
    check_failed(done, "expected another output than .csv, such as .npz, for rows that are no")


def test_shares_of_features_are_columns_of_any_table(run, golden, golden_rows, tmp_path):
    np.save(tmp_path / "x.npy", golden_rows(40, 0))
    runner = Runner.load(golden)
    for ending in ("jsonl", "parquet"):
        output = tmp_path / f"nats.{ending}"
        assert run("explain", golden, tmp_path / "x.npy", "-o", output).code == 0
        table = pj.read_json(output) if ending == "jsonl" else pq.read_table(output)
        assert table.column_names == ["row", *runner.manifest.model.feature_names]
        found = np.stack([column.to_numpy() for column in table.columns[1:]], 1)
        np.testing.assert_allclose(found, runner.explain(golden_rows(40, 0)), rtol=1e-5, atol=1e-5)


def test_shares_of_one_score_are_not_gone_on_with_for_another(run, table, sensor_csv, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text(sensor_csv.read_text().splitlines()[0] + "\n" + "?," * 6 + "\n")
    given = (table.bundle, sensor_csv, bad, "-o", tmp_path / "nats.csv")
    assert run("explain", *given).code == 1
    done = run("explain", *given, "--resume", "--by", "neg_elbo")
    assert done.code == 1
    assert 'with --by "score". Received: "neg_elbo"' in done.err


def test_options_may_stand_before_the_input(run, digits, rows):
    after = run("score", digits.bundle, rows, "--alpha", "0.1")
    for arguments in (
        ["--alpha", "0.1", digits.bundle, rows],
        [digits.bundle, "--alpha", "0.1", rows],
    ):
        done = run("score", *arguments)
        assert (done.code, done.out) == (0, after.out)


def test_shares_of_windows_are_written_with_their_rows(run, pump, pump_csv, pump_windows, tmp_path):
    done = run("explain", pump.bundle, pump_csv, *BY_TIME, "-o", tmp_path / "nats.npz")
    x, first, last, _ = pump_windows
    assert done.code == 0
    assert done.err.startswith(f"wrote {len(x):,} windows to {tmp_path / 'nats.npz'}; ")
    assert done.err.endswith("in no window\n")
    with np.load(tmp_path / "nats.npz") as saved:
        np.testing.assert_array_equal(saved["nats"], pump.runner.explain(x))
        np.testing.assert_array_equal(saved["first_row"], first)
        np.testing.assert_array_equal(saved["last_row"], last)


def test_one_anomaly_is_one(run, digits, tmp_path):
    np.save(tmp_path / "one.npy", digits.x[:1])
    done = run("score", digits.bundle, tmp_path / "one.npy", "--threshold", -1e9)
    assert done.err == "1 anomaly in 1 row\n"


def test_a_seed_goes_with_samples(run, digits, rows, check_failed):
    done = run("score", digits.bundle, rows, "--seed", 5)
    check_failed(done, "expected samples with a seed")
