"""Trains variational autoencoders in Keras 3, for export to devices that will never have Keras.

Names load on first use, so that `vae-keras --help` need not wait for TensorFlow.
"""

from typing import TYPE_CHECKING

from . import libraries, likelihoods
from .greetings import greet_less, load

if TYPE_CHECKING:
    from .configs import DataConfig, ModelConfig, TrainConfig
    from .data import Split
    from .likelihoods import *  # noqa: F403 - the layers
    from .model import VAE
    from .networks import conv_pair, mlp_pair
    from .preprocessing import Scaling
    from .run import open_run
    from .schedules import Cyclical, Warmup
    from .training import train

_HOME = {
    "VAE": "model",
    "Cyclical": "schedules",
    "DataConfig": "configs",
    "ModelConfig": "configs",
    "Scaling": "preprocessing",
    "Split": "data",
    "TrainConfig": "configs",
    "Warmup": "schedules",
    "conv_pair": "networks",
    "mlp_pair": "networks",
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

greet_less()  # else TensorFlow says at length what it was built for, wherever it is imported


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'vae_keras' has no attribute {name!r}")
    libraries.check_backend()  # Keras would say less well that it has none
    return getattr(load(f"{__name__}.{_HOME[name]}"), name)
