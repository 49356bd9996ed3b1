"""One onnxruntime session over one verified graph of a bundle.

onnxruntime is imported when the first session opens, so that importing `vae_runtime` stays cheap.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bundle import Bundle
from .errors import BundleError
from .manifest import File, Tensor

_ERROR = 3  # onnxruntime's severity; its warning about optional inputs is no news to a user


class Session:
    """Runs one graph. Safe to share between threads.

    Args:
        bundle: the opened bundle.
        role: "encoder", "decoder", "scorer" or "classifier".
        threads: threads used within one call.

    Raises:
        BundleError: onnxruntime cannot load the file, or it is not what the manifest describes.
    """

    def __init__(self, bundle: Bundle, role: str, *, threads: int = 1) -> None:
        self.file = bundle.manifest.file(role)
        self._session = _open(bundle.read(self.file), self.file, threads)
        _check_tensors(self.file, "input", self.file.inputs, self._inputs())
        _check_tensors(self.file, "output", self.file.outputs, self._session.get_outputs())

    def run(
        self, outputs: tuple[str, ...], feeds: dict[str, NDArray[Any]]
    ) -> list[NDArray[np.float32]]:
        """The named outputs for these inputs; inputs with a default may be left out."""
        results: list[NDArray[np.float32]] = self._session.run(list(outputs), feeds)
        return results

    def _inputs(self) -> list[Any]:
        session = self._session
        return [*session.get_inputs(), *session.get_overridable_initializers()]


def _open(content: bytes, file: File, threads: int) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads  # set, never guessed: containers lie about cores
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # an arena keeps the memory of the largest batch seen
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle means idle
    options.log_severity_level = _ERROR
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises its own classes, which differ by version
        raise BundleError(
            f"{file.name}: onnxruntime {ort.__version__} cannot load it: {error}"
        ) from error


def _check_tensors(file: File, kind: str, declared: tuple[Tensor, ...], found: list[Any]) -> None:
    actual = {t.name: (t.type, tuple(t.shape)) for t in found}
    if set(actual) != {t.name for t in declared}:
        raise BundleError(
            f"{file.name}: expected the {kind}s {', '.join(t.name for t in declared)}. "
            f"Received: {', '.join(actual)}. Export the bundle again."
        )
    for tensor in declared:
        onnx_type = {"float32": "tensor(float)"}.get(tensor.dtype, f"tensor({tensor.dtype})")
        if actual[tensor.name] != (onnx_type, tensor.shape):
            raise BundleError(
                f'{file.name}: {kind} "{tensor.name}" is {actual[tensor.name]}; manifest.json says '
                f"{(onnx_type, tensor.shape)}. Export the bundle again."
            )
