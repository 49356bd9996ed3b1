"""Judging scores: against hand counts and scikit-learn's definitions."""

import numpy as np
import pytest

from vae_keras import ModelConfig, TrainConfig, train
from vae_keras.cli import describe, main
from vae_keras.configs import DataConfig
from vae_keras.data import Dataset, load
from vae_keras.evaluate import evaluate, evaluate_bundle, evaluate_run, score_rows, warnings

CALIBRATION = np.arange(99, dtype=float)  # alarms at alpha 0.01 above all of these


def judge(score, y, alpha=0.01):
    return evaluate(np.array(score), np.array(y, bool), calibration=CALIBRATION, alpha=alpha)


def test_rates_are_shares_of_normal_rows_and_of_anomalies():
    metrics = judge([1.0, 200.0, 50.0, 60.0, 300.0, 97.0], [0, 0, 0, 0, 1, 1])
    assert (metrics.normal_rows, metrics.anomalies) == (4, 2)
    assert (metrics.false_alarm_rate, metrics.detection_rate) == (0.25, 0.5)


def test_auroc_is_the_chance_that_an_anomaly_scores_higher():
    assert judge([1.0, 3.0, 2.0, 4.0], [0, 0, 1, 1]).auroc == 0.75


def test_an_alarm_that_breaks_its_promise_is_warned_of():
    normal, high = [1.0] * 80, [200.0] * 20
    (rate,) = warnings(judge(normal + high, [0] * 100))
    assert "20 % of 100 normal test rows at 1 %" in rate
    (ranking,) = warnings(judge([1.0] * 50 + [0.5] * 50, [0] * 50 + [1] * 50))
    assert "AUROC 0 of 50 anomalies" in ranking
    assert warnings(judge([1.0] * 50 + [200.0] * 50, [0] * 50 + [1] * 50)) == []
    assert warnings(judge([1.0], [0])) == []


@pytest.mark.parametrize("extreme", [np.inf, np.nan])
def test_an_infinite_or_undefined_score_ranks_highest(extreme):
    metrics = judge([1.0, 2.0, extreme], [0, 0, 1])
    assert metrics.auroc == 1.0
    assert metrics.detection_rate == 1.0


def test_what_cannot_be_judged_is_none():
    assert judge([1.0, 2.0], [0, 0]).auroc is None
    assert judge([1.0, 2.0], [0, 0]).detection_rate is None
    assert judge([1.0, 2.0], [1, 1]).false_alarm_rate is None


def test_an_alpha_too_fine_for_the_calibration_rows_is_refused():
    with pytest.raises(ValueError, match="at least 199 calibration rows"):
        judge([1.0], [0], alpha=0.005)


def test_score_rows_does_not_depend_on_its_batches(table_run):
    x = table_run.calibration["x"][:150]
    x = np.concatenate([x, x])  # more than one batch
    score = score_rows(table_run.vae, x)["score"]
    assert score.shape == (300,)
    np.testing.assert_allclose(score[:150], score[150:], rtol=1e-5)


def test_a_run_is_judged_on_its_test_rows(digits_long_run):
    metrics = evaluate_run(digits_long_run)
    assert metrics.auroc > 0.98
    assert (metrics.normal_rows, metrics.anomalies) == (180, 400)


def test_a_bundle_is_judged_as_its_run_is(table_run, table_bundle, sensor_csv):
    dataset = load(DataConfig(str(sensor_csv), label="broken"))
    by_keras, by_device = evaluate_run(table_run, dataset), evaluate_bundle(table_bundle, dataset)
    assert by_device == by_keras


@pytest.fixture
def permuted_csv(sensor_csv, tmp_path):
    """The same table with its columns in another order, and one more."""
    lines = [line.split(",") for line in sensor_csv.read_text().splitlines()]
    path = tmp_path / "permuted.csv"
    path.write_text(
        "\n".join(",".join(["9" if i else "extra", *c[::-1]]) for i, c in enumerate(lines))
    )
    return path


