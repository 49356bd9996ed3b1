"""A run and its bundle answer alike."""

import numpy as np
import pytest

from vae_keras.pages.judge import by_channel, judge_of_bundle, judge_of_run
from vae_runtime import Runner
from vae_runtime.bundle.records import RowSpec
from vae_runtime.explain.features import TopFeatures

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


def test_a_category_is_blamed_at_the_value_that_most_of_the_window_has():
    """The names of all features come in the order of their nats, and so differ from row to row."""
    rows = {"name": "pump", "input_shape": (3, 4), "input_dtype": "float32", "one_hot": ()}
    names, modes = ("flow", "temp", "mode_idle", "mode_wash"), {"mode": ("idle", "wash")}
    spec = RowSpec(**rows, value_range=None, feature_names=names, categories=modes, stride=1)
    x = np.zeros((2, 3, 4), np.float32)
    x[0, :, 2], x[1, 1:, 3] = 1, 1
    found = TopFeatures(
        np.array([["mode", "flow", "temp"], ["temp", "mode", "flow"]]),
        np.array([[5, 2, 1], [7, 3, -1]], np.float32),
    )
    np.testing.assert_array_equal(by_channel(found, spec, x), [[2, 1, 5, 0], [-1, 7, 0, 3]])
