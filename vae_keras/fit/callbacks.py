"""Callbacks that record a training while it runs: a CSV file of its losses, and TensorBoard.

Both are refused before training where they could not be written.
"""

import csv
import tempfile
from pathlib import Path

import keras

from vae_keras._base.tf_log_filter import filter_tf_log
from vae_runtime._base.libraries import need
from vae_runtime._base.paths import file_target, is_same

from .progress import Logs


def make_callbacks(
    csv_log: Path | None, tensorboard: Path | None, *, out: Path, data: str | None = None
) -> list[keras.callbacks.Callback]:
    """Makes the callbacks for the log files that are asked for.

    Args:
        csv_log: a file for `CsvLog`.
        tensorboard: a directory for Keras's `TensorBoard`.
        out: the run directory to be, which is written whole at the end, in place of all in it.
        data: the file that is trained on, if it is one.

    Raises:
        ValueError: something else is there, or a package is missing; says what to do.
        OSError: it cannot be written.
    """
    for path in (csv_log, tensorboard):
        if path is not None and out.resolve() in (path.resolve(), *path.resolve().parents):
            raise ValueError(
                f"expected a path outside the run directory {out}, which is replaced at the end. "
                f"Received: {path}."
            )
    if csv_log is not None and data is not None and is_same(csv_log, data):
        raise ValueError(
            f"{csv_log}: expected another file than the data, for the losses. Received: the same."
        )
    callbacks = [] if csv_log is None else [CsvLog(csv_log)]
    return callbacks if tensorboard is None else [*callbacks, _tensorboard(tensorboard)]


class CsvLog(keras.callbacks.Callback):
    """Callback that appends each epoch's losses to a CSV file, for `tail -f`.

    A resumed training goes on in its file. Epochs after the checkpoint, which it runs again, are in
    there once.

    Args:
        path: the file, with the columns of a run's `history.csv`; an earlier log is replaced.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = file_target(path)  # a pipe would keep us waiting
        with self.path.open("a+", errors="replace") as file:
            file.seek(0)
            first = file.readline()
        if first and not first.startswith("epoch,"):
            raise ValueError(
                "expected a new file for the losses, or the log of an earlier training. "
                f"Received: {path}, which begins with {first[:40]!r}. Choose another path."
            )

    def on_train_begin(self, logs: Logs = None) -> None:
        """Forgets the last training; the first epoch is known when it begins."""
        self._begun = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Drops the lines of this epoch and later ones, before the first epoch."""
        if not self._begun:
            lines = self.path.read_text().splitlines(keepends=True)
            whole = [line for line in lines if line.endswith("\n")]  # a kill may have cut the last
            kept = [line for line in whole[1:] if int(line.split(",")[0]) < epoch]
            self.path.write_text("".join([*whole[:1], *kept] if kept else []))
            self._begun = True

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Appends a line."""
        with self.path.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if not file.tell():
                writer.writerow(["epoch", *logs])
            writer.writerow([epoch, *map(float, logs.values())])


def _tensorboard(path: Path) -> keras.callbacks.Callback:
    with filter_tf_log():  # the callback would import TensorFlow, in the midst of training
        for name in ("tensorflow", "tensorboard"):
            need(name, "writing what TensorBoard shows", "leave out --tensorboard")
    path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path):
        pass  # it can be written
    return keras.callbacks.TensorBoard(path, write_graph=False)
