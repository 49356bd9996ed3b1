"""Arguments of Keras's methods that a VAE does not use: refused by name, not ignored.

A VAE has its own loss and counts every row as one; labels are for its classifier alone.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras

from . import classification

WEIGHTS_REASON = "every row counts as one; repeat rows that are to count for more"
OWN_LOSS_REASON = "a VAE has its own loss and metrics: nll, kl and elbo, and those of a classifier"

UNUSED_REASONS = {
    "sample_weight": WEIGHTS_REASON,
    "class_weight": WEIGHTS_REASON,
    "loss": OWN_LOSS_REASON,
    "loss_weights": "beta and classifier_weight of VAE(...) are the weights of its terms",
    "metrics": OWN_LOSS_REASON,
    "weighted_metrics": OWN_LOSS_REASON,
}
VALIDATION_ARGUMENTS = ("validation_batch_size", "validation_steps", "validation_freq")


def check(method: str, classes: int, *arguments: Any, **options: Any) -> None:
    """Raises ValueError where one of Keras's methods is given what a VAE does not use.

    >>> check("compile", 0, "adam", jit_compile=True)

    Args:
        method: of `keras.Model`.
        classes: of the VAE's classifier, 0 where it has none.
        arguments, options: as they would be given to the method, without the model.
    """
    given = _named(getattr(keras.Model, method), arguments, options)
    for name, reason in UNUSED_REASONS.items():
        if given.get(name) is not None:
            raise ValueError(
                f"{name}: VAE.{method} does not use it, as {reason}. Leave {name} out."
            )
    _check_labels("y", given.get("x"), given.get("y"), classes)
    is_internal = "_use_cached_eval_dataset" in given.get("kwargs", {})  # from within Keras's fit
    if given.get("batch_size") is not None and not _is_rows(given["x"]) and not is_internal:
        raise ValueError(
            f"batch_size: VAE.{method} does not use it, as x comes in batches already "
            f"({type(given['x']).__name__}). Leave batch_size out."
        )
    _check_validation(given, classes)


def _named(method: Callable[..., Any], arguments: Any, options: Any) -> Mapping[str, Any]:
    """Arguments by name; raises Keras's own TypeError where the method has none of that name."""
    return inspect.signature(method).bind(None, *arguments, **options).arguments


def _check_validation(given: Mapping[str, Any], classes: int) -> None:
    data, split = given.get("validation_data"), given.get("validation_split", 0.0)
    if data is None and not split:
        for name in VALIDATION_ARGUMENTS:
            if given.get(name) not in (None, 1 if name == "validation_freq" else None):
                raise ValueError(
                    f"{name}: VAE.fit does not use it without validation rows. "
                    f"Give validation_data too, or leave {name} out."
                )
        return
    if data is None:
        return
    if split:
        raise ValueError(
            "expected validation_data or validation_split. Received: both, of which Keras would "
            "take validation_data alone. Leave one out."
        )
    x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
    if weights is not None:
        raise ValueError(
            f"validation_data: expected x, (x,) or (x, y). Received: sample weights too, and "
            f"{WEIGHTS_REASON}. Leave them out."
        )
    _check_labels("y of validation_data", x, y, classes)
    if given.get("validation_batch_size") is not None and not _is_rows(x):
        raise ValueError(
            "validation_batch_size: VAE.fit does not use it, as validation_data comes in batches "
            f"already ({type(x).__name__}). Leave validation_batch_size out."
        )


def _check_labels(name: str, x: Any, y: Any, classes: int) -> None:
    if y is None:
        return
    if not classes:
        said = "x itself: a VAE learns to reconstruct x alone" if y is x else "targets"
        raise ValueError(
            f"{name}: expected x alone, as in fit(x), where the VAE has no classifier. Received: "
            f"{said}. Leave {name} out, or give class labels to VAE(..., classifier=classes)."
        )
    classification.check_labels(y, classes)


def _is_rows(x: Any) -> bool:
    """True where x is an array, which Keras cuts into batches; False where x gives batches."""
    return x is None or hasattr(x, "shape") or isinstance(x, (list, tuple))
