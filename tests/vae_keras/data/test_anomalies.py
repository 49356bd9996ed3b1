"""Labels in words: what is refused, and what to type."""

import re

import numpy as np
import pytest

from vae_keras.data.anomalies import check_normal, count_words, words_refused


def refusal(values):
    return str(words_refused(count_words([np.asarray(values)]), column="state"))


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        (["idle", "ok", "boil", "boil"], "--normal ok."),
        (["idle", "wash", "wash"], "--normal wash."),
        (["at rest", "at rest", "wash"], "--normal 'at rest'."),
        ([2, 2, 1], "--normal 2."),
        ([0.5, 0.5, 1.0], "--normal 0.5."),
        (["", "", "wash"], "--normal wash."),
    ],
)
def test_words_are_refused_with_what_to_type(values, advice):
    assert refusal(values).endswith(advice)


def test_the_labels_that_were_seen_are_said():
    assert "Received: wash (2 rows), idle (1 row)." in refusal(["idle", "wash", "wash"])
    assert " and 94 more." in refusal([f"w{i}" for i in range(100)])


def test_words_are_counted_over_all_columns():
    columns = [np.array(["a", "b"]), np.array(["a", None], object)]
    assert count_words(columns) == {"a": 2, "b": 1, "": 1}


def test_a_normal_label_that_no_row_has_is_refused():
    words = count_words([np.array(["ok", "ok", "x"])])
    check_normal(words, ("ok",), column="state")
    with pytest.raises(ValueError, match=re.escape("expected rows of 'OK' in column 'state'")):
        check_normal(words, ("OK", "ok"), column="state")
