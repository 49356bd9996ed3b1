"""What files are measured against, where the model has seen the calibration rows."""

import dataclasses
import json

import numpy as np
import pytest

from vae_export import ExportError, export
from vae_export.convert.artefacts import Artefact
from vae_export.convert.result import Conversion
from vae_export.convert.variants import VARIANTS
from vae_export.gates.answers import TOLERANCE, tensors
from vae_export.graphs import evidence, source
from vae_export.graphs.functions import answers, build_graphs
from vae_keras import DataConfig, ModelConfig, TrainConfig, train
from vae_keras.data import Dataset
from vae_keras.evaluate import evaluate_bundle, evaluate_run, score_rows
from vae_runtime import Runner, recalibrate
from vae_runtime.bundle import open_bundle
from vae_runtime.cli import main
from vae_runtime.verdicts.calibration import SCORE_RTOL, p_values


@pytest.fixture(scope="module")
def known(few_run):
    return evidence.gather(source.of_run(few_run))


@pytest.fixture(scope="module")
def calibrations(few_bundle):
    return open_bundle(few_bundle).manifest.calibration


def test_a_run_with_folds_is_exported_in_every_precision_without_loss(few_bundle, calibrations):
    report = json.loads((few_bundle / "report.json").read_text())
    results = [gate["result"] for file in report["files"] for gate in file["gates"].values()]
    assert set(results) == {"passed"}
    files = {"fp32", "int8", "int8.tflite"}
    assert set(calibrations) == files | {f"{name}.neg_elbo" for name in files}
    assert {calibration.folds for calibration in calibrations.values()} == {3}


def test_alarms_are_calibrated_on_scores_out_of_fold(few_run, calibrations):
    cross = np.sort(few_run.calibration["cross_score"])
    np.testing.assert_allclose(calibrations["fp32"].scores, cross, rtol=1e-5, atol=1e-5)
    assert np.abs(np.array(calibrations["int8"].scores) - cross).max() > 1e-3


def test_a_file_adds_its_own_error_to_a_score_out_of_fold(known):
    cross = known.source.calibration["cross_score"]
    conformal = known.references["score"].conformal
    np.testing.assert_array_equal(conformal(known.calibration), cross)
    error = np.linspace(-1, 1, len(cross))
    expected = cross + error
    np.testing.assert_allclose(
        known.references["score"].conformal(known.calibration + error), expected, atol=1e-5
    )


def test_held_back_rows_are_scored_by_the_file_itself(table_run):
    known = evidence.gather(source.of_run(table_run))
    scores = known.calibration + 1
    np.testing.assert_array_equal(known.references["score"].conformal(scores), scores)


def test_only_test_rows_are_unseen_where_the_model_was_trained_on_those_of_calibration(
    known, table_run
):
    np.testing.assert_array_equal(known.unseen["x"], known.source.test["x"])
    np.testing.assert_array_equal(known.unseen["score"], known.test)
    held_back = evidence.gather(source.of_run(table_run))
    both = len(held_back.calibration) + len(held_back.test)
    assert len(held_back.unseen["x"]) == len(held_back.unseen["score"]) == both


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_alarms_on_fresh_rows_are_about_those_of_keras(
    few_run, few_bundle, fresh_sensor_rows, precision
):
    scored = Runner.load(few_bundle, precision=precision).score(fresh_sensor_rows, alpha=0.05)
    keras = score_rows(few_run.vae, fresh_sensor_rows)["score"]
    expected = p_values(keras, np.sort(few_run.calibration["cross_score"])) <= 0.05
    assert (scored.is_anomaly != expected).mean() <= 0.01
    assert 0.005 < scored.is_anomaly.mean() < 0.1


def test_run_and_bundle_are_judged_alike(few_run, few_bundle):
    rows = Dataset("few", few_run.test["x"], few_run.test["y"])
    assert evaluate_bundle(few_bundle, rows) == evaluate_run(few_run, rows)


def test_the_report_and_the_runner_say_how_it_was_calibrated(few_bundle, capsys):
    page = (few_bundle / "report.html").read_text()
    assert "in 3 folds, each scored by a model that was trained without it" in page
    assert "False alarms expected" in page
    assert "calibrated by folds, as rows were few" in page
    report = json.loads((few_bundle / "report.json").read_text())
    assert report["model"]["rows"] == {"train": 178, "validation": 20, "test": 42}
    assert report["alarms"]["int8"]["folds"] == 3
    assert main(["info", str(few_bundle)]) == 0
    assert "198 normal rows in 3 folds, cross-conformal" in capsys.readouterr().out


def test_a_report_of_held_back_rows_promises(table_bundle):
    page = (table_bundle / "report.html").read_text()
    assert "False alarms promised" in page
    assert "folds" not in page


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["cross_score", "cross_neg_elbo"])
def test_scores_out_of_fold_that_are_no_numbers_are_refused(few_run, name, bad, tmp_path):
    known = source.of_run(few_run)
    cross = np.array(known.calibration[name])
    cross[7] = bad
    broken = {**known.calibration, name: cross}
    with pytest.raises(ExportError, match=rf"finite {name} for each row\. Received: 197 for 198"):
        export(dataclasses.replace(known, calibration=broken), tmp_path / "bundle")


# Scores of images