def test_columns_are_found_by_name_whatever_their_order(
    table_run, table_bundle, sensor_csv, permuted_csv, capsys
):
    for judged in (table_run.path, table_bundle):
        said = []
        for table in (sensor_csv, permuted_csv):
            assert main(["evaluate", str(judged), "--data", str(table), "--label", "broken"]) == 0
            said.append(capsys.readouterr().out)
        assert said[0] == said[1]


def test_windows_are_judged_alike_by_keras_and_by_the_device(pump_run, pump_bundle, pump_windows):
    x, _, _, y = pump_windows
    dataset = Dataset("windows", x, y)
    by_keras = evaluate_run(pump_run, dataset)
    assert evaluate_bundle(pump_bundle, dataset) == by_keras
    assert (by_keras.normal_rows, by_keras.anomalies) == (len(x) - 23, 23)
    assert by_keras.auroc > 0.95


def test_windows_that_are_cut_already_are_judged(pump_run, pump_windows, tmp_path, capsys):
    np.savez(tmp_path / "windows.npz", x=pump_windows[0], y=pump_windows[3])
    assert main(["evaluate", str(pump_run.path), "--data", str(tmp_path / "windows.npz")]) == 0
    assert "of 23 anomalies, AUROC" in capsys.readouterr().out


def test_windows_of_another_length_are_refused(pump_run, pump_windows, tmp_path, capsys):
    np.savez(tmp_path / "windows.npz", x=pump_windows[0][:, :8])
    assert main(["evaluate", str(pump_run.path), "--data", str(tmp_path / "windows.npz")]) == 1
    assert "or windows of 12 rows without times" in capsys.readouterr().err


def test_rows_of_another_kind_are_refused_by_a_run_of_windows(pump_run, capsys):
    assert main(["evaluate", str(pump_run.path), "--data", "digits"]) == 1
    assert "expected rows of float32 (12, 3), as the run was" in capsys.readouterr().err


def test_rows_of_another_shape_are_refused(table_run, capsys):
    assert main(["evaluate", str(table_run.path), "--data", "digits"]) == 1
    assert "vae-keras: expected" in capsys.readouterr().err


def test_a_damaged_bundle_is_one_line(bundle_copy, capsys):
    (bundle_copy / "scorer.onnx").write_bytes(b"")
    assert main(["evaluate", str(bundle_copy), "--data", "digits"]) == 1
    assert "scorer.onnx: expected" in capsys.readouterr().err


def test_classes_are_judged_on_all_held_back_rows_whose_class_is_known(states_run):
    metrics = evaluate_run(states_run)
    held_back = (states_run.calibration, states_run.test)
    x, labels = (np.concatenate([arrays[key] for arrays in held_back]) for key in ("x", "labels"))
    known = labels >= 0
    assert metrics.labelled_rows == known.sum() > 0
    right = np.asarray(states_run.vae.classify(x[known])).argmax(1) == labels[known]
    assert metrics.accuracy == right.mean()


def test_without_classes_there_is_no_accuracy(table_run):
    metrics = evaluate_run(table_run)
    assert (metrics.labelled_rows, metrics.accuracy) == (0, None)


def test_classes_of_a_bundle_are_judged_as_those_of_its_run(states_run, states_bundle, states_csv):
    dataset = load(DataConfig(str(states_csv), classes="state"))
    by_keras, by_device = evaluate_run(states_run, dataset), evaluate_bundle(states_bundle, dataset)
    assert by_device == by_keras
    assert by_keras.labelled_rows == 100


def test_rows_of_machines_are_judged_each_by_its_own():
    machines = np.array(["a", "b", "b", "a"]), {"a": (1.0,) * 9, "b": (5.0,) * 9}
    metrics = evaluate(
        np.array([3.0, 3.0, 9.0, 0.5]),
        np.zeros(4, bool),
        calibration=CALIBRATION,
        alpha=0.1,
        machines=machines,
    )
    assert metrics.false_alarm_rate == 0.5


