"""Quick import of Keras and its backend, in a process that is one of our commands.

Keras and TensorFlow import other libraries where they are installed, for functions that no command
uses: wrappers for scikit-learn, galleries, data frames as input, models of JAX. With scipy, which
comes along, that is half of the time that `vae-keras train` takes to begin.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

UNUSED = ("sklearn", "scipy", "pandas", "matplotlib", "jax")


@contextmanager
def quick_imports(backend: str) -> Iterator[None]:
    """Context in which libraries that no command uses seem not to be installed.

    Who imports one of them afterwards gets it; one that is imported already stays. Python's
    collector of garbage rests meanwhile, and never looks again at what was imported: there are a
    million objects of it, none of them garbage.

    Args:
        backend: of Keras, which needs its own libraries.

    >>> with quick_imports("tensorflow"):
    ...     import keras
    """
    hidden = [name for name in UNUSED if name not in sys.modules and _is_unused(name, backend)]
    modules: Any = sys.modules
    modules.update(dict.fromkeys(hidden))  # by which Python knows that they are not there
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
        gc.freeze()
        if collects:
            gc.enable()


def _is_unused(name: str, backend: str) -> bool:
    """True where the backend does without a library; JAX needs scipy."""
    return backend != "jax" or name not in ("jax", "scipy")
