import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vae_runtime import __version__, typed_json
from vae_runtime.calibration import threshold
from vae_runtime.cli import main

COMMAND = Path(sys.executable).with_name("vae-runtime")
PIPE_HOLDS = 65_536  # bytes on Linux; more than that must be written to notice a reader that left


class Done:
    """What a command printed, and its exit code."""

    def __init__(self, code, captured):
        self.code, self.out, self.err = code, captured.out, captured.err


@pytest.fixture
def run(capsys):
    """Runs the command in this process."""

    def call(*arguments):
        code = main([str(argument) for argument in arguments])
        return Done(code, capsys.readouterr())

    return call


@pytest.fixture
def rows(digits, tmp_path):
    """A file of rows for the digits bundle."""
    path = tmp_path / "rows.npy"
    np.save(path, digits.x)
    return path


def table_of(text):
    """The columns of a CSV as arrays of text."""
    header, *lines = csv.reader(io.StringIO(text))
    return dict(zip(header, np.array(lines).T, strict=True))


def test_info_says_what_a_bundle_is(run, table):
    done = run("info", table.bundle)
    manifest = table.runner.manifest
    calibration = manifest.calibration["fp32"]
    assert done.code == 0
    for fact in [
        f"sensors: gaussian VAE, {manifest.model.parameters:,} parameters",
        "float32 (batch, 6)",
        "temperature, vibration, pressure, flow, current, speed",
        f"{manifest.training.rows:,} rows of sensors",
        f"calibrated on {len(calibration.scores):,} normal rows",
        f"score > {threshold(np.array(calibration.scores), calibration.alpha):.6g}",
        *(file.name for file in manifest.files),
    ]:
        assert fact in done.out


def test_info_gives_the_range_of_values(run, digits):
    assert "float32 (batch, 8, 8, 1) in [0, 16]" in run("info", digits.bundle).out


def test_info_as_json_is_the_manifest(run, case):
    done = run("info", case.bundle, "--json")
    assert done.code == 0
    assert json.loads(done.out) == json.loads((case.bundle / "manifest.json").read_bytes())


def test_info_says_what_windows_a_model_takes(run, pump, table):
    said = run("info", pump.bundle).out
    assert "float32 (batch, 12, 3)" in said
    assert "windows      of 12 rows, every 3" in said
    assert "features     pressure, flow, current" in said
    assert "windows" not in run("info", table.bundle).out


def test_selftest_passes_on_a_good_bundle(run, case):
    done = run("selftest", case.bundle)
    assert done.code == 0
    assert "selftest passed: 26 comparisons with Keras" in done.out
    assert "FAILED" not in done.out


def spoil(arrays):
    arrays["decoder.x_mean"] = arrays["decoder.x_mean"] + 1


def test_selftest_fails_with_exit_code_1_and_names_the_output(run, bundle_copy, change_probe):
    change_probe(bundle_copy, spoil)
    done = run("selftest", bundle_copy)
    assert done.code == 1
    failed = [line for line in done.out.splitlines() if line.startswith("FAILED")]
    assert [line.split()[1] for line in failed] == ["decoder.x_mean", "decoder.x_mean"]
    assert "selftest FAILED" in done.out


def test_selftest_as_json_holds_every_check(run, digits):
    done = run("selftest", digits.bundle, "--json")
    report = json.loads(done.out)
    assert report["passed"] is True
    assert len(report["checks"]) == 26
    assert set(report["checks"][0]) == {"name", "rows", "deviation", "passed"}


def test_selftest_as_json_is_json_also_where_a_deviation_is_infinite(
    run, bundle_copy, change_probe
):
    change_probe(bundle_copy, lambda a: a.update({"decoder.x_mean": a["decoder.x_mean"][:3]}))
    done = run("selftest", bundle_copy, "--json")
    assert done.code == 1
    report = typed_json.parse(done.out.encode())
    failed = [check for check in report["checks"] if not check["passed"]]
    assert [check["deviation"] for check in failed] == [None, None]


