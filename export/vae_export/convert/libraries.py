"""Libraries that an export needs, and the check that all are installed."""

from vae_export.errors import ExportError
from vae_keras._base.libraries import check_there

# beside Keras
NEEDED = (
    "tensorflow",
    "onnx",
    "tf2onnx",
    "onnxruntime",
    "ai_edge_litert.interpreter",
    "scipy.stats",
    "matplotlib.figure",
)


def check() -> None:
    """Raises ExportError where a library is missing or broken: which, why, and what to type."""
    try:
        check_there("exporting", *NEEDED)
    except ValueError as error:
        raise ExportError(str(error)) from error
