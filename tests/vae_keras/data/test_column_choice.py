"""Features where nobody names them."""

import re

import numpy as np
import pytest

from vae_keras.configs import DataConfig
from vae_keras.data.column_choice import choose_columns
from vae_keras.survey import RawBlock, survey

ROWS = 1_000


def table(**more):
    rng = np.random.default_rng(0)
    temp = rng.normal(40, 1, ROWS)
    fault = (np.arange(ROWS) >= ROWS - 50).astype(int)
    flow = rng.normal(100, 5, ROWS)
    return survey([RawBlock("a.csv", more | {"temp": temp, "flow": flow, "fault": fault})])


def choose(found, **options):
    return choose_columns(found, DataConfig("a.csv", **options))


CLOCK = 1_772_352_000 + np.arange(ROWS)
MODE = np.array(["idle", "run"])[np.arange(ROWS) // 20 % 2]


def test_a_counter_and_a_clock_are_no_features_and_told():
    chosen = choose(table(id=np.arange(ROWS), unix=CLOCK), label="fault")
    assert chosen.features == ("temp", "flow")
    assert [note for note in chosen.notes if "id" in note and "(1 column" in note]
    assert [note for note in chosen.notes if "unix" in note]


def test_a_counter_that_is_named_is_a_feature_and_told():
    chosen = choose(table(id=np.arange(ROWS)), label="fault", columns=("id", "temp"))
    assert chosen.features == ("id", "temp")
    assert "id is a feature, as --columns names it" in chosen.notes[0]


def test_the_only_times_are_the_time_of_windows():
    found = table(unix=CLOCK)
    assert choose(found, label="fault", window=32).time == "unix"
    assert choose(found, label="fault").time is None
    assert choose(table(unix=CLOCK, t2=CLOCK + 5), label="fault", window=32).time is None


def test_text_is_an_error_that_says_what_helps_for_the_column():
    with pytest.raises(ValueError, match=re.escape("mode ('idle', 'run')")) as error:
        choose(table(mode=MODE), label="fault")
    assert "--categories mode" in str(error.value)
    assert "--bad-columns drop" in str(error.value)


def test_text_is_left_out_where_that_is_asked_and_told():
    chosen = choose(table(mode=MODE), label="fault", bad_columns="drop")
    assert chosen.features == ("temp", "flow")
    assert "left out as they hold text: mode" in chosen.notes


def test_a_forgotten_label_is_told():
    chosen = choose(table())
    assert chosen.features == ("temp", "flow", "fault")
    assert "--label fault" in chosen.notes[0]
    assert choose(table(), label="fault").notes == ()


def test_codes_are_told_with_share_and_option_until_they_are_given():
    current = np.random.default_rng(1).normal(12, 1, ROWS)
    current[::4] = -200
    (note,) = choose(table(current=current), label="fault").notes
    assert "current is -200 in 25% of the rows" in note
    assert "--missing=-200" in note
    assert choose(table(current=current), label="fault", missing=("-200",)).notes == ()


def test_nothing_but_clocks_is_an_error():
    found = survey([RawBlock("a.csv", {"id": np.arange(ROWS)})])
    with pytest.raises(ValueError, match="expected columns of numbers"):
        choose(found)
