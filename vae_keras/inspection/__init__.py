"""Inspection of files before training: what is in them, and the command to train with.

It imports `_base` and `survey`, and the readers of `vae_runtime`; never Keras, so that an answer
takes a second.
"""
