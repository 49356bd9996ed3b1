"""Bundle of verified files: its manifest, its probe, its signature.

It imports `graphs`, `convert` and `gates`.
"""
