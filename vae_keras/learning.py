"""From rows to a trained model, by all else that a run was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras

from .arrays import Array
from .building import build, in_float32
from .configs import ModelConfig, TrainConfig
from .data import Dataset
from .data.datasets import Rows
from .devices import Devices
from .fitting import Log, fit
from .model import VAE
from .stopping import Stopping


@dataclass(frozen=True)
class Learner:
    """What each model of a run has in common.

    Args:
        dataset: what is known of the rows.
        model: the model, resolved.
        train: how it is trained.
        devices: where.
    """

    dataset: Dataset
    model: ModelConfig
    train: TrainConfig
    devices: Devices

    def learn(
        self,
        x: Rows,
        validation: Array,
        *,
        stopping: Stopping,
        labels: Mapping[str, Array] | None,
        resume: bool = False,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        log: Log = print,
    ) -> VAE:
        """A model scaled to the rows x and trained on them, see `fit`; it computes in float32."""
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
        )
        return in_float32(vae, self.model, x, self.dataset, self.train)
