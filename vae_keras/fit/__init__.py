"""Training loop: batches, callbacks, early stopping, folds, devices, progress.

It imports `_base`, `configs`, `data`, `model`, and the run directory and evaluation.
"""