def test_scores_go_to_standard_output_and_the_count_to_standard_error(run, digits, rows):
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
def test_an_alarm_level_can_be_given(run, digits, rows, option, value):
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


@pytest.mark.parametrize("extension", ["npy", "png"])
def test_the_same_seed_samples_the_same_bytes(run, digits, tmp_path, extension):
    def draw(name, seed):
        output = tmp_path / f"{name}.{extension}"
        assert run("sample", digits.bundle, "-n", 5, "--seed", seed, "-o", output).code == 0
        return output.read_bytes()

    assert draw("first", 7) == draw("second", 7)
    assert draw("first", 7) != draw("third", 8)


def test_samples_are_the_runners(run, table, tmp_path):
    done = run("sample", table.bundle, "-n", 5, "--seed", 7, "-o", tmp_path / "rows.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "rows.npy"), table.runner.sample(5, seed=7))
    assert done.err == f"wrote 5 rows to {tmp_path / 'rows.npy'}\n"


def test_samples_are_16_where_no_number_is_given(run, table, tmp_path):
    run("sample", table.bundle, "-o", tmp_path / "rows.npy")
    assert np.load(tmp_path / "rows.npy").shape == (16, 6)


@pytest.mark.parametrize("command", ["encode", "reconstruct"])
def test_rows_are_encoded_and_reconstructed_as_by_the_runner(run, digits, rows, tmp_path, command):
    assert run(command, digits.bundle, rows, "-o", tmp_path / "out.npy").code == 0
    out = np.load(tmp_path / "out.npy")
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, getattr(digits.runner, command)(digits.x))


def test_reconstructions_can_be_seen(run, digits, rows, tmp_path):
    assert run("reconstruct", digits.bundle, rows, "-o", tmp_path / "out.png").code == 0
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_an_interrupted_command_says_so_in_one_line(run, digits, rows, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("vae_runtime.cli.read_input", interrupt)
    done = run("score", digits.bundle, rows)
    assert done.code == 130  # as a shell says of a program that SIGINT ended
    assert done.err == "vae-runtime: interrupted; nothing was written\n"


BY_TIME = ("--group", "machine", "--time", "time")


def test_a_table_is_scored_window_by_window_as_those_cut_by_hand(run, pump, pump_csv, pump_windows):
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
    assert done.err == f"{int(expected.is_anomaly.sum()):,} anomalies in {len(x):,} rows\n"


def test_windows_are_written_to_npz_with_their_rows(run, pump, pump_csv, pump_windows, tmp_path):
    output = tmp_path / "scores.npz"
    assert run("score", pump.bundle, pump_csv, *BY_TIME, "-o", output).code == 0
    with np.load(output) as saved:
        np.testing.assert_array_equal(saved["first_row"], pump_windows[1])
        np.testing.assert_array_equal(saved["last_row"], pump_windows[2])


def test_windows_begin_as_often_as_asked_for(run, pump, pump_csv):
    done = run("score", pump.bundle, pump_csv, *BY_TIME, "--stride", 12)
    first = table_of(done.out)["first_row"].astype(int)
    assert len(first) == 5 * 41 + 16 + 24  # of 500, 201 and 299 readings
    assert set(np.diff(first[-41:])) == {12 * 6}  # six machines take turns


@pytest.mark.parametrize("command", ["encode", "reconstruct"])
def test_windows_are_encoded_and_reconstructed(
    run, pump, pump_csv, pump_windows, tmp_path, command
):
    out = tmp_path / "out.npy"
    assert run(command, pump.bundle, pump_csv, *BY_TIME, "-o", out).code == 0
    np.testing.assert_array_equal(np.load(out), getattr(pump.runner, command)(pump_windows[0]))


def test_a_parquet_table_and_a_folder_of_them_are_scored_as_the_csv(
    run, table, sensor_csv, tmp_path
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
    for rows in (tmp_path / "day", tmp_path / "all.parquet"):
        assert run("score", table.bundle, rows).out == expected.out


def test_every_command_takes_a_bundle_in_one_file(run, table, table_archive, sensor_csv, tmp_path):
    for command in ("info", "selftest"):
        assert run(command, table_archive).out == run(command, table.bundle).out
    scored = run("score", table_archive, sensor_csv)
    assert scored.code == 0
    assert scored.out == run("score", table.bundle, sensor_csv).out
    for bundle, out in ((table.bundle, "a.npy"), (table_archive, "b.npy")):
        assert run("sample", bundle, "--seed", 1, "-o", tmp_path / out).code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))


