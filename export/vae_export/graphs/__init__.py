"""Functions to export as named graphs, and what Keras answers there: the reference for every file.

It imports `vae_keras` and `vae_runtime`, and of this package the errors alone.
"""
