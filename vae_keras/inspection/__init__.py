"""Inspection of files before training: what is in them, and the command to train with.

Nothing here imports Keras: an answer takes a second.
"""

from .findings import Findings, findings_of

__all__ = ["Findings", "findings_of"]
