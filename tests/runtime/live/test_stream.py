"""A stream gives what batch scoring gives, survives bad samples, and goes on after a stop."""

import csv
import hashlib
import itertools
import json
import re
import tracemalloc
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_runtime import DriftSettings, StreamScorer
from vae_runtime.bundle.manifest import Clock
from vae_runtime.rows.windows.windows import window_rows, window_starts

WINDOW, STRIDE = 12, 3  # of the pump's model
ROWS = 150
FEW = settings(max_examples=25, deadline=None)

# A score depends on its batch by rounding: by a millionth of the terms that it is the sum of, which
# are larger than their sum by up to a hundred times in the pump's model.
RTOL = 1e-4


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


@pytest.fixture(scope="session")
def readings(pump_csv):
    """What machine m1 said, and m5 with its fault: float64 (rows, 3) each."""
    with pump_csv.open(newline="") as file:
        lines = list(csv.DictReader(file))
    return {
        machine: np.array(
            [
                [float(line[name]) for name in ("pressure", "flow", "current")]
                for line in lines
                if line["machine"] == machine
            ]
        )
        for machine in ("m1", "m5")
    }


def push_in_pieces(stream, x, time, edges):
    found = []
    for start, end in itertools.pairwise([0, *edges, len(x)]):
        part = (x[start], time[start]) if end == start + 1 else (x[start:end], time[start:end])
        found += stream.push(*part)
    return found


def assert_as_in_batch(results, expected):
    assert len(results) == len(expected.score)
    assert [r.p_value for r in results] == expected.p_value.tolist()
    assert [r.is_anomaly for r in results] == expected.is_anomaly.tolist()
    np.testing.assert_allclose([r.score for r in results], expected.score, rtol=RTOL, atol=RTOL)


pieces = st.sets(st.integers(1, ROWS - 1), max_size=30).map(sorted)
holes = st.dictionaries(
    st.integers(1, ROWS - 1),
    st.floats(1.6, 9.0).filter(lambda late: abs(late - 3.5) > 0.01),
    max_size=6,
)


@FEW
@given(pieces, holes, st.integers(1, 15))
def test_windows_and_verdicts_are_those_of_batch_scoring(pump, readings, edges, late, stride):
    x, step = readings["m5"][230 : 230 + ROWS], np.ones(ROWS)  # the fault begins in it
    step[list(late)] = list(late.values())
    time = np.cumsum(step) * 0.1 + 7
    rows = window_rows(ROWS, WINDOW, stride, time=time)
    stream = StreamScorer(pump.runner, stride=stride, period=0.1)
    results = push_in_pieces(stream, x, time, edges)
    assert [[r.first_row, r.last_row] for r in results] == rows[:, [0, -1]].tolist()
    assert [r.time for r in results] == time[rows[:, -1]].tolist()
    assert_as_in_batch(results, pump.runner.score(x[rows]))


def test_single_rows_are_results_of_their_own(table):
    stream = StreamScorer(table.runner, window=1, stride=1)
    results = stream.push(table.x[0]) + stream.push(table.x[1:9]) + stream.push(table.x[9:])
    assert [r.first_row for r in results] == [r.last_row for r in results]
    assert [r.last_row for r in results] == list(range(len(table.x)))
    assert {r.time for r in results} == {None}
    assert_as_in_batch(results, table.runner.score(table.x))
    assert table.y.sum() > 9


def test_images_stream_too(digits):
    results = StreamScorer(digits.runner).push(digits.x[:5])
    assert_as_in_batch(results, digits.runner.score(digits.x[:5]))


@pytest.mark.parametrize("level", [{"alpha": 0.3}, {"threshold": 1.0}, {}])
def test_alarm_levels_are_those_of_the_runner(table, level):
    results = StreamScorer(table.runner, **level).push(table.x)
    assert_as_in_batch(results, table.runner.score(table.x, **level))


