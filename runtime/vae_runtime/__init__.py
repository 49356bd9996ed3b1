"""Runs VAE bundles with numpy and onnxruntime alone: anomaly scores, samples, reconstructions.

What is asked for loads on first use: numpy not before the command line can be interrupted.
"""

import importlib
from typing import TYPE_CHECKING

from .errors import BundleError

if TYPE_CHECKING:
    from vae_runtime.backends.litert import LiteRT
    from vae_runtime.backends.onnx_runtime import OnnxRuntime
    from vae_runtime.verdicts.recalibration import recalibrate

    from .backends import Profile
    from .live import (
        Drift,
        DriftSettings,
        StreamResult,
        StreamScorer,
        uncorrelated_spacing,
    )
    from .runner import Runner, Scores

_HOME = {
    "Drift": "live",
    "DriftSettings": "live",
    "LiteRT": "backends.litert",
    "OnnxRuntime": "backends.onnx_runtime",
    "Profile": "backends",
    "Runner": "runner",
    "Scores": "runner",
    "StreamResult": "live",
    "StreamScorer": "live",
    "recalibrate": "verdicts.recalibration",
    "uncorrelated_spacing": "live",
}

__all__ = [
    "BundleError",
    "Drift",
    "DriftSettings",
    "LiteRT",
    "OnnxRuntime",
    "Profile",
    "Runner",
    "Scores",
    "StreamResult",
    "StreamScorer",
    "recalibrate",
    "uncorrelated_spacing",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'vae_runtime' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
