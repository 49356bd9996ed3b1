"""A run and its bundle answer alike."""

import numpy as np
import pytest

from vae_keras.pages.judge import judge_of_bundle, judge_of_run
from vae_runtime import Runner

ROUNDING = 1e-4  # of float32 in Keras and in onnxruntime, as a share of the largest answer


@pytest.mark.parametrize("name", ["table", "pump", "digits"])
def test_a_run_and_its_bundle_answer_alike(name, request):
    run, bundle = (request.getfixturevalue(f"{name}_{kind}") for kind in ("run", "bundle"))
    keras, device, x = judge_of_run(run), judge_of_bundle(bundle), run.test["x"][-20:]
    for question in ("score", "nats", "expect"):
        one, other = getattr(keras, question)(x), getattr(device, question)(x)
        assert one.shape == other.shape
        assert np.abs(one - other).max() <= ROUNDING * np.abs(other).max()
    assert keras.calibration.rounding == device.calibration.rounding
    assert keras.is_image is device.is_image is (name == "digits")
    np.testing.assert_allclose(keras.calibration.scores, device.calibration.scores, rtol=1e-4)


def test_channels_are_blamed_as_the_runner_blames_them(pump_run, pump_bundle):
    x = pump_run.test["x"][-5:]
    nats, top = judge_of_bundle(pump_bundle).nats(x), Runner.load(pump_bundle).top_features(x, 1)
    names = np.array(pump_run.data.feature_names)
    assert names[nats.argmax(axis=1)].tolist() == top.names[:, 0].tolist()
    np.testing.assert_array_equal(nats.max(axis=1), top.nats[:, 0])
