"""Libraries that an export cannot do without, and the one way to make sure that all are there."""

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
    """Raises ExportError where one is missing or broken: which, why, and what to type."""
    try:
        check_there("exporting", *NEEDED)
    except ValueError as error:
        raise ExportError(str(error)) from error