def test_the_windows_own_size_is_taken_and_no_other(pump):
    assert StreamScorer(pump.runner, window=WINDOW).settings.stride == STRIDE
    with refuses("expected the model's own window, 12 rows. Received: 13"):
        StreamScorer(pump.runner, window=13)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 3}, "expected no window and no stride, as sensors scores single rows"),
        ({"stride": 2}, "expected no window and no stride"),
        ({"period": 0.0}, "expected a period in seconds, above 0. Received: 0.0"),
        ({"longest_step": 0}, "expected a gap in seconds, above 0. Received: 0.0"),
        ({"period": float("nan")}, "expected a period"),
        ({"alpha": 1e-9}, "needs at least"),
        (
            {"alpha": 0.1, "threshold": 1.0},
            "expected one of alpha, threshold and fdr. Received: alpha and thr",
        ),
        ({"threshold": float("nan")}, "expected a threshold in nats"),
    ],
)
def test_settings_are_refused_before_the_first_sample(table, options, message):
    with refuses(message):
        StreamScorer(table.runner, **options)


def test_settings_of_windows_are_refused(pump):
    with refuses("expected a stride from 1 row. Received: 0"):
        StreamScorer(pump.runner, stride=0)
    with refuses("expected a spacing of the drift test from 12"):
        StreamScorer(pump.runner, drift=DriftSettings(spacing=11))


def test_said_gaps_are_gaps(pump, readings):
    stream, x = StreamScorer(pump.runner), readings["m1"]
    first = stream.push(x[:20])
    stream.gap()
    assert stream.push(x[20:31]) == []
    assert [r.first_row for r in first + stream.push(x[31:40])] == [0, 3, 6, 20, 23, 26]


BAD = {
    "NaN": (lambda x: np.where(np.arange(3) == 1, np.nan, x), "finite numbers. Received: nan"),
    "infinity": (lambda x: x * np.inf, "finite numbers"),
    "too few": (lambda x: x[:, :2], "expected shape (batch, 3). Received: (5, 2)"),
    "flat": (lambda x: x.ravel(), "expected shape (batch, 3)"),
    "none": (lambda x: x[:0], "at least one row"),
    "text": (lambda x: x.astype(str), "expected dtype float32"),
    "masked": (lambda x: np.ma.masked_greater(x, 5.0), "masked array"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_sample_is_refused_and_nothing_else_happens(pump, readings, bad):
    change, message = BAD[bad]
    stream, x = StreamScorer(pump.runner), readings["m1"]
    stream.push(x[:40])
    state = stream.state()
    with refuses(message):
        stream.push(change(x[40:45]))
    assert stream.state() == state
    untouched = StreamScorer(pump.runner)
    untouched.push(x[:40])
    assert stream.push(x[40:60]) == untouched.push(x[40:60])


def test_a_sample_that_comes_alone_has_no_number(pump, readings):
    with refuses("expected finite numbers. Received: nan, feature 'flow'."):
        StreamScorer(pump.runner).push([101.0, np.nan, 10.0])


def test_masked_times_are_refused_and_nothing_else_happens(pump, readings):
    stream = StreamScorer(pump.runner, period=1.0)
    state = stream.state()
    with refuses("time: expected an array. Received: a masked array, whose mask would be lost."):
        stream.push(readings["m1"][:3], np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False]))
    assert stream.state() == state


def test_the_last_time_is_told(pump, readings):
    stream = StreamScorer(pump.runner, period=1.0)
    assert stream.time is None
    stream.push(readings["m1"][:2], [4.0, 5.0])
    assert stream.time == 5.0
    stream.gap()
    assert stream.time is None


def test_a_sample_out_of_range_is_named(digits):
    stream = StreamScorer(digits.runner)
    with refuses("values from 0 to 1"):
        stream.push(digits.x[0] + 1.0)
    assert stream.state()["rows"] == 0


@pytest.mark.parametrize(
    ("time", "message"),
    [
        (None, "expected the time of each sample"),
        (np.nan, "time: expected finite seconds. Received: [nan]."),
        (np.inf, "time: expected finite seconds"),
        ([2.0, 3.0], "expected seconds, 1 of them. Received: float64 (2,)"),
        (np.datetime64("2026-01-31"), "expected seconds"),
        ("2.0", "expected seconds"),
    ],
)
def test_a_time_that_does_not_fit_is_refused(pump, readings, time, message):
    stream, x = StreamScorer(pump.runner, period=1.0), readings["m1"]
    stream.push(x[0], 1.0)
    state = stream.state()
    with refuses(message):
        stream.push(x[1], time)
    assert stream.state() == state


