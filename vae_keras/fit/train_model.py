"""Builds and trains the models of a run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import keras
import numpy as np

from vae_keras._base.arrays import Array
from vae_keras.configs import ModelConfig, TrainConfig
from vae_keras.data import Dataset
from vae_keras.data.datasets import Rows, counted, epoch_rows
from vae_keras.model import mixture
from vae_keras.model.preprocessing import Scaling
from vae_keras.model.vae import VAE

from .batches import draw, steps_an_epoch
from .build_model import build, in_float32, scaling_of
from .devices import Devices
from .early_stopping import Stopping
from .loop import Compiled, Log, fit
from .progress import Ahead


@dataclass(frozen=True)
class Shared:
    """Models that were trained by programs of whole epochs, to train others by them.

    Args:
        room: rows that any of the models is trained on at most.
        count: how many models there are.
        models: by the steps that their schedules are made for.
    """

    room: int
    count: int = 1
    models: dict[int, tuple[VAE, Compiled]] = field(default_factory=dict)


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
        shared: what several models are trained by, see `sharing`; nothing by default.
    """

    dataset: Dataset
    model: ModelConfig
    train: TrainConfig
    devices: Devices
    verbose: bool = False
    seconds: list[float] = field(default_factory=list)
    shared: Shared | None = None

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
        validate. `ahead` is how many models are to be trained after it. Where something is shared,
        the next call may train the model that this one returns anew: use it before.
        """
        some = counted(validation)
        validation = validation[some]
        if labels is not None:
            labels = {**labels, "validation": labels["validation"][some]}
        shared = self.shared or Shared(epoch_rows(x))
        vae, compiled = self._model(shared, x)
        compiled = fit(
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
            compiled=compiled,
            room=shared.room,
            models=shared.count,
            verbose=self.verbose,
        )
        if compiled.programs is not None:
            shared.models[self._key(x)] = vae, compiled
        vae = in_float32(vae, self.model, x, self.dataset, self.train)
        if vae.mixture is not None:
            self._fit(vae.mixture, vae.preprocessing, x, validation)
        return vae

    def sharing(self, room: int, count: int) -> "Learner":
        """Learner like this one, whose models share one program where they can.

        Args:
            room: rows that any of them is trained on at most.
            count: how many models there are to be.
        """
        return replace(self, shared=Shared(room, count))

    def _model(self, shared: Shared, x: Rows) -> tuple[VAE, Compiled | None]:
        """Model to train on rows x, and what it was compiled to before."""
        if known := shared.models.get(self._key(x)):
            vae, _ = known
            scaling = scaling_of(vae.likelihood, x, self.dataset)
            vae.preprocessing.offset, vae.preprocessing.scale = scaling.offset, scaling.scale
            return known
        with self.devices.scope():
            return build(self.model, x, self.dataset, self.train), None

    def _key(self, x: Rows) -> int:
        """Steps that schedules of the model are made for; 0 where it has none."""
        config = self.train
        plain = (config.schedule, config.decay) == ("constant", "constant")
        return 0 if plain else steps_an_epoch(epoch_rows(x), config.batch_size)

    def _fit(self, found: mixture.Mixture, preprocessing: Scaling, *rows: Rows) -> None:
        """Fits a mixture to training rows and validation rows."""
        count = min(mixture.MOST_ROWS, mixture.MOST_VALUES // math.prod(rows[0].shape[1:]))
        some = (draw(each, max(count, 1), seed=self.train.seed) for each in rows)
        u, held_back = (np.asarray(preprocessing(each)) for each in some)
        found.fit(u, held_back, seed=self.train.seed)
