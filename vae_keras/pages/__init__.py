"""Pages and pictures of evaluations: one file, without scripts, that a browser shows anywhere.

This folder imports `_base`, `data`, `model`, `run` and `evaluate`, and matplotlib. The report of
`vae_export` is drawn with the same elements.
"""
