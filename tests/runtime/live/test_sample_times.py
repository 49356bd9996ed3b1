"""Times of samples: finite seconds, and where some were lost between them."""

import re

import numpy as np
import pytest

from vae_runtime.live.sample_times import gaps_before, sample_times


@pytest.mark.parametrize(
    ("time", "rows", "message"),
    [
        (None, 1, "expected the time of each sample"),
        ([1.0], 2, "expected seconds, 2 of them. Received: float64 (1,)."),
        (["noon"], 1, "expected seconds"),
        ([np.nan], 1, "expected finite seconds"),
    ],
)
def test_what_is_no_time_is_refused(time, rows, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        sample_times(time, rows, needed=True)


def test_times_are_seconds_or_none_at_all():
    assert sample_times(None, 3, needed=False) is None
    assert sample_times(5, 1, needed=True).tolist() == [5.0]


def test_gaps_are_steps_back_and_long_ones():
    times = np.array([1.0, 1.0, 5.0, 4.0, 7.0])
    assert gaps_before(times, 5, last=0.0, longest=3.5).tolist() == [0, 0, 1, 1, 0]
    assert gaps_before(times, 5, last=2.0, longest=None).tolist() == [1, 0, 0, 1, 0]
    assert gaps_before(None, 2, last=2.0, longest=1.0).tolist() == [0, 0]
