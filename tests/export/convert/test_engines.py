"""Files that no engine can load are refused by name; those of int8 run as those of float32."""

import numpy as np
import pytest

from vae_export import ExportError
from vae_export.convert.engines import open_onnx, open_tflite
from vae_export.convert.quantize_tflite import to_int8
from vae_export.convert.read_tflite import quantization
from vae_export.graphs.functions import Graph


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x00" * 64])
def test_garbage_is_refused_by_onnxruntime(content):
    with pytest.raises(ExportError, match=r"scorer.onnx: onnxruntime cannot load it"):
        open_onnx("scorer.onnx", content)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x00" * 64])
def test_garbage_is_refused_by_litert(content):
    with pytest.raises(ExportError, match=r"scorer.tflite: LiteRT cannot load it"):
        open_tflite("scorer.tflite", content)


@pytest.fixture(scope="module")
def doubling():
    """y = 2 x in int8, for x from -1 to 1."""
    shape = ("batch", 3)
    graph = Graph(
        "double", lambda x: {"y": x + x}, {"x": ("float32", shape)}, {"y": shape}, {}, {}, ()
    )
    rows = np.linspace(-1.0, 1.0, 30, dtype=np.float32).reshape(10, 3)
    return to_int8(graph, {}, {"x": rows}).content


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_int8_takes_and_gives_floats_of_any_number_of_rows(doubling, rows):
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (rows, 3)).astype(np.float32)
    y = open_tflite("double.int8.tflite", doubling)({"x": x})["y"]
    assert y.dtype == np.float32
    assert y.shape == (rows, 3)
    scale, _ = quantization(doubling)["y"]
    np.testing.assert_allclose(y, 2 * x, atol=1.5 * scale)  # half a step in, half out, one between


def test_what_is_beyond_the_range_of_int8_saturates(doubling):
    """It does not wrap round to the other end."""
    x = np.array([[1.0, -1.0, 0.0], [1e6, -1e6, 0.0]], np.float32)
    inside, beyond = open_tflite("double.int8.tflite", doubling)({"x": x})["y"]
    scale, _ = quantization(doubling)["y"]
    np.testing.assert_allclose(beyond, inside, atol=1.5 * scale)
