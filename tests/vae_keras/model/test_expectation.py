"""Which values of a row are expected together."""

import numpy as np

from vae_keras.model.expectation import features_together
from vae_runtime.bundle.manifest import RowSpec

SPEC = {"name": "x", "input_dtype": "float32", "value_range": None}


def test_a_category_is_expected_as_one():
    spec = RowSpec(**SPEC, input_shape=(4,), feature_names=None, one_hot=(2,))
    (together,) = features_together(spec).values()
    assert together.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]]


def test_a_channel_is_expected_at_all_places_at_once():
    spec = RowSpec(**SPEC, input_shape=(2, 2), feature_names=("a", "b"), one_hot=())
    together = features_together(spec)
    assert together["channels_expected"].tolist() == [[1, 0, 1, 0], [0, 1, 0, 1]]
    np.testing.assert_array_equal(together["x_expected"], np.eye(4))
