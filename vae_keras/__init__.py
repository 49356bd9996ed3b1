"""Trains variational autoencoders in Keras 3, for export to devices that will never have Keras.

Names load on first use, so that `vae-keras --help` need not wait for TensorFlow.
"""

from typing import TYPE_CHECKING

from vae_keras._base.tf_log_filter import load, lower_tf_log_level

from . import likelihoods
from ._base import libraries

if TYPE_CHECKING:
    from vae_keras.likelihoods import *  # noqa: F403 - the layers
    from vae_keras.model.networks import conv_pair, mlp_pair
    from vae_keras.model.preprocessing import Scaling
    from vae_keras.model.schedules import Cyclical, Warmup
    from vae_keras.model.vae import VAE

    from .configs import DataConfig, ModelConfig, TrainConfig
    from .data import Split
    from .run import open_run
    from .training import train

_HOME = {
    "VAE": "model.vae",
    "Cyclical": "model.schedules",
    "DataConfig": "configs",
    "ModelConfig": "configs",
    "Scaling": "model.preprocessing",
    "Split": "data",
    "TrainConfig": "configs",
    "Warmup": "model.schedules",
    "conv_pair": "model.networks",
    "mlp_pair": "model.networks",
    "open_run": "run",
    "train": "training",
    **{layer: f"likelihoods.{module}" for layer, module in likelihoods.HOMES.items()},
}

__all__ = [
    "VAE",
    "Cyclical",
    "DataConfig",
    "ModelConfig",
    "Scaling",
    "Split",
    "TrainConfig",
    "Warmup",
    "conv_pair",
    "mlp_pair",
    "open_run",
    "train",
]
__all__ += likelihoods.__all__

lower_tf_log_level()  # before TensorFlow is first imported, which logs at length


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'vae_keras' has no attribute {name!r}")
    libraries.check_backend()  # Keras would say less well that it has none
    return getattr(load(f"{__name__}.{_HOME[name]}"), name)
