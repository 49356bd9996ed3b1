"""Backends, which run a bundle's graphs: one small class each, with the methods of `Backend`.

This folder imports `_base`, `bundle` and `rows`.
"""

import importlib

from .onnx_runtime import OnnxRuntime
from .profiles import Profile
from .protocol import Backend, Session

__all__ = ["BACKENDS", "Backend", "OnnxRuntime", "Profile", "Session", "backend_of"]

BACKENDS = {"onnxruntime": (".onnx_runtime", "OnnxRuntime"), "litert": (".litert", "LiteRT")}


def backend_of(backend: str | Backend) -> Backend:
    """The backend of that name, as it comes; one that is given is itself.

    Raises:
        ValueError: there is none of that name, or it is no backend.
    """
    if not isinstance(backend, str) and _is_one(backend):
        return backend
    if not isinstance(backend, str) or backend not in BACKENDS:
        raise ValueError(
            f"expected a backend of {', '.join(BACKENDS)}, or one with settings, as in "
            f'OnnxRuntime("server"). Received: {backend!r:.60}.'
        )
    module, kind = BACKENDS[backend]
    made: Backend = getattr(importlib.import_module(module, __name__), kind)()
    return made


def _is_one(backend: object) -> bool:
    """Whether it has what `Backend` has; a class has not, before it is called."""
    parts = ("format", "chunk", "workers", "open")
    return not isinstance(backend, type) and all(hasattr(backend, part) for part in parts)
