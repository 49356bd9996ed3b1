"""Exports Keras VAEs as verified ONNX and TFLite bundles. Import `vae_export.export` to begin."""

from .errors import ExportError

__all__ = ["ExportError"]
