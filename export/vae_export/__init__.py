"""Exports Keras VAEs as verified ONNX and TFLite bundles, and signs them.

Names load on first use, so that `vae-export --help` need not wait for TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING

from .errors import ExportError

if TYPE_CHECKING:
    from .exporting import export
    from .models import Models
    from .signing import sign

_HOME = {"Models": "models", "export": "exporting", "sign": "signing"}

__all__ = ["ExportError", "Models", "export", "sign"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'vae_export' has no attribute {name!r}")
    importlib.import_module("vae_keras.libraries").check_backend()
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
