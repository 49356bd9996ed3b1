"""What runs a bundle's graphs. A backend is one small class with the methods of `Backend`."""

import importlib

from .onnx_runtime import OnnxRuntime
from .profiles import Profile
from .protocol import Backend, Session

__all__ = ["BACKENDS", "Backend", "OnnxRuntime", "Profile", "Session", "backend_of"]

BACKENDS = {"onnxruntime": (".onnx_runtime", "OnnxRuntime"), "litert": (".litert", "LiteRT")}


def backend_of(backend: str | Backend) -> Backend:
    """The backend of that name, as it comes; one that is given is itself."""
    if not isinstance(backend, str):
        return backend
    if backend not in BACKENDS:
        raise ValueError(f"expected a backend of {', '.join(BACKENDS)}. Received: {backend!r}.")
    module, kind = BACKENDS[backend]
    made: Backend = getattr(importlib.import_module(module, __name__), kind)()
    return made