def test_equal_times_are_next_samples_and_a_clock_set_back_is_a_gap(pump, readings):
    stream, x = StreamScorer(pump.runner, period=1.0), readings["m1"]
    time = [*range(10), *[9.0] * 5, *range(10, 14), *range(2, 14), *range(14, 20)]
    results = stream.push(x[: len(time)], np.array(time, float))
    rows = window_rows(len(time), WINDOW, STRIDE, time=np.array(time, float))
    assert [r.first_row for r in results] == rows[:, 0].tolist()
    assert [r.first_row for r in results] == [0, 3, 6, 19, 22, 25]


@pytest.mark.parametrize(
    ("options", "longest"),
    [
        ({}, None),
        ({"period": 0.1}, 0.35),
        ({"longest_step": 9}, 9.0),
        ({"period": 0.1, "longest_step": 2.0}, 2.0),
    ],
)
def test_a_gap_is_what_is_said_or_follows_from_the_period(pump, runner_of_clock, options, longest):
    found = StreamScorer(runner_of_clock(pump.runner, None), **options).longest_step
    assert found == (None if longest is None else pytest.approx(longest))


def test_a_gap_is_as_in_training_where_nothing_is_said(pump, readings, runner_of_clock):
    runner = runner_of_clock(pump.runner, Clock(("time",), step=1.0, gap=3.5))
    stream = StreamScorer(runner)
    assert stream.longest_step == 3.5
    time = np.cumsum(np.where(np.arange(60) == 30, 4.0, 1.0))
    found = [r.first_row for r in stream.push(readings["m1"][:60], time)]
    assert found == window_rows(60, WINDOW, STRIDE, time=time)[:, 0].tolist()
    assert StreamScorer(runner).push(readings["m1"][:12])  # times need not be there


@FEW
@given(pieces, holes, st.sets(st.integers(0, ROWS - 1), max_size=5), st.integers(1, 15))
def test_rows_that_are_skipped_are_in_no_window_and_all_others_are_scored(
    pump, readings, edges, late, bad, stride
):
    x, step = readings["m1"][:ROWS], np.ones(ROWS)
    step[list(late)] = list(late.values())
    time, good = np.cumsum(step), np.ones(ROWS, bool)
    good[list(bad)] = False
    order, first = window_starts(ROWS, WINDOW, stride, time=time, good=good)
    stream, results = StreamScorer(pump.runner, stride=stride, period=1.0), []
    for row in range(ROWS):
        if good[row]:
            results += stream.push(x[row], time[row])
        else:
            stream.skip(time[row])
            stream.restore(json.loads(json.dumps(stream.state())))
    assert [r.first_row for r in results] == order[first].tolist()


