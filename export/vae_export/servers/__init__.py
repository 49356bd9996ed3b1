"""Models for servers, made of a finished bundle: Triton's repository, MLflow's folder.

It imports `vae_runtime` and of this package the errors alone.
"""
