"""Registry of backends: each is found here by its name, or by the files that it runs.

Nothing else in the package knows one by name. Listing them imports no library that runs graphs.
"""

import importlib
import re
from collections.abc import Iterator
from typing import TypeVar

from vae_runtime._base.libraries import Extra, find, need
from vae_runtime.bundle.manifest import File, Manifest
from vae_runtime.errors import BundleError

from .profiles import PROFILES, Profile
from .protocol import SETTINGS, Backend

DEFAULT = "onnxruntime"

# Module here and class of each. Of those that run a format, the first that can is taken.
BUILT_IN = (
    ("onnx_runtime", "OnnxRuntime"),
    ("litert", "LiteRT"),
)

NAME = re.compile("[a-z0-9][a-z0-9_-]*")

Kind = TypeVar("Kind", bound=type[Backend])

_registered: dict[str, type[Backend]] = {}  # from outside, by name


def register(backend: Kind) -> Kind:
    """Adds a backend of one's own, which is then found by its name like those that are built in.

    Args:
        backend: a class with all that `Backend` has. The same class, made again, replaces the one
            before, as where a notebook runs a cell twice.

    Returns:
        The class, so that this can stand above it (`@register`).

    Raises:
        ValueError: it lacks something, or another backend has its name.

    >>> @register
    ... class Mine(OnnxRuntime):
    ...     name = "mine"
    >>> runner = Runner.load("artifacts/sensors", backend="mine")
    """
    _check(backend)
    others = [kind for kind in kinds() if kind.name == backend.name and not _same(kind, backend)]
    if others:
        raise ValueError(
            f"the name {backend.name!r} is taken, by {others[0].__module__}. Expected one beside "
            f"{', '.join(names())}. Give {backend.__qualname__} another name."
        )
    if backend not in _built_in():
        _registered[backend.name] = backend
    return backend


def kinds() -> Iterator[type[Backend]]:
    """Yields all backends, the default first; imports the module of each when it is reached."""
    yield from _built_in()
    yield from _registered.values()


def names(format: str | None = None) -> tuple[str, ...]:
    """Names of all backends, the default first, or of those that run files of this format.

    >>> names()
    ('onnxruntime', 'litert')
    >>> names("tflite")
    ('litert',)
    """
    return tuple(kind.name for kind in kinds() if format is None or format in kind.formats)


def kind_of(name: object) -> type[Backend]:
    """Backend of this name.

    Raises:
        ValueError: no backend has it.
    """
    for kind in kinds():
        if isinstance(name, str) and kind.name == name:
            return kind
    raise ValueError(
        f"expected a backend of {', '.join(names())}, or one with settings, as in "
        f'OnnxRuntime("server"). Received: {name!r:.60}.'
    )


def backend_of(backend: str | Backend, profile: Profile = PROFILES["edge"]) -> Backend:
    """Backend of this name with this profile; an instance is returned unchanged.

    Raises:
        ValueError: no backend has that name, or the object is not a backend.
    """
    if not isinstance(backend, str) and _is_made(backend):
        return backend
    return kind_of(backend).of(profile)


def format_of(backend: Backend, manifest: Manifest, precision: str) -> str:
    """Format of the files of this precision that a backend runs: the first of its own.

    Raises:
        BundleError: the bundle has none; says which backend runs those that it has.
    """
    held = sorted((file.precision, file.format) for file in _encoders(manifest))
    for format in backend.formats:
        if (precision, format) in held:
            return format
    others = [name for each, format in held if each == precision for name in names(format)]
    advice = "Export it with that format and precision."
    if others:
        advice = f'Its {precision} files run with backend="{others[0]}" (--backend {others[0]}).'
    raise BundleError(
        f"expected a bundle with {precision!s:.20} {' or '.join(backend.formats)} files. Received: "
        f"one with {', '.join(map(' '.join, held))}. {advice}"
    )


def runs(manifest: Manifest) -> Iterator[tuple[type[Backend], str, str]]:
    """Yields each backend, with format and precision of the bundle's files that it runs."""
    for kind in kinds():
        for file in _encoders(manifest):
            if file.format in kind.formats:
                yield kind, file.format, file.precision


def is_here(kind: type[Backend]) -> bool:
    """True where the library that a backend needs can be imported."""
    return kind.extra is None or find(kind.extra.module) is not None


def check_here(kind: type[Backend], doing: str, instead: str) -> None:
    """Raises ValueError for a backend whose library cannot be imported; see `need`."""
    if kind.extra is not None:
        need(kind.extra.module, doing, instead)


def _built_in() -> Iterator[type[Backend]]:
    for module, name in BUILT_IN:
        kind: type[Backend] = getattr(importlib.import_module(f".{module}", __package__), name)
        yield kind


def _same(one: type, other: type) -> bool:
    """True for two classes that are made by the same lines of code."""
    return (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)


def _encoders(manifest: Manifest) -> list[File]:
    """Encoders of the bundle, one for each of its formats and precisions."""
    return [file for file in manifest.files if file.role == "encoder"]


def _is_made(backend: object) -> bool:
    """True for an instance of a backend; False for a class, which has to be called first."""
    parts = ("formats", "chunk", "workers", "open")
    return not isinstance(backend, type) and all(hasattr(backend, part) for part in parts)


def _check(backend: type[Backend]) -> None:
    """Raises ValueError for a class that lacks what the registry says of each backend."""
    parts = ("name", "formats", "extra", "settings", "of", "open")
    missing = [part for part in parts if not hasattr(backend, part)]
    if missing or not isinstance(backend, type):
        raise ValueError(
            f"expected a backend as a class with {', '.join(parts)}. Received: {backend!r:.60}"
            f"{' without ' if missing else ''}{', '.join(missing)}. See docs/backends.md."
        )
    name, formats, extra, settings = (getattr(backend, part) for part in parts[:4])
    texts = isinstance(formats, tuple) and all(isinstance(each, str) for each in formats)
    for fits, expected, received in (
        (
            isinstance(name, str) and NAME.fullmatch(name),
            "name as lower-case letters, digits, - and _",
            name,
        ),
        (texts and formats, 'formats as a tuple of texts, such as ("onnx",)', formats),
        (extra is None or isinstance(extra, Extra), "extra as an Extra, or None", extra),
        (
            isinstance(settings, tuple) and {*settings} <= {*SETTINGS},
            f"settings as a tuple of some of {', '.join(SETTINGS)}",
            settings,
        ),
    ):
        if not fits:
            raise ValueError(
                f"{backend.__qualname__}: expected {expected}. Received: {received!r:.60}."
            )
