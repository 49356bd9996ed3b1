"""Exports Keras VAEs as verified ONNX and TFLite bundles, and signs them.

Names load on first use, so that `vae-export --help` need not wait for TensorFlow.
"""

from typing import TYPE_CHECKING

from vae_keras._base.libraries import check_backend
from vae_keras._base.tf_log_filter import load, lower_tf_log_level

from .convert import libraries
from .errors import ExportError

if TYPE_CHECKING:
    from vae_export.bundle.sign import sign

    from .exporting import export
    from .models import Models

_HOME = {"Models": "models", "export": "exporting", "sign": "bundle.sign"}

__all__ = ["ExportError", "Models", "export", "sign"]

lower_tf_log_level()  # before TensorFlow is first imported, which logs at length


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'vae_export' has no attribute {name!r}")
    check_backend()
    if name != "sign":  # which needs none of them
        libraries.check()
    return getattr(load(f"{__name__}.{_HOME[name]}"), name)
