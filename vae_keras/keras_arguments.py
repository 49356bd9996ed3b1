"""Arguments of Keras's own methods that a VAE has no use for: refused by name, never ignored.

A VAE's loss is its negative ELBO, of all rows alike, and its metrics are that loss's terms. Keras
would take a loss, metrics or weights all the same, and they would change nothing.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from . import classifying

OF_VALIDATION = ("validation_steps", "validation_batch_size")  # say how, not on what

UNUSED = {
    "loss": "its loss is the negative ELBO, see `VAE`",
    "loss_weights": "its loss is the negative ELBO: VAE(beta=...) weighs the kl",
    "metrics": "its metrics are the terms of its loss",
    "weighted_metrics": "its metrics are the terms of its loss",
    "class_weight": "all rows count alike",
    "sample_weight": "all rows count alike: leave rows out, or give them twice",
}


def bind(method: Callable[..., Any], arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """What a method of Keras is called with, by name: a dict without arguments that say nothing.

    Raises:
        TypeError: it takes no such arguments.
        ValueError: an argument is given that a VAE has no use for; names it.
    """
    given = inspect.signature(method).bind(*arguments, **options).arguments
    given |= given.pop("kwargs", {})
    for name, why in UNUSED.items():
        if given.get(name) is not None:
            raise ValueError(
                f"{method.__name__}: expected no {name}, which a VAE does not use: {why}. "
                f"Received: {name}={given[name]!r:.60}."
            )
    lost = [name for name in OF_VALIDATION if given.get(name) is not None]
    if lost and given.get("validation_data") is None and not given.get("validation_split"):
        raise ValueError(
            f"{method.__name__}: expected validation_data or validation_split beside {lost[0]}. "
            "Received: neither, so that nothing is validated on."
        )
    return given


def check_labels(method: str, y: Any, classes: int) -> None:
    """Raises ValueError where y is given to a VAE that has no classifier, or is no labels."""
    if y is None:
        return
    if not classes:
        raise ValueError(
            f"{method}: expected x alone, as a VAE without a classifier reconstructs x and learns "
            f"from no targets. Received: y of type {type(y).__name__}. Call {method}(x)."
        )
    if is_array(y):
        classifying.check_labels(np.asarray(y), classes)


def as_validation_data(given: Any, classes: int) -> Any:
    """`validation_data` of `fit` as Keras takes it: rows alone, as people give them, too."""
    if is_array(given):
        return (given,)
    if isinstance(given, list | tuple):
        if len(given) > 2 and given[2] is not None:
            raise ValueError(
                "fit: expected validation_data of rows, (rows,) or (rows, labels). Received: "
                f"{len(given)} entries; a VAE does not use weights, all rows count alike."
            )
        check_labels("fit", given[1] if len(given) > 1 else None, classes)
    return given


def is_array(x: Any) -> bool:
    """Whether it is rows in memory: an array, a tensor, a data frame; no data set of batches."""
    return hasattr(x, "__array__") and hasattr(x, "shape")
