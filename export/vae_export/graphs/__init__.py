"""Graphs to export: named functions, and Keras's answers, which every file is compared with.

It imports `vae_keras` and `vae_runtime`, and of this package the errors alone.
"""
