"""Libraries that the workstation's commands cannot do without, imported before any work is done.

One that is missing or broken is then an error in one line; see `vae_runtime.libraries`.
"""

import os

from vae_runtime.libraries import LIBRARIES, find, need

from .greetings import without_greetings

BACKEND = "KERAS_BACKEND"  # Keras's variable


def check(doing: str, *more: str) -> None:
    """Raises ValueError where Keras, its backend, scikit-learn or one of `more` is missing.

    Args:
        doing: what cannot be done then.
        more: modules, as "matplotlib".
    """
    with without_greetings():
        backend = os.environ.get(BACKEND, "tensorflow")
        if find("keras") is None and backend in LIBRARIES:
            need(backend, doing)  # of which Keras says less well that it is not there
        for module in ("keras", "sklearn", *more):
            need(module, doing)
