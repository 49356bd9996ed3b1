"""Verified files to a bundle: its manifest, its probe, its signature.

It imports `graphs`, `convert` and `gates`.
"""
