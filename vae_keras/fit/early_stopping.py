"""Early stopping: keeps the best weights, and writes checkpoints that training resumes from.

The state of a run is one file beside the run directory to be, `RUN.checkpoint.npz`, written aside
and renamed at the end of an epoch, every half minute at most: all weights, the optimizer's and the
noise's state, the best weights so far, and what has been seen of the losses. Since batches depend
on seed and epoch alone, a run that is killed at any moment and resumed ends with the weights of one
that was not. (Callbacks of others must see to their own state.)
"""

import json
import math
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from vae_keras._base.arrays import Arrays
from vae_runtime._base.atomic_files import write_aside
from vae_runtime.rows.formats.numpy_files import load_npz

from .progress import Logs

NO_EPOCH_LEFT = 2**31 - 1  # an epoch after every last one

CHECKPOINT_SECONDS = 30.0  # seconds between checkpoints


class Stopping(keras.callbacks.Callback):
    """Callback that stops after `patience` epochs without a better ELBO and keeps the best weights.

    Args:
        checkpoint: path of the checkpoint file.
        identity: what must be equal for a resumed run to be the same run, as plain JSON.
        patience: epochs to wait for a better one.
        every: seconds between checkpoints.
    """

    def __init__(
        self,
        checkpoint: Path,
        identity: dict[str, Any],
        patience: int,
        every: float = CHECKPOINT_SECONDS,
    ) -> None:
        super().__init__()
        self.checkpoint, self.identity = checkpoint, identity
        self.patience, self.every = patience, every
        self.history: dict[str, list[float]] = {}
        self.best_epoch, self._best = -1, -math.inf
        self._best_weights: Arrays = {}

    def resume(self, vae: keras.Model) -> int:
        """Loads a model's checkpoint; returns the epoch to go on with, 0 without a checkpoint.

        Raises:
            ValueError: the checkpoint is damaged, or of another run.
        """
        if not self.checkpoint.exists():
            return 0
        arrays, values = read_checkpoint(self.checkpoint, self.identity)
        vae.optimizer.build(vae.trainable_variables)
        restore(vae, arrays)
        best = {name: value for name, value in arrays.items() if name.startswith("best.")}
        self._best_weights = {name.removeprefix("best."): value for name, value in best.items()}
        self.history, self.best_epoch, self._best = (
            values["history"],
            values["best_epoch"],
            values["best"],
        )
        epochs = len(self.history["loss"])
        # one that had stopped already has no epoch left, whatever its last one was
        return NO_EPOCH_LEFT if epochs - 1 - self.best_epoch >= self.patience else epochs

    def on_train_begin(self, logs: Logs = None) -> None:
        """Starts the clock of the checkpoints."""
        self._saved = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Records the epoch; stops training or writes a checkpoint when it is time."""
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value))
        if logs["val_elbo"] > self._best:
            self.best_epoch, self._best = epoch, float(logs["val_elbo"])
            self._best_weights = _copies(_weights(self.model))
        if epoch - self.best_epoch >= self.patience:
            self.model.stop_training = True
        if self.model.stop_training or time.monotonic() - self._saved >= self.every:
            self._save()
            self._saved = time.monotonic()

    def on_train_end(self, logs: Logs = None) -> None:
        """Puts the best weights into the model."""
        for name, variable in _weights(self.model).items():
            variable.assign(self._best_weights[name])

    def _save(self) -> None:
        values = {"history": self.history, "best_epoch": self.best_epoch, "best": self._best}
        arrays = snapshot(self.model)
        arrays.update({f"best.{name}": value for name, value in self._best_weights.items()})
        write_checkpoint(self.checkpoint, self.identity, arrays, values)


def read_checkpoint(path: Path, identity: dict[str, Any]) -> tuple[Arrays, dict[str, Any]]:
    """Reads a file of `write_checkpoint`: its arrays, and its JSON values.

    Raises:
        ValueError: the file is damaged, no checkpoint, or of another run; says what to do.
    """
    arrays = _read(path)
    if "values" not in arrays:
        raise ValueError(f"{path} is no checkpoint. Train without --resume.")
    values = json.loads(str(arrays.pop("values")))
    if values["identity"] != identity:
        different = [k for k, v in identity.items() if values["identity"].get(k) != v]
        raise ValueError(
            f"{path}: expected the checkpoint of the same run. Received: one with another "
            f"{', '.join(different)}. Train without --resume to begin anew."
        )
    return arrays, values


def write_checkpoint(
    path: Path, identity: dict[str, Any], arrays: Arrays, values: dict[str, Any]
) -> None:
    """Writes arrays and JSON values for the run with this identity, all or nothing."""
    text = np.array(json.dumps({"identity": identity, **values}))
    write_aside(path, lambda file: np.savez(file, allow_pickle=False, values=text, **arrays))


def snapshot(vae: keras.Model) -> Arrays:
    """Copies of all that training changes: the model's variables and the optimizer's."""
    return _copies(_state(vae))


def restore(vae: keras.Model, arrays: Arrays) -> None:
    """Puts what `snapshot` copied back."""
    for name, variable in _state(vae).items():
        variable.assign(arrays[name])


def _weights(vae: keras.Model) -> dict[str, Any]:
    """Variables of the model itself, by a name that is the same in every process."""
    return {f"vae.{i}": variable for i, variable in enumerate(vae.variables)}


def _state(vae: keras.Model) -> dict[str, Any]:
    """Variables that training changes: the model's and the optimizer's."""
    optimizer = {f"optimizer.{i}": v for i, v in enumerate(vae.optimizer.variables)}
    return {**_weights(vae), **optimizer}


def _copies(variables: dict[str, Any]) -> Arrays:
    """Copies of the variables' values, since TensorFlow may lend its own memory to numpy."""
    return {name: np.asarray(variable).copy() for name, variable in variables.items()}


def _read(path: Path) -> Arrays:
    try:
        with path.open("rb") as file:
            return load_npz(file)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read: {error} Train without --resume.") from error
