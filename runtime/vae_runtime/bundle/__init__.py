"""Bundles: their format, the checks that they must pass, how they are read, written and signed.

This folder imports `_base` alone.
"""

from .reader import MANIFEST_LIMIT, Bundle, open_bundle

__all__ = ["MANIFEST_LIMIT", "Bundle", "open_bundle"]
