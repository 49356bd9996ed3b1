"""Settings of Keras that this package depends on, whatever keras.json or the user has set."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

FLOATX = "float32"

Setting = tuple[Callable[[], Any], Callable[[Any], None]]

# how each is read and set, beside what everything here is written for; the policy follows floatx
WANTED_DEFAULTS: tuple[tuple[Setting, str], ...] = (
    ((keras.config.floatx, keras.config.set_floatx), FLOATX),
    ((keras.config.image_data_format, keras.config.set_image_data_format), "channels_last"),
    ((lambda: keras.config.dtype_policy().name, keras.config.set_dtype_policy), FLOATX),
)


def set_keras_defaults() -> None:
    """Sets the defaults for the rest of the process, which must be one of our commands."""
    _set()


@contextmanager
def with_keras_defaults() -> Iterator[None]:
    """Sets the defaults within a `with` block or a decorated function, then restores the user's."""
    given = _set()
    try:
        yield
    finally:
        for put, value in reversed(given):
            put(value)


def check_floatx() -> None:
    """Raises ValueError where Keras's default float type is not float32."""
    if keras.config.floatx() != FLOATX:
        raise ValueError(
            f"expected Keras's floatx to be float32, in which a VAE computes. Received: "
            f"{keras.config.floatx()!r}, of keras.json or of set_floatx. Call "
            "keras.config.set_floatx('float32') first, or set it in keras.json."
        )


def _set() -> list[tuple[Callable[[Any], None], Any]]:
    """Sets each default that differs; returns the old values with their setters."""
    given = []
    for (get, put), wanted in WANTED_DEFAULTS:
        if get() != wanted:
            given.append((put, get()))
            put(wanted)
    return given
