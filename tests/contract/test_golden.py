"""Bundles that devices have in the field: read today as on the day that they were made.

Each `tests/golden/NAME.vaeb` has its answers in `NAME.json`; `tests/golden/make.py` says what they
are. A failure here is a broken promise to users: mend the code, not the golden bundle.
"""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter

from vae_runtime import Runner
from vae_runtime.bundle import open_bundle
from vae_runtime.bundle.containers import pack

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.vaeb"))
SHARE = (
    1e-5  # of the largest magnitude, as a bundle's own tolerance: other CPUs add in other orders
)


@pytest.fixture(scope="module", params=GOLDEN, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture(scope="module")
def runner(path):
    return Runner.load(path)


@pytest.fixture(scope="module")
def expected(path):
    answers = json.loads(path.with_suffix(".json").read_text())
    return {key: np.array(value) for key, value in answers.items()}


@pytest.fixture(scope="module")
def x(expected):
    return expected["x"].astype(np.float32)


def check_close(received, expected):
    assert received.shape == expected.shape
    assert received.dtype == np.float32
    assert np.abs(received - expected).max() <= SHARE * max(1.0, np.abs(expected).max())


def test_there_is_one_of_the_first_format_version():
    assert [path.name for path in GOLDEN] == ["sensors-1.vaeb"]


def test_it_is_small_and_says_its_licence(path, runner):
    assert path.stat().st_size < 200_000
    assert runner.manifest.training.license.startswith("Apache-2.0")


def test_it_passes_its_selftest(runner):
    assert runner.selftest().passed


def test_it_scores_as_recorded(runner, x, expected):
    scores = runner.score(x)
    check_close(scores.score, expected["score"])
    one_rank = 1 / (1 + len(runner.manifest.calibration["fp32"].scores))
    np.testing.assert_allclose(scores.p_value, expected["p_value"], rtol=0, atol=1.01 * one_rank)
    np.testing.assert_array_equal(scores.is_anomaly, expected["is_anomaly"])
    assert 0 < scores.is_anomaly.sum() < len(x)


@pytest.mark.parametrize(
    ("method", "key"),
    [
        ("encode", "z_mean"),
        ("classify", "probabilities"),
        ("explain", "feature_nll"),
        ("reconstruct", "x_mean"),
    ],
)
def test_everything_else_answers_as_recorded(runner, x, expected, method, key):
    check_close(getattr(runner, method)(x), expected[key])


def test_its_tflite_files_answer_as_recorded(path, x, expected):
    bundle = open_bundle(path)
    for role, key in (("scorer", "score"), ("encoder", "z_mean"), ("classifier", "probabilities")):
        content = bundle.read(bundle.manifest.file(role, format="tflite"))
        interpreter = Interpreter(model_content=content, num_threads=1)
        check_close(interpreter.get_signature_runner()(x=x)[key], expected[key])


def test_packing_it_again_gives_the_same_bytes(path):
    assert pack(open_bundle(path).contents()) == path.read_bytes()


# A reader of its own, written from docs/bundle-format.md alone: nothing of vae_runtime below here.


def read_bundle(path):
    """The manifest and the bytes of all files, each checked."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    content = members.pop("manifest.json")
    digest, name = members.pop("manifest.json.sha256").decode().split("  ")
    assert (digest, name) == (hashlib.sha256(content).hexdigest(), "manifest.json\n")
    manifest = json.loads(content)
    assert (manifest["format"], manifest["format_version"]) == ("vae-bundle", 1)
    assert set(members) == {file["name"] for file in manifest["files"]}
    for file in manifest["files"]:
        assert len(members[file["name"]]) == file["bytes"]
        assert hashlib.sha256(members[file["name"]]).hexdigest() == file["sha256"]
    return manifest, members


def open_role(manifest, members, role):
    """The role's float32 ONNX graph as a function from inputs to outputs, both by name."""
    wanted = {"role": role, "format": "onnx", "precision": "fp32"}
    (file,) = (f for f in manifest["files"] if wanted.items() <= f.items())
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(members[file["name"]], options)
    names = [tensor["name"] for tensor in file["outputs"]]
    assert {output.name for output in session.get_outputs()} == set(names)
    return lambda feeds: dict(zip(names, session.run(names, feeds), strict=True))


def p_value(score, calibration):
    score = float(score)
    tied_from = score - (calibration["rounding"] + 1e-6 * abs(score))
    at_least = sum(c >= tied_from for c in calibration["scores"])
    return (1 + at_least) / (len(calibration["scores"]) + 1)


def test_a_reader_of_its_own_agrees_with_the_runner(path, runner, x):
    manifest, members = read_bundle(path)
    answers = open_role(manifest, members, "scorer")({"x": x})
    scores = runner.score(x)
    np.testing.assert_array_equal(answers["score"], scores.score)
    np.testing.assert_array_equal(answers["feature_nll"], runner.explain(x))
    calibration = manifest["calibration"]["fp32"]
    own = np.array([p_value(score, calibration) for score in answers["score"]])
    np.testing.assert_array_equal(own, scores.p_value)
    np.testing.assert_array_equal(own <= calibration["alpha"], scores.is_anomaly)


def test_a_reader_of_its_own_finds_all_that_the_document_says_of_scores(path):
    """The formulas of score, nll, kl and log_px, from the other outputs and the encoder's."""
    manifest, members = read_bundle(path)
    x = np.load(io.BytesIO(members["probe.npz"]))["x"]
    scored = open_role(manifest, members, "scorer")({"x": x})
    posterior = open_role(manifest, members, "encoder")({"x": x})
    mean, log_var = posterior["z_mean"], posterior["z_log_var"]
    kl = (np.exp(log_var) + mean**2 - 1 - log_var).sum(1) / 2
    # at one noise row of zeros, z_mean: the logarithms of p(z) and q(z|x), (2 pi) / 2 cancelling
    log_px = -scored["nll"] - (mean**2).sum(1) / 2 + log_var.sum(1) / 2
    check_close(scored["kl"], kl)
    check_close(scored["log_px"], log_px)
    check_close(scored["nll"], scored["feature_nll"].sum(1))
    check_close(scored["score"], scored["nll"] + scored["kl"])


def test_a_reader_of_its_own_can_run_the_selftest(path):
    manifest, members = read_bundle(path)
    probe = np.load(io.BytesIO(members["probe.npz"]))
    recorded = [key for key in probe.files if "." in key]
    assert len(recorded) == 14
    for key in recorded:
        role, output = key.removeprefix("noisy_").split(".")
        names = {"decoder": ["z"]}.get(role, ["x"]) + ["noise"] * key.startswith("noisy_")
        answers = open_role(manifest, members, role)({name: probe[name] for name in names})
        off, size = np.abs(answers[output] - probe[key]), np.abs(probe[key])
        if output == "x_mean":
            scaling = manifest["model"]["preprocessing"]
            off = np.maximum(0, off - 2.0**-21 * size) / scaling["scale"]
            size = np.abs(probe[key] - scaling["offset"]) / scaling["scale"]
        assert off.max() / max(1, size.max()) <= manifest["tolerance"], key
