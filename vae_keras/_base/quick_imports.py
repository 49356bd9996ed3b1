"""Quick import of Keras and its backend, in a process that is one of our commands.

Keras and TensorFlow import other libraries where they are installed, for functions that no command
uses: galleries of pictures, data frames as input, models of JAX. That is two fifths of the time
that `vae-keras train` takes to begin.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

UNUSED = ("pandas", "matplotlib", "jax")


@contextmanager
def quick_imports(backend: str) -> Iterator[None]:
    """Context in which libraries that no command uses seem not to be installed.

    Who imports one of them afterwards gets it; one that is imported already stays. Python's
    collector of garbage rests meanwhile, and never looks again at what was imported: there are a
    million objects of it, none of them garbage.

    Args:
        backend: of Keras, which is not hidden.

    >>> with quick_imports("tensorflow"):
    ...     import keras
    """
    hidden = [name for name in UNUSED if name not in sys.modules and name != backend]
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
