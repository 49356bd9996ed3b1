"""The written bundle, byte by byte and as a reader sees it."""

import hashlib
import json
import shutil
import subprocess

import numpy as np
import pytest

from vae_export.bundle import npz
from vae_runtime.bundle import open_bundle

OTHERS = {"probe.npz", "report.html", "report.json"}
EXPLAINING = {"replacements.onnx", "replacements.tflite"}
FILES = {f"{role}.{end}" for role in ("encoder", "decoder", "scorer") for end in ("onnx", "tflite")}


@pytest.fixture(scope="module", params=["digits_bundle", "pump_bundle"])
def bundle(request):
    """One of images, one of windows."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def manifest(bundle):
    return json.loads((bundle / "manifest.json").read_text())


def promised(manifest):
    has_mixture = manifest["model"]["mixture"] is not None
    return FILES | OTHERS | (EXPLAINING if has_mixture else set())


def test_it_holds_the_promised_files_and_no_others(manifest, bundle):
    expected = promised(manifest) | {"manifest.json", "manifest.json.sha256"}
    assert {path.name for path in bundle.iterdir()} == expected


def test_tables_and_windows_have_a_mixture_and_images_have_none(digits_bundle, pump_bundle):
    counts = [open_bundle(each).manifest.model.mixture for each in (digits_bundle, pump_bundle)]
    assert counts[0] is None
    assert counts[1] > 1


def test_the_manifest_begins_with_what_it_is(digits_bundle):
    keys = list(json.loads((digits_bundle / "manifest.json").read_text()))
    assert keys[:2] == ["format", "format_version"]


def test_every_file_is_listed_with_its_size_and_hash(manifest, bundle):
    assert {file["name"] for file in manifest["files"]} == promised(manifest)
    for file in manifest["files"]:
        content = (bundle / file["name"]).read_bytes()
        assert file["bytes"] == len(content)
        assert file["sha256"] == hashlib.sha256(content).hexdigest()


def test_parity_of_every_output_is_recorded_and_within_tolerance(manifest):
    for file in manifest["files"]:
        assert set(file["parity"]) == {output["name"] for output in file["outputs"]}
        assert all(deviation <= manifest["tolerance"] for deviation in file["parity"].values())


def test_any_shell_can_check_the_manifest(digits_bundle):
    if shutil.which("sha256sum") is None:
        pytest.skip("this machine has no sha256sum")
    command = ["sha256sum", "-c", "manifest.json.sha256"]
    subprocess.run(command, cwd=digits_bundle, check=True, stdout=subprocess.DEVNULL)


def test_the_model_is_described_as_trained(table_bundle, table_run):
    model, vae = open_bundle(table_bundle).manifest.model, table_run.vae
    assert model.name == "sensors"
    assert model.feature_names[:2] == ("temperature", "vibration")
    assert (model.likelihood, model.beta, model.latent_dim) == ("gaussian", 1.0, 3)
    networks = vae.encoder.count_params() + vae.decoder.count_params()
    others = vae.likelihood.count_params() + vae.preprocessing.count_params()
    assert model.parameters == networks + others  # no number of the mixture
    assert model.value_range is None  # a normal distribution has no limits
    np.testing.assert_array_equal(np.float32(model.preprocessing.scale), vae.preprocessing.scale)


def test_windows_are_described_as_trained(pump_bundle, pump_run):
    model = open_bundle(pump_bundle).manifest.model
    assert (model.input_shape, model.stride) == ((12, 3), 3)
    assert model.feature_names == ("pressure", "flow", "current")
    assert (model.one_hot, model.value_range) == ((), None)
    scaling = pump_run.vae.preprocessing
    np.testing.assert_array_equal(np.float32(model.preprocessing.offset), scaling.offset)
    np.testing.assert_array_equal(np.float32(model.preprocessing.scale), scaling.scale)


def test_rows_that_are_no_windows_have_no_stride(table_bundle, digits_bundle):
    for bundle in (table_bundle, digits_bundle):
        assert open_bundle(bundle).manifest.model.stride is None


def test_a_bounded_likelihood_states_its_range(digits_bundle):
    assert open_bundle(digits_bundle).manifest.model.value_range == (0.0, 16.0)


def test_no_path_of_the_training_machine_is_inside(table_bundle, sensor_csv):
    for path in table_bundle.iterdir():
        assert str(sensor_csv.parent).encode() not in path.read_bytes(), path.name


def test_calibration_scores_are_those_of_the_exported_scorer(digits_bundle, digits_run):
    calibration = open_bundle(digits_bundle).manifest.calibration["fp32"]
    keras = np.sort(digits_run.calibration["score"])
    assert calibration.alpha == digits_run.config.train.alpha
    np.testing.assert_allclose(calibration.scores, keras, rtol=1e-5)


def test_the_probe_answers_every_output_of_every_graph(digits_bundle):
    bundle = open_bundle(digits_bundle)
    probe = bundle.read_probe()
    assert 8 <= len(probe["x"]) <= 32
    for role in ("encoder", "decoder", "scorer"):
        for output in bundle.manifest.file(role).outputs:
            assert f"{role}.{output.name}" in probe
    assert "noisy_scorer.score" in probe


def test_equal_arrays_are_equal_bytes():
    arrays = {"x": np.arange(5.0), "y": np.zeros(3)}
    assert npz(arrays) == npz(arrays)


def test_a_bundle_with_classes_holds_a_classifier_and_their_names(states_bundle):
    expected = FILES | OTHERS | EXPLAINING | {"classifier.onnx", "classifier.tflite"}
    manifest = open_bundle(states_bundle).manifest
    assert {file.name for file in manifest.files} == expected
    assert manifest.model.classes == ("full, hot", "half", "idle")
    (output,) = manifest.file("classifier").outputs
    assert (output.name, output.shape) == ("probabilities", ("batch", 3))
    assert open_bundle(states_bundle).read_probe()["classifier.probabilities"].shape == (16, 3)


def test_a_bundle_without_classes_says_so(digits_bundle):
    assert open_bundle(digits_bundle).manifest.model.classes is None


def test_each_unit_has_the_scores_of_its_own_calibration_rows(fleet_bundle, fleet_run):
    described, kept = open_bundle(fleet_bundle).manifest, fleet_run.calibration
    made = described.calibration["fp32"]
    assert described.model.unit == "machine"
    assert sorted(made.units) == ["p1", "p2", "p3"]
    for unit, scores in made.units.items():
        expected = np.sort(kept["score"][kept["unit"] == unit])
        np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)
    assert made.scores == tuple(sorted(s for scores in made.units.values() for s in scores))
    assert "3 units have thresholds of their own" in (fleet_bundle / "report.html").read_text()
