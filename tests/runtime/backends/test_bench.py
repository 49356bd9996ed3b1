import re
import time

import numpy as np
import pytest

from vae_runtime.backends.bench import measure, memory

SLEEP = 0.002  # seconds; a sleep is never shorter


def test_percentiles_are_of_the_calls():
    report = measure(
        lambda rows: time.sleep(SLEEP * len(rows)), np.zeros((3, 2)), (1, 4), seconds=0.02
    )
    one, four = report.timings
    assert (one.rows, four.rows) == (1, 4)
    assert one.p50 >= SLEEP * 1e6
    assert four.p50 >= 4 * SLEEP * 1e6
    assert one.p50 <= one.p90 <= one.p99 <= one.worst
    assert one.rows_per_second == pytest.approx(1e6 / one.p50)
    assert one.calls >= 10


def test_rows_are_repeated_to_each_size():
    seen = []
    measure(lambda rows: seen.append(rows.shape), np.zeros((3, 2)), (1, 7), seconds=1e-9)
    assert set(seen) == {(1, 2), (7, 2)}


@pytest.mark.parametrize(
    ("sizes", "seconds", "message"),
    [
        ((), 1, "expected a size and seconds above 0"),
        ((1,), 0, "expected a size and seconds above 0"),
        ((1,), -1, "expected a size and seconds above 0"),
        ((1,), "1", "expected seconds as a number"),
        ((0,), 1, "expected sizes (one batch: 1 GiB at most) from 1 to 67108864, as a whole"),
        ((1, 67_108_865), 1, "Received: 67108865."),
        ((2.5,), 1, "Received: 2.5."),
    ],
)
def test_what_makes_no_sense_is_refused(sizes, seconds, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        measure(lambda rows: None, np.zeros((3, 2)), sizes, seconds=seconds)


def test_memory_is_of_this_process():
    now, peak = memory("VmRSS"), memory("VmHWM")
    if now is None:
        pytest.skip("this system has no /proc")
    assert 10 < now <= peak
