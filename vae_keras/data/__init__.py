"""Data sets: reads rows from a name, a file or a folder, and splits them into sets.

This folder imports `_base`, `configs` and `survey`, and the readers of `vae_runtime`.
"""

from .datasets import Dataset, Split, evaluation_rows, fingerprint
from .in_memory import accept_split
from .sources import NAMES, config_like, load, resolve
from .splits import split
from .tables import dialect_of

__all__ = [
    "NAMES",
    "Dataset",
    "Split",
    "accept_split",
    "config_like",
    "dialect_of",
    "evaluation_rows",
    "fingerprint",
    "load",
    "resolve",
    "split",
]
