"""Networks of 8 bits in their chains, held to what Keras computes around the same files."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vae_export.convert.engines import open_tflite
from vae_keras.model import elbo
from vae_runtime import BundleError, LiteRT, Runner
from vae_runtime.backends.int8_networks import CHAINS, dequantize, quantize
from vae_runtime.bundle import Bundle, open_bundle
from vae_runtime.bundle.manifest import Tensor
from vae_runtime.bundle.records import FLOAT_ROLES

# Both add up float32 numbers, by another library's exponentials: of the terms' size.
FLOAT32 = 2e-6

# Rows not trained on, whose verdict may be another than that of fp32. Seen: .012, on windows.
FLIPS = 0.03


def load(full):
    return Runner.load(full.bundle, precision="int8", backend="litert")


def keras_around(full, x):
    """The score's terms, and x_mean of the posterior mean, by the exporter's means."""
    engine = {
        role: open_tflite(role, (full.bundle / f"{role}.int8.tflite").read_bytes())
        for role in ("encoder", "decoder")
    }
    vae = full.run.vae
    u = np.asarray(vae.preprocessing(x))
    posterior = engine["encoder"]({"x": u})
    z_mean, z_log_var = posterior["z_mean"], posterior["z_log_var"]
    parameters = engine["decoder"]({"z": z_mean})["parameters"]
    feature_nll = np.asarray(vae.likelihood.feature_nll(u, parameters))
    nll, kl = feature_nll.reshape(len(x), -1).sum(1), np.asarray(elbo.kl(z_mean, z_log_var))
    ratio = elbo.log_prior_over_posterior(z_mean, z_log_var, np.zeros_like(z_mean))
    x_mean = np.asarray(vae.preprocessing.inverse(vae.likelihood.mean(parameters)))
    terms = {"nll": nll, "kl": kl}
    if vae.mixture is not None:
        terms["mixture_nll"] = np.asarray(vae.mixture(u))
    scored = {"score": sum(terms.values()), **terms, "log_px": np.asarray(ratio) - nll}
    return {**posterior, **scored, "feature_nll": feature_nll, "x_mean": x_mean}


def test_scores_of_the_calibration_rows_are_those_in_the_manifest(full):
    runner, x = load(full), full.run.calibration["x"]
    assert runner.calibration is runner.manifest.calibration["int8.tflite"]
    calibrated = np.array(runner.calibration.scores)
    scores = np.sort(runner.score(x).score)
    tie = runner.calibration.rounding + 1e-6 * np.abs(calibrated)
    assert len(scores) == len(calibrated)
    assert (np.abs(scores - calibrated) <= tie).all()
    assert len(np.unique(calibrated)) > len(calibrated) / 4  # it is no constant that agrees


def test_every_term_is_what_keras_makes_of_the_same_networks(full):
    x = full.x[:60]
    expected, backend, bundle = keras_around(full, x), LiteRT(), open_bundle(full.bundle)
    scorer = backend.open(bundle, "scorer", "int8")
    names = tuple(tensor.name for tensor in scorer.outputs)
    assert names == tuple(t.name for t in bundle.manifest.file("scorer").outputs)
    size = np.abs(expected["feature_nll"]).reshape(len(x), -1).sum(1).max()
    if full.run.vae.mixture is not None:
        u = full.run.vae.preprocessing(x)
        size += float(np.max(full.run.vae.mixture.magnitude(u)))
    for name, answer in zip(names, scorer.run(names, {"x": x}), strict=True):
        assert (answer.shape, answer.dtype) == (expected[name].shape, np.float32), name
        np.testing.assert_allclose(answer, expected[name], atol=FLOAT32 * size, err_msg=name)


def test_latents_and_means_are_what_keras_makes_of_the_same_networks(full):
    runner, x = load(full), full.x[:60]
    expected = keras_around(full, x)
    np.testing.assert_array_equal(runner.encode(x), expected["z_mean"])
    scale = np.abs(full.run.vae.preprocessing.scale).max()
    np.testing.assert_allclose(
        runner.reconstruct(x), expected["x_mean"], rtol=FLOAT32, atol=FLOAT32 * scale
    )
    shares = runner.explain(x, by="nll")
    np.testing.assert_allclose(shares, expected["feature_nll"], rtol=1e-5, atol=1e-4)


def test_verdicts_on_rows_not_trained_on_are_nearly_those_of_fp32(full):
    ours, theirs = load(full).score(full.x), full.runner.score(full.x)
    assert (ours.is_anomaly != theirs.is_anomaly).mean() <= FLIPS


def test_one_hot_groups_of_a_mean_sum_to_one(full_of):
    runner = load(full_of("kinds"))
    groups = runner.manifest.model.one_hot
    assert groups == (3, 2)
    kind, size = np.split(runner.sample(50, seed=0)[:, -5:], [3], axis=1)
    for group in (kind, size):
        assert (group >= 0).all()
        np.testing.assert_allclose(group.sum(1), 1.0, rtol=1e-6)


def test_classes_are_nearly_those_of_fp32(full_of):
    full = full_of("states")
    ours, theirs = load(full).classify(full.x), full.runner.classify(full.x)
    assert (ours.shape, ours.dtype) == (theirs.shape, np.float32)
    assert (ours.argmax(1) == theirs.argmax(1)).mean() > 0.97
    assert "classifier.probabilities" in {c.name for c in load(full).selftest().checks}


@pytest.mark.parametrize("role", CHAINS)
def test_networks_of_before_there_were_graphs_around_them_are_refused_by_name(full_of, role):
    bundle = open_bundle(full_of("states").bundle)
    files = tuple(f for f in bundle.manifest.files if f.role not in FLOAT_ROLES)
    early = dataclasses.replace(bundle.manifest, files=files, format_version=1)
    needed = "mean" if role == "decoder" else "preprocess"
    with pytest.raises(
        BundleError, match=rf"fp32 tflite file for the {needed}.*version 1.*export the run again"
    ):
        LiteRT().open(Bundle(bundle.container, early), role, "int8")


def test_what_stands_around_networks_is_opened_by_itself_as_well(full_of):
    full = full_of("table")
    bundle, u = open_bundle(full.bundle), np.asarray(full.run.vae.preprocessing(full.x))
    for precision in ("int8", "fp32"):
        preprocess = LiteRT().open(bundle, "preprocess", precision)
        found = preprocess.run(("u",), {"x": full.x})[0]
        np.testing.assert_allclose(found, u, rtol=FLOAT32, atol=FLOAT32)
        assert preprocess.parity == bundle.manifest.file("preprocess", format="tflite").parity


def test_a_chain_takes_and_gives_what_the_whole_graph_does(full):
    bundle = open_bundle(full.bundle)
    for role in set(CHAINS) & {file.role for file in bundle.manifest.files}:
        session, whole = LiteRT().open(bundle, role, "int8"), bundle.manifest.file(role)
        outputs = {t.name: (t.dtype, t.shape) for t in session.outputs}
        assert outputs == {t.name: (t.dtype, t.shape) for t in whole.outputs}
        inputs = {t.name: (t.dtype, t.shape) for t in session.inputs}
        noise = {t.name: (t.dtype, t.shape) for t in whole.inputs if t.name == "noise"}
        assert inputs | noise == {t.name: (t.dtype, t.shape) for t in whole.inputs}


def test_float_files_called_int8_are_refused(full_of):
    """As a bundle may be that another tool wrote."""
    bundle = open_bundle(full_of("table").bundle)
    strange = dataclasses.replace(
        bundle.manifest.file("encoder", format="tflite"), precision="int8"
    )
    others = (f for f in bundle.manifest.files if f.name != "encoder.int8.tflite")
    manifest = dataclasses.replace(bundle.manifest, files=(strange, *others))
    with pytest.raises(BundleError, match=re.escape("scale and zero_point of the int8 tensor")):
        LiteRT().open(Bundle(bundle.container, manifest), "encoder", "int8")


TENSOR = st.builds(
    lambda scale, zero_point: Tensor("x", "int8", (1, 3), scale=scale, zero_point=zero_point),
    st.floats(2.0**-10, 4.0, width=32),
    st.integers(-128, 127),
)


@settings(max_examples=100, deadline=None)
@given(TENSOR, hnp.arrays(np.int8, (5, 3)))
def test_integers_survive_the_way_out_and_back(tensor, integers):
    np.testing.assert_array_equal(quantize(dequantize(integers, tensor), tensor), integers)


@settings(max_examples=100, deadline=None)
@given(TENSOR, hnp.arrays(np.float32, (5, 3), elements=st.floats(-(2.0**100), 2.0**100, width=32)))
def test_what_is_stored_is_the_nearest_that_can_be(tensor, value):
    stored = dequantize(quantize(value, tensor), tensor).astype(np.float64)
    every = dequantize(np.arange(-128, 128).astype(np.int8), tensor).astype(np.float64)
    nearest = np.abs(value[..., None].astype(np.float64) - every).min(-1)
    assert (np.abs(value - stored) <= nearest + 1e-5 * tensor.scale + 1e-6 * np.abs(value)).all()


def test_halves_are_rounded_to_even_and_what_is_beyond_saturates():
    tensor = Tensor("x", "int8", (1, 6), scale=0.5, zero_point=10)
    value = np.float32([[0.25, 0.75, -0.25, 1e9, -1e9, 0.0]])
    assert quantize(value, tensor).tolist() == [[10, 12, 10, 127, -128, 10]]


@pytest.mark.parametrize("value", [1e30, 3.4e38, -3.4e38])
def test_a_row_of_huge_numbers_alarms_without_a_warning(full_of, value):
    full = full_of("table")
    x = full.run.test["x"][:3].copy()
    normal = load(full).score(x)
    x[1] = value
    scores = load(full).score(x)
    assert scores.is_anomaly[1]
    np.testing.assert_array_equal(scores.score[[0, 2]], normal.score[[0, 2]])
