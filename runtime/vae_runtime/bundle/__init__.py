"""The bundle: its format, the checks that it must pass, and where its bytes come from."""

from .reader import MANIFEST_LIMIT, Bundle, open_bundle

__all__ = ["MANIFEST_LIMIT", "Bundle", "open_bundle"]
