"""Backends, which run a bundle's graphs: one class each with what `Backend` has, in the registry.

This folder imports `_base`, `bundle` and `rows`.
"""

from typing import TYPE_CHECKING

from vae_runtime._base.libraries import Extra

from .profiles import Profile
from .protocol import SETTINGS, Backend, Session
from .registry import (
    DEFAULT,
    backend_of,
    check_here,
    format_of,
    is_here,
    kind_of,
    kinds,
    names,
    register,
    runs,
)

if TYPE_CHECKING:
    from .onnx_runtime import OnnxRuntime

__all__ = [
    "DEFAULT",
    "SETTINGS",
    "Backend",
    "Extra",
    "OnnxRuntime",
    "Profile",
    "Session",
    "backend_of",
    "check_here",
    "format_of",
    "is_here",
    "kind_of",
    "kinds",
    "names",
    "register",
    "runs",
]


def __getattr__(name: str) -> object:
    if name != "OnnxRuntime":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .onnx_runtime import OnnxRuntime

    return OnnxRuntime
