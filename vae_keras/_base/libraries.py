"""Checks that the libraries which a command needs are installed, before any work is done.

One that is missing or broken is then an error in one line; see `vae_runtime._base.libraries`.
"""

import json
import os
from pathlib import Path

from vae_runtime._base.libraries import find, need

from .quick_imports import quick_imports
from .tf_log_filter import filter_tf_log

BACKEND = "KERAS_BACKEND"  # Keras's variable
BACKENDS = ("tensorflow", "jax")


def check(doing: str, *more: str) -> None:
    """Runs `check_there` and sets Keras's defaults, in a process that is ours."""
    with quick_imports(check_backend()):
        check_there(doing)
    check_there(doing, *more)
    from .keras_defaults import set_keras_defaults

    set_keras_defaults()


def check_there(doing: str, *more: str) -> None:
    """Raises ValueError where Keras, its backend, scikit-learn or one of `more` is missing.

    Args:
        doing: what cannot be done then.
        more: modules, as "matplotlib".
    """
    backend = check_backend()
    with filter_tf_log():
        if find("keras") is None:
            need(backend, doing)  # of which Keras says less well that it is not there
        for module in ("keras", "sklearn", *more):
            need(module, doing)


def check_backend() -> str:
    """Returns the backend that Keras will use; ValueError where a VAE cannot be trained with it.

    Keras would fail in a way of its own as it is imported, and is not imported for this.
    """
    backend, origin = os.environ.get(BACKEND), BACKEND
    if not backend:
        backend, origin = _of_keras_json()
    if backend not in BACKENDS:
        raise ValueError(
            f"expected a Keras backend of {' or '.join(BACKENDS)}. Received: {backend!r}, of "
            f"{origin}. Set {BACKEND}=tensorflow (a model's weights are the same under each)."
        )
    return backend


def _of_keras_json() -> tuple[str, str]:
    """Reads the backend from keras.json, "tensorflow" by default; returns it and the path."""
    path = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        found = None
    backend = found.get("backend") if isinstance(found, dict) else None
    return backend or "tensorflow", str(path)
