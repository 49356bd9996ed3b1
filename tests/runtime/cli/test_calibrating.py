"""`vae-runtime calibrate`, and what `score` makes of bundles whose machines are told apart."""

import csv
import json
import re

import numpy as np
import pytest

from vae_runtime import Runner
from vae_runtime.bundle import open_bundle

COLUMNS = ("temperature", "vibration", "pressure", "flow", "current", "speed")
NOISE = {"pump-1": 0.3, "pump-2": 0.5}


def write_csv(path, parts):
    """Rows of machines, interleaved: a column `machine`, then the sensors."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["machine", *COLUMNS])
        for rows in zip(*parts.values(), strict=True):
            writer.writerows([m, *r.tolist()] for m, r in zip(parts, rows, strict=True))
    return path


@pytest.fixture
def normal(golden_rows, tmp_path):
    """A table of normal rows of two machines."""
    parts = {m: golden_rows(150, i, noise) for i, (m, noise) in enumerate(NOISE.items())}
    return write_csv(tmp_path / "normal.csv", parts)


@pytest.fixture
def fleet(run, golden, normal, tmp_path):
    out = tmp_path / "fleet"
    assert run("calibrate", golden, normal, "--machine-column", "machine", "-o", out).code == 0
    return out


@pytest.fixture
def rows_file(golden_rows, tmp_path):
    """Normal rows of one machine, without its name."""
    np.save(tmp_path / "x.npy", golden_rows(120, 5, 0.5))
    return tmp_path / "x.npy"


def test_it_prints_what_became_of_the_threshold(run, golden, rows_file, tmp_path):
    done = run("calibrate", golden, rows_file, "-o", tmp_path / "new", "--alpha", 0.05)
    runner = Runner.load(golden)
    alarms = runner.score(np.load(rows_file), alpha=0.05).is_anomaly.mean()
    assert done.code == 0
    assert done.out.startswith("fp32: score > ")
    assert f"alarms on {alarms:.2%} of these 120 rows" in done.out
    assert done.err.endswith(f"wrote {tmp_path / 'new'}, calibrated on 120 rows\n")
    assert Runner.load(tmp_path / "new").calibration.alpha == 0.05


def test_it_says_of_which_score_a_threshold_is_as_info_does(run, table, tmp_path):
    np.save(tmp_path / "x.npy", table.x)
    done = run("calibrate", table.bundle, tmp_path / "x.npy", "-o", tmp_path / "n", "--alpha", 0.1)
    sums, alone = (line for line in done.out.splitlines() if line)
    assert sums.startswith("fp32: score > ")
    assert alone.startswith("fp32.neg_elbo: nll + kl > ")
    said = run("info", tmp_path / "n").out
    for line in (sums, alone):
        name, limit = line.split(" at alpha")[0].split(": ")
        assert f"that is {limit} ({name}," in said


def test_as_json_it_prints_the_same_figures(run, golden, rows_file, tmp_path):
    done = json.loads(run("calibrate", golden, rows_file, "-o", tmp_path / "n", "--json").out)
    (record,) = open_bundle(tmp_path / "n").manifest.recalibrated
    assert done["record"]["sha256"] == record.sha256
    (change,) = done["changes"]
    assert (change["precision"], change["rows"], change["machine"]) == ("fp32", 120, None)
    assert (done["path"], done["lost_machines"]) == (str(tmp_path / "n"), [])


def test_info_says_what_the_threshold_is_of(run, golden, fleet, rows_file, tmp_path):
    assert "calibrated" not in run("info", golden).out.replace("calibrated on", "")
    said = run("info", fleet).out
    assert "calibrated   anew on 300 rows, 20" in said
    assert "machines     2 by 'machine' (fp32), each by its own rows: pump-1 > " in said
    run("calibrate", fleet, rows_file, "--machine", "pump-9", "-o", tmp_path / "new")
    assert "anew on 120 rows of pump-9" in run("info", tmp_path / "new").out


def test_each_row_of_a_table_is_judged_by_its_own_machine(run, fleet, normal, table_of):
    done = run("score", fleet, normal)
    table, runner = table_of(done.out), Runner.load(fleet)
    assert list(table) == ["row", "machine", "score", "p_value", "is_anomaly"]
    assert list(table["machine"][:3]) == ["pump-1", "pump-2", "pump-1"]
    x = np.loadtxt(normal, delimiter=",", skiprows=1, usecols=range(1, 7))
    expected = runner.score(x, machines=table["machine"])
    np.testing.assert_array_equal(table["p_value"].astype(float), expected.p_value)
    assert not np.array_equal(expected.p_value, runner.score(x).p_value)


def test_a_column_that_names_machines_and_is_kept_is_in_the_results_once(
    run, fleet, normal, table_of, check_failed
):
    table = table_of(run("score", fleet, normal, "--keep", "machine").out)
    assert list(table) == ["row", "machine", "score", "p_value", "is_anomaly"]
    own = ["--keep", "machine", "--machine", "pump-1"]
    check_failed(run("score", fleet, normal, *own), "Received: rows of pump-2")
    other = normal.with_name("other.csv")
    other.write_text(
        normal.read_text()
        .replace("machine", "who,machine", 1)
        .replace("pump-1,", "pump-1,x,")
        .replace("pump-2,", "pump-2,y,")
    )
    done = run("score", fleet, other, "--keep", "machine", "--machine-column", "who")
    check_failed(done, "Received: machine twice.")


def test_one_machine_is_named_and_its_rows_need_not_be(run, fleet, rows_file, table_of):
    table = table_of(run("score", fleet, rows_file, "--machine", "pump-2").out)
    expected = Runner.load(fleet, machine="pump-2").score(np.load(rows_file))
    np.testing.assert_array_equal(table["p_value"].astype(float), expected.p_value)


def test_rows_that_say_they_are_of_others_are_refused(
    run, fleet, normal, golden_rows, tmp_path, check_failed
):
    for command in (["score", fleet, normal], ["calibrate", fleet, normal, "-o", tmp_path / "n"]):
        done = run(*command, "--machine", "pump-2")
        check_failed(done, "Received: rows of pump-1, as their 'machine' says.")
    own = write_csv(tmp_path / "own.csv", {"pump-2": golden_rows(9, 0)})
    assert run("score", fleet, own, "--machine", "pump-2").code == 0


def test_the_machines_of_an_npz_are_one_of_its_keys(run, fleet, rows_file, tmp_path):
    x = np.load(rows_file)
    np.savez(tmp_path / "x.npz", x=x, who=["pump-1", "pump-2"] * 60)
    out = tmp_path / "s.npz"
    assert run("score", fleet, tmp_path / "x.npz", "--machine-column", "who", "-o", out).code == 0
    with np.load(out) as scores:
        assert scores["machine"][1] == "pump-2"


def test_rows_that_nobody_says_whose_they_are_are_refused(
    run, fleet, golden, rows_file, normal, tmp_path, check_failed
):
    for command in (["score", fleet, rows_file], ["calibrate", fleet, rows_file, "-o", "new"]):
        done = run(*command)
        check_failed(done, "The bundle's machines are named in 'machine': name the machine")
    run("calibrate", golden, rows_file, "--machine", "pump-1", "-o", tmp_path / "one")
    check_failed(run("score", tmp_path / "one", normal), "expected to be told whose rows these are")
    check_failed(
        run("score", fleet, normal, "--machine-column", "pump"), "expected the column 'pump'"
    )
    check_failed(run("score", fleet, rows_file, "--machine", "x"), "calibrated for the machine 'x'")
    done = run("score", golden, normal, "--machine-column", "machine")
    check_failed(
        done,
        "expected a bundle with machines, for the machine column 'machine' (--machine-column).",
    )


def test_an_empty_column_judges_by_all_machines_together(run, fleet, rows_file, table_of):
    table = table_of(run("score", fleet, rows_file, "--machine-column", "").out)
    expected = Runner.load(fleet).score(np.load(rows_file))
    np.testing.assert_array_equal(table["p_value"].astype(float), expected.p_value)


def test_one_machine_is_followed_and_several_are_not(run, fleet, normal, check_failed):
    done = run("score", fleet, normal, "--follow")
    check_failed(
        done, "expected --machine NAME with --follow, as the bundle is calibrated for each"
    )
    done = run("score", fleet, normal, "--follow", "--machine", "pump-2")
    assert done.code == 0
    results = [json.loads(line) for line in done.out.splitlines()]
    x = np.loadtxt(normal, delimiter=",", skiprows=1, usecols=range(1, 7))
    expected = Runner.load(fleet, machine="pump-2").score(x).p_value
    np.testing.assert_allclose([r["p_value"] for r in results], expected, atol=1 / 151)


def test_machines_and_files_that_are_lost_are_said(run, fleet, golden_rows, rows_file, tmp_path):
    other = write_csv(tmp_path / "other.csv", {"pump-2": golden_rows(150, 9, 0.5)})
    done = run("calibrate", fleet, other, "-o", tmp_path / "a")
    assert "removed, as none of these rows are of them: the machines pump-1\n" in done.err
    done = run("calibrate", fleet, rows_file, "--machine-column", "", "-o", tmp_path / "b")
    assert "the machines pump-1, pump-2\n" in done.err
    done = run("calibrate", tmp_path / "b", rows_file, "--machine", "pump-7", "-o", tmp_path / "c")
    assert "removed, as it was not by machine: the old calibration\n" in done.err


def test_the_report_and_precisions_that_are_left_out_are_said(run, full_of, tmp_path):
    full = full_of("table")
    np.save(tmp_path / "x.npy", full.x)
    done = run(
        *("calibrate", full.bundle, tmp_path / "x.npy", "-o", tmp_path / "n.vaeb"),
        *("--alpha", 0.05, "--precision", "fp32,int8"),
    )
    assert done.code == 0
    assert "as the report shows the old thresholds: report.html, report.json\n" in done.err
    assert "left out, as --precision says: decoder.dynamic.tflite" in done.err
    assert run("score", tmp_path / "n.vaeb", tmp_path / "x.npy", "--precision", "int8").code == 0


def test_rows_that_repeat_are_said_to_be_no_evidence(run, golden, golden_rows, tmp_path):
    np.save(tmp_path / "x.npy", np.repeat(golden_rows(3, 0), 50, axis=0))
    done = run("calibrate", golden, tmp_path / "x.npy", "-o", tmp_path / "new")
    assert done.code == 0
    assert "in 150 rows: rows that repeat say no more than one of them" in done.err


def test_rows_that_are_marked_as_anomalies_are_refused(
    run, golden, golden_rows, tmp_path, check_failed
):
    np.savez(tmp_path / "x.npz", x=golden_rows(120, 0), y=np.arange(120) < 3)
    done = run("calibrate", golden, tmp_path / "x.npz", "-o", tmp_path / "new")
    check_failed(done, "Received: 3 of 120 marked as anomalies (y).")


def test_a_false_discovery_rate_counts_the_rows_of_a_machine(
    run, fleet, normal, golden_rows, tmp_path
):
    quiet = write_csv(tmp_path / "q.csv", {m: golden_rows(40, 1, 0.0) for m in NOISE})
    done = run("score", fleet, quiet, "--fdr", 0.1)
    assert "of the 150 calibration rows" in done.err


def test_one_machine_and_a_column_of_machines_contradict_each_other(run, fleet, normal):
    with pytest.raises(SystemExit) as e:
        run("score", fleet, normal, "--machine", "pump-1", "--machine-column", "machine")
    assert e.value.code == 2


def test_windows_are_calibrated_by_machine(run, pump, pump_csv, tmp_path):
    command = ("calibrate", pump.bundle, pump_csv, "--alpha", 0.1, "--machine-column", "machine")
    assert run(*command, "-o", tmp_path / "new").code == 0
    machines = open_bundle(tmp_path / "new").manifest.calibration["fp32"].by_machine
    assert sorted(machines) == [f"m{i}" for i in range(6)]
    assert run("score", tmp_path / "new", pump_csv).code == 0


def test_rows_of_another_world_are_refused_unless_forced(
    run, golden, golden_rows, tmp_path, check_failed
):
    np.save(tmp_path / "x.npy", golden_rows(120, 0) * np.float32(1000))
    out = tmp_path / "new"
    done = run("calibrate", golden, tmp_path / "x.npy", "-o", out)
    check_failed(done, "Received: 120 that it does not know, as the old threshold, 7.4")
    assert "--force" in done.err
    assert not out.exists()
    forced = run("calibrate", golden, tmp_path / "x.npy", "-o", out, "--force")
    assert forced.code == 0
    assert "the old threshold alarms on 100.0% of the rows: the model hardly knows" in forced.err


def test_rows_of_which_most_alarmed_are_told_of(run, golden, golden_rows, tmp_path):
    np.save(tmp_path / "x.npy", golden_rows(120, 0, 0.9))
    done = run("calibrate", golden, tmp_path / "x.npy", "-o", tmp_path / "new")
    assert done.code == 0
    assert "a model that is trained on rows of this place would find more" in done.err
    np.save(tmp_path / "x.npy", golden_rows(120, 0))
    quiet = run("calibrate", golden, tmp_path / "x.npy", "-o", tmp_path / "newer")
    assert "hardly knows" not in quiet.err


def test_a_row_of_an_unknown_machine_is_one_bad_row(run, fleet, normal, tmp_path, check_failed):
    lines = normal.read_text().splitlines()
    lines[5] = lines[5].replace(lines[5].split(",")[0], "pump-9", 1)
    normal.write_text("\n".join(lines))
    reason = "expected a bundle that is calibrated for the machine 'pump-9'. Received: "
    check_failed(run("score", fleet, normal, "-o", tmp_path / "o.csv"), f"row 4: {reason}")
    done = run("score", fleet, normal, "-o", tmp_path / "o.csv", "--on-bad-row", "reject")
    assert (done.code, "1 of 300 rejected" in done.err) == (0, True)
    assert reason in (tmp_path / "o.csv.rejects.csv").read_text()


def test_bad_rows_are_left_out_where_that_is_asked_for(run, golden, normal, tmp_path, check_failed):
    more = tmp_path / "day" / "more.csv"
    more.parent.mkdir()
    lines = normal.read_text().splitlines()
    more.write_text("\n".join([*lines[:3], ",".join(["pump-1", "", *lines[3].split(",")[2:]])]))
    reason = "row 2: line 4: no value in column 'temperature'."
    done = run("calibrate", golden, normal, more.parent, "-o", tmp_path / "new")
    check_failed(done, f"more.csv, {reason} To go on beside such rows")
    rejecting = ("-o", tmp_path / "new", "--on-bad-row", "reject")
    done = run("calibrate", golden, normal, more.parent, *rejecting)
    assert done.code == 0, done.err
    assert "calibrated on 302 rows; 1 rejected, the first is row 2 of " in done.err


def test_images_set_a_threshold(run, photos_bundle, photos, tmp_path, check_failed):
    given = ("calibrate", photos_bundle, photos / "good", "--alpha", "0.1", "-o")
    assert run(*given, tmp_path / "a").code == 0
    globbed = ("calibrate", photos_bundle, f"{photos}/good/[0-9]*.png", "--alpha", "0.1", "-o")
    assert run(*globbed, tmp_path / "b").code == 0
    scores = [open_bundle(tmp_path / n).manifest.calibration["fp32"].scores for n in "ab"]
    assert len(scores[0]) == 120
    assert scores[0] == scores[1]
    done = run("calibrate", photos_bundle, photos, "-o", tmp_path / "c")
    check_failed(done, "Received: 6 of 126 marked as anomalies (by folders beside good or normal)")


def test_a_folder_of_images_and_one_of_them_are_read_together(run, photos_bundle, photos, tmp_path):
    inputs = (photos / "good", photos / "scratched" / "000.png")
    done = run("calibrate", photos_bundle, *inputs, "--alpha", "0.1", "-o", tmp_path / "new")
    assert done.code == 0
    assert "calibrated on 121 rows" in done.err


def test_windows_are_called_windows(run, pump_bundle, pump_csv, tmp_path):
    done = run("calibrate", pump_bundle, pump_csv, "-o", tmp_path / "new", "--alpha", "0.05")
    assert done.code == 0, done.err
    assert re.search(r"alarms on [\d.]+% of these [\d,]+ windows", done.out)
    assert re.search(r"calibrated on [\d,]+ windows", done.err)
    assert re.search(r"anew on [\d,]+ windows", run("info", tmp_path / "new").out)