def test_packing_writes_the_bundle_in_one_file(run, table, table_archive, tmp_path):
    for bundle, out in ((table.bundle, "a.vaeb"), (table_archive, "b.vaeb")):
        assert run("pack", bundle, "-o", tmp_path / out).code == 0
        assert (tmp_path / out).read_bytes() == table_archive.read_bytes()


def test_a_damaged_bundle_is_not_packed(run, bundle_copy, tmp_path):
    (bundle_copy / "encoder.tflite").write_bytes(b"")
    check_failed(run("pack", bundle_copy, "-o", tmp_path / "a.vaeb"), "encoder.tflite: expected")
    assert not (tmp_path / "a.vaeb").exists()


def check_failed(done, message):
    """Exit code 1, one message on standard error, nothing on standard output."""
    assert done.code == 1
    assert done.out == ""
    assert done.err.startswith("vae-runtime: ")
    assert message in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("command", ["info", "selftest"])
def test_a_missing_bundle_is_an_error(run, tmp_path, command):
    check_failed(run(command, tmp_path / "nowhere"), "Received: nothing at that path.")


def test_a_damaged_bundle_is_an_error(run, bundle_copy, rows):
    (bundle_copy / "scorer.onnx").write_bytes(b"")
    check_failed(run("score", bundle_copy, rows), "scorer.onnx: expected")


def test_a_missing_input_is_an_error_that_names_it(run, digits, tmp_path):
    check_failed(run("score", digits.bundle, tmp_path / "no.npy"), str(tmp_path / "no.npy"))


def test_bad_rows_are_an_error_that_says_where(run, digits, tmp_path):
    x = digits.x.copy()
    x[2, 3, 4, 0] = np.nan
    np.save(tmp_path / "bad.npy", x)
    done = run("score", digits.bundle, tmp_path / "bad.npy")
    check_failed(done, "Received: nan in row 2, feature (3, 4, 0)")


def test_a_table_without_a_column_of_the_model_is_an_error_that_names_it(run, table, tmp_path):
    (tmp_path / "rows.csv").write_text("temperature,vibration\n1,2\n")
    check_failed(run("score", table.bundle, tmp_path / "rows.csv"), "the column 'pressure'")


def test_how_to_cut_is_an_error_with_a_model_of_rows(run, table, sensor_csv):
    done = run("score", table.bundle, sensor_csv, "--stride", 2)
    check_failed(done, "expected --stride, --group and --time with a model of windows")


def test_recordings_that_nobody_tells_apart_are_an_error(run, pump, pump_csv):
    done = run("score", pump.bundle, pump_csv, "--time", "time")
    check_failed(done, "name the column that tells recordings apart (--group)")


def test_a_damaged_parquet_table_is_an_error_that_names_it(run, table, tmp_path):
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 and no more")
    check_failed(run("score", table.bundle, tmp_path / "rows.parquet"), "rows.parquet is not a")


