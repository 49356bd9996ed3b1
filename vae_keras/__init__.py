"""Trains variational autoencoders in Keras 3, for export to devices that will never have Keras.

Names load on first use, so that `vae-keras --help` need not wait for TensorFlow.
"""

from typing import TYPE_CHECKING

from . import libraries
from .greetings import greet_less, load

if TYPE_CHECKING:
    from .configs import DataConfig, ModelConfig, TrainConfig
    from .data import Split
    from .likelihoods import Bernoulli, Categorical, Gaussian, Mixed
    from .model import VAE
    from .networks import conv_pair, mlp_pair
    from .preprocessing import Scaling
    from .run import open_run
    from .schedules import Cyclical, Warmup
    from .training import train

_HOME = {
    "VAE": "model",
    "Bernoulli": "likelihoods",
    "Categorical": "likelihoods",
    "Cyclical": "schedules",
    "DataConfig": "configs",
    "Gaussian": "likelihoods",
    "Mixed": "likelihoods",
    "ModelConfig": "configs",
    "Scaling": "preprocessing",
    "Split": "data",
    "TrainConfig": "configs",
    "Warmup": "schedules",
    "conv_pair": "networks",
    "mlp_pair": "networks",
    "open_run": "run",
    "train": "training",
}

__all__ = [
    "VAE",
    "Bernoulli",
    "Categorical",
    "Cyclical",
    "DataConfig",
    "Gaussian",
    "Mixed",
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

greet_less()  # else TensorFlow says at length what it was built for, wherever it is imported


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'vae_keras' has no attribute {name!r}")
    libraries.check_backend()  # Keras would say less well that it has none
    return getattr(load(f"{__name__}.{_HOME[name]}"), name)
