"""Builds and trains the models of a run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import keras
import numpy as np

from vae_keras._base.arrays import Array
from vae_keras.configs import ModelConfig, TrainConfig
from vae_keras.data import Dataset
from vae_keras.data.datasets import Rows, counted
from vae_keras.model import mixture
from vae_keras.model.preprocessing import Scaling
from vae_keras.model.vae import VAE

from .batches import draw
from .build_model import build, in_float32
from .devices import Devices
from .early_stopping import Stopping
from .loop import Log, fit
from .progress import Ahead


@dataclass(frozen=True)
class Learner:
    """Settings that are common to all models of a run.

    Args:
        dataset: what is known of the rows.
        model: the model, resolved.
        train: how it is trained.
        devices: where.
        verbose: whether to log which way training takes, see `way`.
        seconds: that the training of each finished model took.
    """

    dataset: Dataset
    model: ModelConfig
    train: TrainConfig
    devices: Devices
    verbose: bool = False
    seconds: list[float] = field(default_factory=list)

    def learn(
        self,
        x: Rows,
        validation: Rows,
        *,
        stopping: Stopping,
        labels: Mapping[str, Array] | None,
        resume: bool = False,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        log: Log = print,
        ahead: int = 0,
    ) -> VAE:
        """Trains a model on rows x, see `fit`; returns it in float32.

        Any mixture is fitted to them too. Of windows at every offset, those that are counted
        validate. `ahead` is how many models are to be trained after it.
        """
        some = counted(validation)
        validation = validation[some]
        if labels is not None:
            labels = {**labels, "validation": labels["validation"][some]}
        with self.devices.scope():
            vae = build(self.model, x, self.dataset, self.train)
        fit(
            vae,
            x,
            validation,
            self.train,
            stopping=stopping,
            labels=labels,
            resume=resume,
            callbacks=callbacks,
            devices=self.devices,
            log=log,
            ahead=Ahead(ahead, self.seconds),
            verbose=self.verbose,
        )
        vae = in_float32(vae, self.model, x, self.dataset, self.train)
        if vae.mixture is not None:
            self._fit(vae.mixture, vae.preprocessing, x, validation)
        return vae

    def _fit(self, found: mixture.Mixture, preprocessing: Scaling, *rows: Rows) -> None:
        """Fits a mixture to training rows and validation rows."""
        count = min(mixture.MOST_ROWS, mixture.MOST_VALUES // math.prod(rows[0].shape[1:]))
        some = (draw(each, max(count, 1), seed=self.train.seed) for each in rows)
        u, held_back = (np.asarray(preprocessing(each)) for each in some)
        found.fit(u, held_back, seed=self.train.seed)