def test_a_missing_pyarrow_is_an_error_that_says_what_to_do(run, table, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    done = run("score", table.bundle, tmp_path / "rows.parquet")
    check_failed(done, "reading Parquet needs pyarrow: pip install 'vae-runtime[batch]'")


@pytest.mark.parametrize(
    ("alpha", "message"), [("1e-4", "at least 9999"), ("2", "between 0 and 1")]
)
def test_an_alpha_that_cannot_be_kept_is_an_error(run, digits, rows, alpha, message):
    check_failed(run("score", digits.bundle, rows, "--alpha", alpha), message)


def test_no_samples_are_an_error(run, digits, tmp_path):
    done = run("sample", digits.bundle, "-n", 0, "-o", tmp_path / "out.npy")
    check_failed(done, "expected n from 1")


@pytest.mark.parametrize(
    ("command", "extension", "message"),
    [
        ("score", ".json", "expected an output of .csv or .npz."),
        ("score", ".npy", "expected an output of .csv or .npz."),
        ("encode", ".csv", "expected an output of .npy, or .png for images."),
        ("encode", ".png", "expected images"),
        ("reconstruct", "", "expected an output of .npy, or .png for images."),
        ("pack", ".zip", "expected an output of .vaeb."),
    ],
)
def test_an_output_that_cannot_be_written_is_an_error_and_leaves_nothing(
    run, digits, rows, tmp_path, command, extension, message
):
    before = set(tmp_path.iterdir())
    rows = [] if command == "pack" else [rows]
    check_failed(run(command, digits.bundle, *rows, "-o", tmp_path / f"out{extension}"), message)
    assert set(tmp_path.iterdir()) == before


def test_a_table_is_no_image(run, table, tmp_path):
    done = run("sample", table.bundle, "-o", tmp_path / "out.png")
    check_failed(done, "expected images (batch, height, width, 1 or 3). Received: (16, 6).")


def test_an_output_in_a_directory_that_is_not_there_makes_it(run, digits, rows, tmp_path):
    assert run("score", digits.bundle, rows, "-o", tmp_path / "new" / "out.csv").code == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.csv"]


def test_an_output_that_is_a_directory_is_an_error_that_names_it(run, digits, rows, tmp_path):
    (tmp_path / "out.csv").mkdir()
    done = run("score", digits.bundle, rows, "-o", tmp_path / "out.csv")
    check_failed(done, f"{tmp_path / 'out.csv'}: expected a file to write. Received: a folder")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["info"],
        ["score", "bundle"],
        ["score", "bundle", "rows.npy", "--alpha", "low"],
        ["score", "bundle", "rows.npy", "--stride", "some"],
        ["score", "bundle", "rows.npy", "--alpha", "0.1", "--threshold", "3"],
        ["sample", "bundle"],
        ["sample", "bundle", "-o", "out.npy", "-n", "many"],
        ["encode", "bundle", "rows.npy"],
        ["info", "bundle", "--yaml"],
    ],
)
def test_wrong_usage_exits_with_2_and_says_how(capsys, arguments):
    with pytest.raises(SystemExit) as e:
        main(arguments)
    assert e.value.code == 2
    assert "usage: vae-runtime" in capsys.readouterr().err


def test_help_lists_the_commands(capsys):
    with pytest.raises(SystemExit) as e:
        main(["--help"])
    assert e.value.code == 0
    said = capsys.readouterr().out
    for command in (
        "info",
        "selftest",
        "score",
        "classify",
        "sample",
        "encode",
        "reconstruct",
        "pack",
    ):
        assert command in said


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as e:
        main(["--version"])
    assert e.value.code == 0
    assert capsys.readouterr().out == f"vae-runtime {__version__}\n"


def buffered():
    """This environment, with standard output as a user's shell has it."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}


@pytest.mark.skipif(os.name != "posix", reason="a pipeline of a POSIX shell")
def test_a_pipeline_that_has_seen_enough_ends_quietly(digits, tmp_path):
    many = np.resize(digits.x, (6000, 8, 8, 1))
    np.save(tmp_path / "rows.npy", many)
    assert 6000 * len("0,20.0,0.5,0\n") > PIPE_HOLDS
    done = subprocess.run(
        f'"{COMMAND}" score "{digits.bundle}" "{tmp_path}/rows.npy" | head -1',
        shell=True,
        capture_output=True,
        text=True,
        env=buffered(),
    )
    assert done.stdout == "row,score,p_value,is_anomaly\n"
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
@pytest.mark.parametrize("command", ["info", "selftest", "score"])
def test_output_that_nobody_reads_is_no_error(digits, rows, command):
    arguments = [command, digits.bundle, *([rows] if command == "score" else [])]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [COMMAND, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True, env=buffered()
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
