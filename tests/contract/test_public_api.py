"""The names that users build on. Changing one of these sets is changing the product."""

import importlib

import pytest

PUBLIC = {
    "vae_keras": {
        "VAE",
        "Bernoulli",
        "Categorical",
        "Cyclical",
        "DataConfig",
        "Gaussian",
        "Mixed",
        "ModelConfig",
        "Scaling",
        "Split",
        "StudentT",
        "TrainConfig",
        "Warmup",
        "conv_pair",
        "mlp_pair",
        "open_run",
        "train",
    },
    "vae_export": {"ExportError", "Models", "export", "sign"},
    "vae_runtime": {
        "BundleError",
        "Drift",
        "DriftSettings",
        "LiteRT",
        "OnnxRuntime",
        "Profile",
        "Runner",
        "Scores",
        "StreamResult",
        "StreamScorer",
        "recalibrate",
        "uncorrelated_spacing",
    },
}

RUNNER = {
    "bench",
    "calibration",
    "classify",
    "decode",
    "encode",
    "expect",
    "expects_missing",
    "explain",
    "interpolate",
    "load",
    "manifest",
    "precision",
    "probe_rows",
    "reconstruct",
    "sample",
    "score",
    "selftest",
    "top_features",
    "machine",
}


@pytest.mark.parametrize("package", PUBLIC)
def test_packages_offer_these_names_and_no_others(package):
    module = importlib.import_module(package)
    assert set(module.__all__) == PUBLIC[package]
    for name in module.__all__:
        assert getattr(module, name).__doc__, name


@pytest.mark.parametrize("package", PUBLIC)
def test_a_name_that_is_not_there_is_an_attribute_error(package):
    module = importlib.import_module(package)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        module.nonsense  # noqa: B018 - the access is the test


def test_the_runner_offers_these_and_no_others(digits_bundle):
    from vae_runtime import Runner

    runner = Runner.load(digits_bundle)
    assert {name for name in dir(runner) if not name.startswith("_")} == RUNNER
