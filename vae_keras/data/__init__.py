"""Data sets: reads rows from a name, a file or a folder, and splits them into sets.

This folder imports `_base` and `configs`, and the readers of `vae_runtime`.
"""

from .datasets import Dataset, Split, fingerprint, judged
from .in_memory import accept
from .sources import like, load
from .splits import split

__all__ = ["Dataset", "Split", "accept", "fingerprint", "judged", "like", "load", "split"]