def test_a_run_of_machines_and_its_bundle_are_judged_alike(fleet_run, fleet_bundle, fleet_csv):
    fleet = load(DataConfig(str(fleet_csv), machine="machine"))
    assert evaluate_run(fleet_run, fleet) == evaluate_bundle(fleet_bundle, fleet)
    assert evaluate_run(fleet_run) == fleet_run.metrics
    pooled = load(DataConfig(str(fleet_csv), columns=fleet.feature_names))
    assert evaluate_run(fleet_run, pooled) != evaluate_run(fleet_run, fleet)


def test_machines_that_a_model_was_trained_without_are_refused(table_run, table_bundle, fleet_csv):
    fleet = load(DataConfig(str(fleet_csv), machine="machine"))
    for judged in (
        lambda: evaluate_run(table_run, fleet),
        lambda: evaluate_bundle(table_bundle, fleet),
    ):
        with pytest.raises(
            ValueError, match="expected no --machine: this model was trained without"
        ):
            judged()


def test_evaluate_warns_of_rows_of_another_world(table_run, table_bundle, tmp_path, capsys):
    """A machine that runs hotter than any that was trained on."""
    x = table_run.test["x"][~table_run.test["y"]] * 1.1
    path, names = tmp_path / "hot.csv", ",".join([*table_run.data.feature_names, "broken"])
    rows = np.column_stack([x, np.zeros(len(x))])
    np.savetxt(path, rows, delimiter=",", header=names, comments="")
    for judged in (table_run.path, table_bundle):
        assert main(["evaluate", str(judged), "--data", str(path), "--label", "broken"]) == 0
        said = capsys.readouterr()
        assert said.out.startswith("alarms at alpha=0.01: ")
        assert said.err.startswith("warning: the alarm does not keep its rate: ")
        assert said.err.count("\n") == 1
    assert main(["evaluate", str(table_run.path)]) == 0
    assert capsys.readouterr().err == ""


@pytest.fixture(scope="module")
def bench_run(tmp_path_factory):
    """A run of six files, each a recording, the last with anomalies; and their folder."""
    home, rng = tmp_path_factory.mktemp("bench"), np.random.default_rng(0)
    (home / "bench").mkdir()
    for number in range(6):
        x = rng.normal(size=(60, 3)) + rng.normal(size=3)
        broken = np.arange(60) >= (50 if number == 5 else 60)
        path = home / "bench" / f"run_{number}.csv"
        rows = np.column_stack([x + 20 * broken[:, None], broken])
        np.savetxt(path, rows, delimiter=",", header="a,b,c,broken", comments="")
    run, metrics = train(
        DataConfig(str(home / "bench"), label="broken", folds=3),
        ModelConfig(hidden=(8,), latent_dim=2, centres=0),
        TrainConfig(epochs=2, alpha=0.05),
        out=home / "run",
        log=lambda line: None,
    )
    return run, metrics, home / "bench"


def test_each_file_is_held_back_whole_and_judged_by_the_others(bench_run):
    run, metrics, _ = bench_run
    names = {f"run_{number}" for number in range(6)}
    assert run.data.whole_recordings
    assert run.data.recordings["calibration"] + run.data.recordings["test"] == 6
    calibrated, tested = (set(part["recording"]) for part in (run.calibration, run.test))
    assert len(run.calibration["recording"]) == len(run.calibration["x"])
    assert calibrated | tested == names
    assert set(metrics.by_recording) == names
    assert sum(each.normal_rows for each in metrics.by_recording.values()) == 350
    assert 0 < metrics.alike < 1
    assert evaluate_run(run) == metrics
    assert "; by recording: " in describe(metrics)


def test_recordings_of_other_rows_are_judged_by_name(bench_run, capsys):
    run, _, folder = bench_run
    assert main(["evaluate", str(run.path), "--data", str(folder), "--label", "broken"]) == 0
    assert "of 350 normal rows, " in (said := capsys.readouterr().out)
    assert "; by recording: " in said
    one = evaluate_run(run, load(DataConfig(str(folder / "run_1.csv"), label="broken")))
    assert one.by_recording is None