def drifting(x, n):
    """Rows in no order, the later of them of a world that has changed."""
    rng = np.random.default_rng(0)
    rows = x[rng.integers(0, len(x), n)].copy()
    rows[n // 2 :, 0] += 3.0 * x[:, 0].std()
    return rows


@FEW
@given(pieces, st.integers(0, 30))
def test_a_restored_stream_goes_on_bit_for_bit(pump, readings, edges, stop):
    x, time = readings["m1"][:ROWS], np.arange(ROWS) / 10
    drift = DriftSettings(30.0, spacing=13)  # an alarm within these few rows
    whole, before, after = (StreamScorer(pump.runner, period=0.1, drift=drift) for _ in range(3))
    expected = push_in_pieces(whole, x, time, edges)
    cuts, found = [0, *edges, ROWS], []
    for number, (start, end) in enumerate(itertools.pairwise(cuts)):
        if number == stop % len(cuts[1:]):
            after.restore(json.loads(json.dumps(before.state(), allow_nan=False)))
            before = after
        found += before.push(x[start:end], time[start:end])
    assert found == expected
    assert before.state() == whole.state()
    assert before.drift == whole.drift


def test_drift_is_noticed_in_a_stream_and_reset_forgets_it(table):
    normal = table.x[table.y == 0]
    stream = StreamScorer(table.runner, drift=DriftSettings(1e6))
    results = stream.push(drifting(normal, 1200))
    noticed = [r.last_row for r in results if r.drift]
    assert 600 < noticed[0] < 900
    assert noticed == list(range(noticed[0], 1200))
    assert stream.drift.noticed
    assert 550 < stream.drift.since < 650
    stream.reset()
    assert not stream.drift.noticed
    assert not any(r.drift for r in stream.push(drifting(normal, 400)[:200]))


def test_drift_is_not_looked_for_where_none_is_asked(table):
    stream = StreamScorer(table.runner)
    assert not any(r.drift for r in stream.push(drifting(table.x, 600)))
    assert stream.drift is None
    stream.reset()
    stream.restore(stream.state())


def test_windows_that_overlap_are_not_tested_for_drift(pump, readings):
    stream = StreamScorer(pump.runner, drift=DriftSettings())
    stream.push(readings["m1"][:100])  # windows at 0, 3, ..., 87; without overlap at 0, 12, ..., 84
    assert stream.state()["drift"]["tested"] == 8
    sparse = StreamScorer(pump.runner, drift=DriftSettings(spacing=50))
    sparse.push(readings["m1"][:100])
    assert sparse.state()["drift"]["tested"] == 2


def forge(*path, value):
    def change(state):
        *above, key = path
        for name in above:
            state = state[name]
        state[key] = value

    return change


NO_ROWS = {"rows": 0, "start": 0, "pending": [], "time": -1.0}

FORGED = {
    "another bundle": (forge("bundle", value="0" * 64), "one of another bundle"),
    "another stride": (forge("settings", "stride", value=4), "stride: 3, the state has 4. Give"),
    "another period": (forge("settings", "period", value=0.5), "period: none, the state has 0.5"),
    "another drift": (
        forge("settings", "drift", "capacity", value=7),
        "drift.capacity: 10000, the state has 7. Give",
    ),
    "a time before any row": (lambda state: state.update(NO_ROWS), "no time before any row"),
    "a rest of years": (forge("untested_until", value=10**9), "drift test of 40 rows"),
    "more tested than rows": (forge("drift", "tested", value=41), "drift test of 40 rows"),
    "a change to come": (forge("drift", "since", 3, value=41), "drift test of 40 rows"),
    "no drift": (forge("drift", value=None), "drift test"),
    "half a sample": (forge("pending", value=[1.0]), "samples of a window that has begun"),
    "a whole window": (forge("pending", value=[1.0] * 36), "samples of a window"),
    "another start": (forge("start", value=0), "samples of a window"),
    "negative rows": (forge("rows", value=-3), "drift test of -3 rows"),
    "negative rest": (forge("untested_until", value=-1), "drift test"),
    "infinite sample": (forge("pending", 0, value=1e99), "samples of float32"),
    "text": (forge("time", value="noon"), "state.time: expected"),
    "a bit": (forge("drift", "gain", 2, value=0.25), "content whose sha256"),
    "a version to come": (forge("format_version", value=3), "format_version 2. Received: 3."),
    "no version": (lambda state: state.pop("format_version"), "format_version 2. Received: None."),
    "a version that is true": (forge("format_version", value=2.0), "Received: 2.0. Install"),
    "no checksum": (lambda state: state.pop("sha256"), "content whose sha256"),
    "another key": (forge("more", value=1), "expected the keys that state() gave"),
    "another key of drift": (forge("settings", "drift", "more", value=1), "expected the keys"),
    "rows of millennia": (forge("rows", value=2**60), "at most 2^53 rows"),
    "NaN": (forge("time", value=float("nan")), "expected what state() gave"),
    "missing bets": (forge("drift", "gain", value=[]), "evidence of 12 bets"),
    "an object": (forge("rows", value=object()), "expected what state() gave"),
}
AS_THEY_ARE = {
    *("a bit", "a version to come", "no version", "a version that is true", "no checksum"),
    *("NaN", "an object"),
}


def seal(state):
    """The checksum of a state that somebody changed, so that it is read at all."""
    content = {k: v for k, v in state.items() if k not in ("format_version", "sha256")}
    text = json.dumps(content, sort_keys=True)
    state["sha256"] = hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("name", FORGED)
def test_a_state_that_is_not_this_streams_is_refused(pump, readings, name):
    change, message = FORGED[name]
    stream, other = (StreamScorer(pump.runner, drift=DriftSettings()) for _ in range(2))
    stream.push(readings["m1"][:40])
    other.push(readings["m1"][:15])
    state, before = stream.state(), other.state()
    assert state["pending"]
    change(state)
    if name not in AS_THEY_ARE:
        seal(state)
    with refuses(message):
        other.restore(state)
    assert other.state() == before


def test_another_level_of_alarm_goes_on_with_the_same_evidence(pump, readings):
    strict = StreamScorer(pump.runner, alpha=0.02, drift=DriftSettings())
    strict.push(readings["m1"][:40])
    loose = StreamScorer(pump.runner, threshold=1.0, drift=DriftSettings())
    loose.restore(strict.state())
    assert loose.drift == strict.drift
    for name, value in strict.state().items():
        assert name in ("settings", "sha256") or loose.state()[name] == value
    more = readings["m1"][40:80]
    assert [r.score for r in loose.push(more)] == [r.score for r in strict.push(more)]


@pytest.mark.parametrize("rubbish", [{}, [], None, "state", {"bundle": 1}])
def test_rubbish_is_refused(table, rubbish):
    with refuses("state: expected"):
        StreamScorer(table.runner).restore(rubbish)


def test_a_state_of_another_model_is_refused(table, pump):
    with refuses("one of another bundle"):
        StreamScorer(table.runner).restore(StreamScorer(pump.runner).state())


def test_memory_is_bounded(table):
    stream = StreamScorer(table.runner, drift=DriftSettings(1e12, capacity=700))
    x = table.x[table.y == 0].astype(np.float32)
    for _ in range(20):
        stream.push(x)
    size = len(json.dumps(stream.state()))
    tracemalloc.start()
    for _ in range(20):
        stream.push(x)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 30_000
    assert abs(len(json.dumps(stream.state())) - size) < 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"period": "1"}, "expected a period in seconds as a number. Received: '1'."),
        ({"stride": 1.5}, "expected a stride, as a whole number. Received: 1.5."),
        ({"window": "1"}, "expected a window, as a whole number. Received: '1'."),
        ({"alpha": "0.1"}, "expected alpha as a number"),
        ({"drift": True}, "expected drift as DriftSettings(...). Received: True."),
        ({"drift": 1e8}, "expected drift as DriftSettings(...). Received: 100000000.0."),
    ],
)
def test_arguments_of_another_type_are_refused(table, options, message):
    with refuses(message):
        StreamScorer(table.runner, **options)


