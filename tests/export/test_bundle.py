"""The written bundle, byte by byte and as a reader sees it."""

import hashlib
import json
import shutil
import subprocess

import numpy as np
import pytest

from vae_export.bundle import npz
from vae_runtime.bundle import open_bundle

FILES = {f"{role}.{end}" for role in ("encoder", "decoder", "scorer") for end in ("onnx", "tflite")}


@pytest.fixture(scope="module")
def manifest(digits_bundle):
    return json.loads((digits_bundle / "manifest.json").read_text())


def test_it_holds_the_promised_files_and_no_others(digits_bundle):
    expected = FILES | {"probe.npz", "manifest.json", "manifest.json.sha256"}
    assert {path.name for path in digits_bundle.iterdir()} == expected


def test_the_manifest_begins_with_what_it_is(digits_bundle):
    keys = list(json.loads((digits_bundle / "manifest.json").read_text()))
    assert keys[:2] == ["format", "format_version"]


def test_every_file_is_listed_with_its_size_and_hash(manifest, digits_bundle):
    assert {file["name"] for file in manifest["files"]} == FILES | {"probe.npz"}
    for file in manifest["files"]:
        content = (digits_bundle / file["name"]).read_bytes()
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
    assert model.parameters == vae.count_params()
    assert model.value_range is None  # a normal distribution has no limits
    np.testing.assert_array_equal(np.float32(model.preprocessing.scale), vae.preprocessing.scale)


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
