"""Errors of Keras in one line, without what it puts around them."""

import keras
import pytest

from vae_export.errors import MOST_CHARACTERS, reason


def test_a_call_that_fails_is_told_by_its_cause_alone():
    layer = keras.layers.Dense(2)
    layer.build((None, 6))
    with pytest.raises(ValueError, match="incompatible") as told:
        layer(keras.Input((4,)))
    message = reason(told.value)
    assert message.startswith("Input 0 ")
    assert message.endswith("received input with shape (None, 4)")


def test_what_the_code_of_a_layer_raises_is_told_without_its_arguments():
    class Broken(keras.layers.Layer):
        def call(self, x):
            raise RuntimeError("two\n lines")

    with pytest.raises(RuntimeError) as told:
        Broken()(keras.Input((4,)))
    assert "Arguments received" in str(told.value)
    assert reason(told.value) == "two lines"


def test_it_is_short_and_never_empty():
    assert reason(KeyError()) == "KeyError"
    assert len(reason(ValueError("long " * 900))) <= MOST_CHARACTERS
