"""Models for servers, made from a finished bundle: Triton's repository, MLflow's folder.

It imports `vae_runtime` and of this package the errors alone.
"""
