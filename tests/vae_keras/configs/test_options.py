"""What the options of a configuration take, and what they say of what they do not."""

import argparse

import pytest

from vae_keras.configs import ModelConfig
from vae_keras.configs.options import MODEL, add_options, comma_separated, number_or_all, one_of


def test_several_values_are_a_tuple():
    assert comma_separated(int, "numbers")("3, 4,5") == (3, 4, 5)
    assert comma_separated(float, "a range", 2)("-1,2.5") == (-1.0, 2.5)
    assert comma_separated(str, "names")("flow, pressure") == ("flow", "pressure")


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "1,b"])
def test_too_few_too_many_or_no_numbers_are_refused_in_words(text):
    message = rf"^expected two numbers, LOW,HIGH\. Received: '{text}'\.$"
    with pytest.raises(argparse.ArgumentTypeError, match=message):
        comma_separated(float, "two numbers, LOW,HIGH", 2)(text)


def test_a_name_that_is_not_offered_is_refused_with_those_that_are():
    assert one_of("error", "drop")("drop") == "drop"
    with pytest.raises(argparse.ArgumentTypeError, match=r"expected error, drop\. Received: 'x'\."):
        one_of("error", "drop")("x")


def test_a_number_or_all():
    assert (number_or_all("all"), number_or_all("3")) == ("all", 3)
    for text in ("-1", "", "1.5", "\N{SUPERSCRIPT TWO}", "nan"):
        with pytest.raises(argparse.ArgumentTypeError, match=r"a number or all\. Received"):
            number_or_all(text)


def test_what_is_not_given_is_the_default_of_the_configuration():
    parser = argparse.ArgumentParser()
    add_options(parser, ModelConfig, MODEL)
    assert ModelConfig(**vars(parser.parse_args([]))) == ModelConfig()
    given = vars(parser.parse_args(["--hidden", "8,4", "--latent-dim", "2"]))
    assert ModelConfig(**given) == ModelConfig(hidden=(8, 4), latent_dim=2)
