"""Functions that tf2onnx does not know give what TensorFlow gives."""

import numpy as np
import pytest
import tensorflow as tf

from vae_export.convert.engines import open_onnx
from vae_export.convert.tf2onnx_handlers import HANDLERS
from vae_export.convert.to_onnx import to_onnx
from vae_export.graphs.functions import Graph

ROUNDING = 2e-7  # of a number about 1: they cancel near 0

X = np.array([[-3.0, -1.0, -1e-3], [0.0, 1e-6, 1e-3], [0.5, 1.0, 4.0]], np.float32)


@pytest.mark.parametrize(
    ("op", "function", "x"),
    [
        ("Erfc", tf.math.erfc, X),
        ("Expm1", tf.math.expm1, np.minimum(X, 1.0)),
        ("Log1p", tf.math.log1p, np.maximum(X, -0.5)),
    ],
)
def test_it_is_tensorflows(op, function, x):
    shapes = {"x": ("float32", ("batch", 3))}, {"y": ("batch", 3)}
    graph = Graph("small", lambda x: {"y": function(x)}, *shapes, {}, {}, ())
    assert op in HANDLERS
    received = open_onnx("small.onnx", to_onnx(graph, {}).content)({"x": x})["y"]
    expected = function(tf.constant(x)).numpy()
    np.testing.assert_allclose(received, expected, rtol=0, atol=ROUNDING * max(1, expected.max()))
