"""Exports Keras VAEs as verified ONNX and TFLite bundles.

Names load on first use, so that `vae-export --help` need not wait for TensorFlow.
"""

from typing import TYPE_CHECKING

from .errors import ExportError

if TYPE_CHECKING:
    from .exporting import export

__all__ = ["ExportError", "export"]


def __getattr__(name: str) -> object:
    if name != "export":
        raise AttributeError(f"module 'vae_export' has no attribute {name!r}")
    from .exporting import export

    return export
