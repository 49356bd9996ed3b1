"""Keras's global settings change nothing here, and stay what the user made them."""

import json
import os
import subprocess
import sys

import keras
import pytest

from vae_keras import VAE, Gaussian, conv_pair, mlp_pair
from vae_keras._base.keras_defaults import WANTED_DEFAULTS, with_keras_defaults
from vae_keras._base.libraries import check_backend


@pytest.fixture(autouse=True)
def as_they_were():
    given = [(put, get()) for (get, put), _ in WANTED_DEFAULTS]
    yield
    for put, value in given:
        put(value)


def others():
    keras.config.set_floatx("float64")
    keras.config.set_image_data_format("channels_first")
    keras.config.set_dtype_policy("mixed_float16")


def test_settings_hold_within_and_are_the_users_after():
    others()
    theirs = [get() for (get, _), _ in WANTED_DEFAULTS]
    with with_keras_defaults():
        assert [get() for (get, _), _ in WANTED_DEFAULTS] == [
            wanted for _, wanted in WANTED_DEFAULTS
        ]
    assert [get() for (get, _), _ in WANTED_DEFAULTS] == theirs


@pytest.mark.parametrize(("make", "shape"), [(mlp_pair, (6,)), (conv_pair, (8, 8, 1))])
def test_pairs_are_float32_with_channels_last_whatever_keras_defaults_to(make, shape):
    others()
    encoder, decoder = make(shape, 2)
    assert encoder.input_shape == decoder.output_shape == (None, *shape)
    kept = {w.dtype for model in (encoder, decoder) for w in model.weights}
    assert {*kept, encoder.input.dtype, decoder.output.dtype} == {"float32"}


def test_a_vae_under_a_global_policy_is_float32():
    keras.config.set_dtype_policy("mixed_float16")
    vae = VAE(*mlp_pair((6,), 2), likelihood=Gaussian(), classifier=3)
    assert vae.compute_dtype == "float32"
    assert {w.dtype for w in vae.weights if w.dtype.startswith("float")} == {"float32"}
    assert vae.score(keras.ops.ones((4, 6), "float32"))["score"].dtype == "float32"


def test_another_floatx_is_refused_with_the_remedy():
    pair = mlp_pair((6,), 2)
    keras.config.set_floatx("float64")
    with pytest.raises(ValueError, match=r"'float64', of keras\.json .*set_floatx\('float32'\)"):
        VAE(*pair, likelihood="gaussian")


@pytest.mark.parametrize("backend", ["torch", "numpy", "bogus"])
def test_another_backend_is_refused_by_where_it_was_named(backend, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    with pytest.raises(ValueError, match=f"'{backend}', of KERAS_BACKEND"):
        check_backend()
    monkeypatch.delenv("KERAS_BACKEND")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "keras.json").write_text(json.dumps({"backend": backend}))
    with pytest.raises(ValueError, match=rf"'{backend}', of .*keras\.json"):
        check_backend()
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert check_backend() == "jax"
    monkeypatch.delenv("KERAS_BACKEND")
    (tmp_path / "keras.json").write_text("{")
    assert check_backend() == "tensorflow"


@pytest.mark.parametrize(
    "command", [["-c", "from vae_keras import VAE"], ["-m", "vae_export", "r", "--out", "b"]]
)
def test_under_torch_there_is_one_line_that_says_what_is_supported(command, tmp_path):
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "expected a Keras backend of tensorflow or jax" in done.stderr.splitlines()[-1]