def test_a_score_of_images_is_no_better_known_than_the_terms_that_cancel_in_it(photos_run):
    """Grey levels cost far more than what is told of them: float32 errors are a share of that."""
    known = evidence.gather(source.of_run(photos_run))
    score = np.abs(np.asarray(known.source.vae.score(known.feeds["x"])["score"])).max()
    pixels = 12 * 16
    assert 0.5 * pixels < known.error_scales["score"] < score + np.log(2) * pixels + 1
    assert known.error_scales["score"] > 10 * score


# Scores with a mixture


def test_terms_without_the_mixture_are_held_to_their_own_size(known):
    """The mixture's terms cancel, and are many times the VAE's: they excuse no error of its."""
    vae, x = known.source.vae, known.feeds["x"]
    terms = {name: np.abs(np.asarray(value)) for name, value in vae.score(x).items()}
    own = (terms["feature_nll"].reshape(len(x), -1).sum(1) + terms["kl"]).max()
    mixture = float(np.max(vae.mixture.magnitude(vae.preprocessing(x))))
    error_scales = known.error_scales
    assert (
        error_scales["nll"]
        == error_scales["log_px"]
        == pytest.approx(max(own, error_scales["feature_nll"]))
    )
    assert error_scales["score"] == error_scales["mixture_nll"] > error_scales["nll"]
    assert error_scales["score"] <= max(own + mixture, error_scales["feature_nll"]) * (1 + 1e-6)
    rounding = {name: reference.rounding for name, reference in known.references.items()}
    assert 0 <= rounding["neg_elbo"] < SCORE_RTOL * own < rounding["score"]


def test_each_calibration_has_the_rounding_of_its_own_terms(known, calibrations):
    for name, calibration in calibrations.items():
        score = "neg_elbo" if name.endswith(".neg_elbo") else "score"
        assert calibration.rounding == known.references[score].rounding, name


def test_a_wrong_nll_is_refused_though_a_mixture_is_larger(known):
    scorer = build_graphs(known.source.vae, "float32")[2]
    shift = np.float32(3 * TOLERANCE * known.error_scales["nll"])
    assert shift < TOLERANCE * known.error_scales["score"]

    def off(feeds):
        answer = answers(scorer, feeds)
        return {**answer, "nll": answer["nll"] + shift}

    variant = next(v for v in VARIANTS if v.name("scorer") == "scorer.onnx")
    made = Artefact(scorer, variant, Conversion(b""), known)
    made.__dict__["engine"] = off
    with pytest.raises(ExportError, match="output 'nll' differs from Keras"):
        tensors(made)


# Machines


@pytest.fixture(scope="module")
def fleet_by_folds(tmp_path_factory, fleet_csv):
    run, _ = train(
        DataConfig(str(fleet_csv), machine="machine", folds=3),
        ModelConfig(hidden=(16,), latent_dim=2),
        TrainConfig(epochs=4, learning_rate=1e-2, alpha=0.05),
        out=tmp_path_factory.mktemp("runs") / "fleet",
        log=lambda line: None,
    )
    return run


def test_each_machine_is_calibrated_on_its_own_scores_out_of_fold(fleet_by_folds, tmp_path):
    kept = fleet_by_folds.calibration
    out = export(fleet_by_folds, tmp_path / "b", formats=("onnx",), log=lambda line: None)
    calibration = open_bundle(out).manifest.calibration["fp32"]
    assert calibration.folds == 3
    assert set(calibration.by_machine) == {"p1", "p2", "p3"}
    for machine, scores in calibration.by_machine.items():
        cross = np.sort(kept["cross_score"][kept["machine"] == machine])
        np.testing.assert_allclose(scores, cross, rtol=1e-5, atol=1e-5)
    page = (out / "report.html").read_text()
    assert "3 machines have thresholds of their own" in page
    assert "is calibrated by folds" in page


def test_a_run_is_judged_by_each_machine_out_of_fold(fleet_by_folds):
    kept, test = fleet_by_folds.calibration, fleet_by_folds.test
    score = score_rows(fleet_by_folds.vae, test["x"])["score"]
    alarms = []
    for machine in ("p1", "p2", "p3"):
        cross = np.sort(kept["cross_score"][kept["machine"] == machine])
        alarms.append((p_values(score[test["machine"] == machine], cross) <= 0.05).sum())
    metrics = evaluate_run(fleet_by_folds)
    assert metrics.false_alarm_rate == pytest.approx(sum(alarms) / len(score))
    dataset = Dataset("fleet", test["x"], test["y"], machines=test["machine"])
    assert evaluate_run(fleet_by_folds, dataset) == metrics


def test_one_machine_more_leaves_the_others_by_folds(fleet_by_folds, tmp_path):
    out = export(fleet_by_folds, tmp_path / "b", formats=("onnx",), log=lambda line: None)
    rows = fleet_by_folds.test["x"][:40]
    recalibrate(out, rows, tmp_path / "one", machines="p9")
    one = open_bundle(tmp_path / "one").manifest
    assert (one.calibration["fp32"].folds, one.recalibrated[0].machine) == (3, "p9")
    recalibrate(out, rows, tmp_path / "all")
    assert open_bundle(tmp_path / "all").manifest.calibration["fp32"].folds == 1
