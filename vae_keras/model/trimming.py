"""Batch means without the worst-fitting rows, for training rows that are not all normal.

A few anomalies among them have losses so large that a mean is theirs: the model learns them. Of
those that stay, they are none once the model knows what is usual.
Source: Rousseeuw 1984, "Least median of squares regression", on least trimmed squares.
"""

from keras import ops

from vae_keras._base.arrays import Tensor
from vae_keras._base.replicas import batch_mean, batch_rows


def fitting(row_loss: Tensor, share: float) -> Tensor:
    """Mask of the rows that stay: float32 (batch,), 0 for the share with the largest losses.

    Rounded down: of fewer than 1 / share rows all stay.
    """
    ordered = ops.sort(batch_rows(ops.stop_gradient(row_loss)))
    rows = ops.cast(ops.shape(ordered)[0], "float32")
    last = ops.cast(rows - ops.floor(rows * share), "int32") - 1
    return ops.cast(row_loss <= ops.take(ordered, last), "float32")


def mean(values: Tensor, stays: Tensor | None) -> Tensor:
    """Means of values (batch, ...) over the rows that stay; over all where None."""
    if stays is None:
        return batch_mean(values)
    weights = ops.reshape(stays, (-1, *(1 for _ in values.shape[1:])))
    return batch_mean(values * weights) / batch_mean(stays)
