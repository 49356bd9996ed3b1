"""Variational autoencoder: networks, objective, training step, mixture.

It imports `_base`, `configs` and the types of `data`. Rows and files are none of its business.
"""
