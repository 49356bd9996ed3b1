"""Runs VAE bundles with numpy and onnxruntime alone: anomaly scores, samples, reconstructions."""

from .errors import BundleError
from .runner import Runner, Scores

__all__ = ["BundleError", "Runner", "Scores"]
__version__ = "0.1.0"
