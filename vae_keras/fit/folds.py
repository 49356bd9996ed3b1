"""Cross-conformal calibration: every row calibrates, and no row is scored by a model that saw it.

Rows are cut into K folds. For each fold a model is trained on the others and scores it: a part of
the next fold tells it when to stop, so that neither its weights nor their number of epochs know the
rows it scores. The scores of all folds together are the calibration. The model that is kept is
trained in the same way on all rows, a part of one fold telling it when to stop. (To train it on
those as well, for as many epochs as were best for the others, was tried: it then has the weights of
an epoch that nothing speaks for while they have those of their best, and there were twice as many
alarms as asked for at times.)

    p(s) = (1 + #{out-of-fold scores >= s}) / (n + 1)

Unlike a split-conformal p-value, this one promises P(p <= alpha) <= alpha only as far as training
is stable: as far as a new row's score by the model of all rows is distributed as that of a row left
out is by a model of fewer. Those models see a K-th less of the rows, and tend to be surprised by
more: alarms are rather too few than too many.

Source: Vovk 2015, "Cross-conformal predictors"; the form with one model is the "CV" beside the CV+
of Barber et al. 2021, "Predictive inference with the jackknife+", and the jackknife beside its
jackknife+, of which a device would have to run all K models.
"""

from pathlib import Path
from typing import Any

import numpy as np

from vae_keras._base.arrays import Array, Arrays, Floats
from vae_keras.data import Split
from vae_keras.data.datasets import calibrating, select
from vae_keras.evaluate import score_rows

from .early_stopping import Stopping, read_checkpoint, write_checkpoint
from .loop import Log, checkpoint_path
from .train_model import Learner


def cross_fit(
    learner: Learner, rows: Split, out: str | Path, *, identity: Any, resume: bool, log: Log = print
) -> Arrays:
    """Trains a model without each fold, and scores the fold.

    Args:
        learner: what trains a model.
        rows: with folds.
        out: path of the run directory to be, beside which checkpoints are kept.
        identity: of the run, see `Stopping`.
        resume: whether to go on where a killed run was: finished folds are not trained again.
        log: called with each line of progress.

    Returns:
        float32 (rows of calibration,) each, in nats, by the model that did not see the row:
        `cross_score`, and `cross_neg_elbo`, which is less where there is a mixture. Of windows that
        are not counted, and of rows that do not calibrate, NaN.
    """
    path, folds = cross_path(out), count(rows)
    scores, done = {name: _no_scores(rows) for name in ("cross_score", "cross_neg_elbo")}, 0
    if not resume:
        remove_checkpoints(out, folds)
    elif path.exists():
        arrays, values = read_checkpoint(path, identity)
        scores, done = {name: arrays[name] for name in scores}, values["done"]
        log(f"resumed after {done} of {folds} models for the calibration")
    for fold in range(done, folds):
        stopping = Stopping(fold_path(out, fold), identity, learner.train.patience)
        terms = _score_fold(learner, rows, fold, stopping, resume, log)
        scored = fold_masks(rows, fold)["scored"]
        scores["cross_score"][scored] = terms["score"]
        scores["cross_neg_elbo"][scored] = terms["nll"] + terms["kl"]
        write_checkpoint(path, identity, scores, {"done": fold + 1})
        stopping.checkpoint.unlink(missing_ok=True)
    return scores


def fold_masks(rows: Split, fold: int) -> Arrays:
    """Masks for the model without one fold: train, validation, scored; bool (calibration rows,)."""
    after = (np.asarray(rows.folds) - fold) % count(rows)
    out, validation = after == 0, (after == 1) & np.asarray(rows.stopping)
    scored = out & calibrating(rows)
    return {"scored": scored, "validation": validation, "train": ~out & ~validation}


def count(rows: Split) -> int:
    """Number of folds; 1 where there are none."""
    return 1 if rows.folds is None else int(rows.folds.max()) + 1


def models_of(rows: Split) -> int:
    """Number of models that are trained: one without each fold, and the one that is kept."""
    return 1 if rows.folds is None else count(rows) + 1


def fold_path(out: str | Path, fold: int) -> Path:
    """Path of the checkpoint of the model without this fold."""
    return checkpoint_path(f"{out}.fold{fold}")


def cross_path(out: str | Path) -> Path:
    """Path of the checkpoint with the scores of finished folds."""
    return checkpoint_path(f"{out}.folds")


def checkpoints(out: str | Path, folds: int) -> list[Path]:
    """Paths of all checkpoints of a run."""
    of_folds = [cross_path(out), *(fold_path(out, fold) for fold in range(folds))]
    return [checkpoint_path(out), *(of_folds if folds > 1 else [])]


def remove_checkpoints(out: str | Path, folds: int) -> None:
    """Removes all checkpoints of a run, so that a later one cannot resume from them."""
    for path in checkpoints(out, folds):
        path.unlink(missing_ok=True)


def _score_fold(
    learner: Learner, rows: Split, fold: int, stopping: Stopping, resume: bool, log: Log
) -> Arrays:
    """Trains a model without the fold's rows and scores them, see `VAE.score`."""
    part, where = fold_masks(rows, fold), f"fold {fold + 1} of {count(rows)}"
    x, y = rows.calibration, _labels(rows)
    vae = learner.learn(
        select(x, part["train"]),
        select(x, part["validation"]),
        stopping=stopping,
        labels=None if y is None else {name: y[part[name]] for name in ("train", "validation")},
        resume=resume and stopping.checkpoint.exists(),
        log=lambda line: log(f"{where}: {line}"),
        ahead=count(rows) - fold,  # the last one is that which is kept
    )
    return score_rows(vae, x[part["scored"]])


def _no_scores(rows: Split) -> Floats:
    return np.full(len(rows.calibration), np.nan, np.float32)


def _labels(rows: Split) -> Array | None:
    """Labels of the calibration rows, as training may see them."""
    known = rows.labels
    return None if known is None else np.concatenate([known["train"], known["validation"]])
