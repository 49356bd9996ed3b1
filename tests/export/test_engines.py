"""Files that no engine can load are refused by name."""

import pytest

from vae_export import ExportError
from vae_export.engines import open_onnx, open_tflite


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x00" * 64])
def test_garbage_is_refused_by_onnxruntime(content):
    with pytest.raises(ExportError, match=r"scorer.onnx: onnxruntime cannot load it"):
        open_onnx("scorer.onnx", content)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x00" * 64])
def test_garbage_is_refused_by_litert(content):
    with pytest.raises(ExportError, match=r"scorer.tflite: LiteRT cannot load it"):
        open_tflite("scorer.tflite", content)