def test_a_stream_without_a_runner_is_refused():
    with refuses("expected a Runner. Received: None."):
        StreamScorer(None)


NO_SETTINGS = [
    *({"period": 10**400}, {"period": "1"}, {"period": True}, {"period": 1j}),
    *({"alpha": 10**400}, {"alpha": float("nan")}, {"alpha": "0.05"}, {"alpha": Decimal("0.05")}),
    *({"threshold": 10**400}, {"threshold": float("nan")}, {"threshold": True}),
    *({"stride": 10**400}, {"stride": 2.0}, {"stride": True}, {"stride": 0}, {"stride": -1}),
    *({"window": 10**400}, {"window": 12.0}),
]


@pytest.mark.parametrize("settings", NO_SETTINGS, ids=str)
def test_settings_that_are_no_such_numbers_are_refused(pump, settings):
    with refuses("expected"):
        StreamScorer(pump.runner, **settings)


NO_DRIFT = [
    *({"rows_between_false_alarms": value} for value in (10**400, "9", True, 1j, 0, None)),
    *({"capacity": value} for value in (10**400, 2.0, True, 0, None)),
    *({"spacing": value} for value in (10**400, 2.0, True, 0)),
    *({"seed": value} for value in (10**5000, 2.0, True, -1, None)),
]


@pytest.mark.parametrize("settings", NO_DRIFT, ids=range(len(NO_DRIFT)))
def test_settings_of_drift_that_are_no_such_numbers_are_refused(settings):
    with refuses("expected"):
        DriftSettings(**settings)


def test_settings_of_any_kind_of_number_can_be_said_in_a_state(pump, readings):
    drift = DriftSettings(Fraction(10**6), np.int64(24), np.int32(500), np.uint8(3))
    made = {"window": np.int64(12), "stride": np.int8(3), "period": Fraction(1, 10)}
    stream = StreamScorer(pump.runner, **made, alpha=np.float32(0.05), drift=drift)
    stream.push(readings["m1"][:40], np.arange(40) / 10)
    state = json.loads(json.dumps(stream.state()))
    plain = StreamScorer(
        pump.runner, stride=3, period=0.1, alpha=0.05, drift=DriftSettings(1e6, 24, 500, 3)
    )
    plain.restore(state)
    assert plain.state()["rows"] == 40
