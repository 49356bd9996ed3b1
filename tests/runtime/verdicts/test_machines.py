"""Each machine of a fleet judged by its own normal rows."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_runtime import Runner, StreamScorer, recalibrate
from vae_runtime.bundle.manifest import Calibration
from vae_runtime.verdicts.calibration import p_values
from vae_runtime.verdicts.machines import (
    Fleet,
    by_machine,
    check_enough,
    of_machine,
)

NOISE = {"calm-1": 0.3, "calm-2": 0.3, "calm-3": 0.3, "calm-4": 0.3, "rough": 0.5}
ALPHA, CALIBRATION, FRESH = 0.05, 1000, 4000

# Of the realised rate: given its calibration rows, that of a machine is Beta distributed with a
# standard deviation of sqrt(alpha (1 - alpha) / 1000) = .0069, and 4,000 rows measure it to .0034.
# Five of both together.
TOLERANCE = 5 * (0.0069**2 + 0.0034**2) ** 0.5


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def calibration(machines, alpha=0.1):
    together = tuple(sorted(score for scores in machines.values() for score in scores))
    return Calibration(
        alpha, 1e-3, together, by_machine={u: tuple(sorted(s)) for u, s in machines.items()}
    )


@pytest.fixture(scope="module")
def fleet(golden, golden_rows, tmp_path_factory):
    """A bundle that is calibrated for each of five machines, one of which scores higher."""
    names = np.repeat(list(NOISE), CALIBRATION)
    parts = [golden_rows(CALIBRATION, i, noise) for i, noise in enumerate(NOISE.values())]
    out = tmp_path_factory.mktemp("fleet") / "fleet"
    recalibrate(golden, np.concatenate(parts), out, alpha=ALPHA, machines={"machine": names})
    return out


NAMED = st.text("ab1 é", min_size=1).map(str.strip).filter(bool)
numbers = st.floats(-1e6, 1e6, width=32)


@given(
    st.dictionaries(NAMED, st.lists(numbers, min_size=1), min_size=1),
    st.data(),
)
def test_each_row_has_the_p_value_of_its_own_machines_scores(machines, data):
    fleet = Fleet(calibration(machines))
    rows = st.tuples(st.sampled_from(sorted(machines)), numbers)
    names, scores = zip(*data.draw(st.lists(rows, min_size=1)), strict=True)
    scores = np.array(scores, np.float32)
    p = fleet.of_rows(names, scores).p_values(scores)
    assert p.dtype == np.float64
    for i, name in enumerate(names):
        own = np.sort(np.array(machines[name]))
        assert p[i] == p_values(scores[i : i + 1], own, 1e-3)[0]


def test_each_machine_alarms_at_the_promised_rate_and_by_all_together_one_does_not(
    fleet, golden_rows
):
    runner = Runner.load(fleet)
    own, pooled = {}, {}
    for i, (machine, noise) in enumerate(NOISE.items()):
        x = golden_rows(FRESH, 100 + i, noise)
        own[machine] = runner.score(x, machines=[machine] * FRESH).is_anomaly.mean()
        pooled[machine] = runner.score(x).is_anomaly.mean()
    assert all(abs(rate - ALPHA) < TOLERANCE for rate in own.values()), own
    assert pooled["rough"] > 3 * ALPHA
    assert pooled["calm-1"] < ALPHA / 2
    assert abs(np.mean(list(pooled.values())) - ALPHA) < TOLERANCE


def test_a_runner_of_one_machine_is_the_one_of_all_for_rows_of_it(fleet, golden_rows):
    x, whole = golden_rows(50, 7, 0.5), Runner.load(fleet)
    for machine in ("calm-1", "rough"):
        alone = Runner.load(fleet, machine=machine)
        assert alone.machine == machine
        assert alone.calibration.scores == whole.calibration.by_machine[machine]
        for level in ({}, {"alpha": 0.2}, {"threshold": 3.0}, {"fdr": 0.3}):
            expected = whole.score(x, machines=np.full(50, machine), **level)
            for received, wanted in zip(alone.score(x, **level), expected, strict=True):
                np.testing.assert_array_equal(received, wanted)


def test_rows_of_several_machines_may_come_in_any_order(fleet, golden_rows):
    runner, x = Runner.load(fleet), golden_rows(60, 8)
    names = np.random.default_rng(0).choice(list(NOISE), 60)
    together = runner.score(x, machines=names)
    for machine in NOISE:
        own = p_values(
            together.score,
            np.array(runner.calibration.by_machine[machine]),
            runner.calibration.rounding,
        )
        np.testing.assert_array_equal(together.p_value[names == machine], own[names == machine])
    np.testing.assert_array_equal(together.is_anomaly, together.p_value <= ALPHA)


def test_a_stream_is_judged_by_the_machine_of_its_runner(fleet, golden_rows):
    x, runner = golden_rows(40, 9, 0.5), Runner.load(fleet, machine="rough")
    results = StreamScorer(runner).push(x)
    np.testing.assert_array_equal([r.p_value for r in results], runner.score(x).p_value)
    state = StreamScorer(runner).state()
    with refuses("state: expected one of this bundle."):
        StreamScorer(Runner.load(fleet, machine="calm-1")).restore(state)


def test_an_unknown_machine_is_refused_with_what_is_known_and_what_to_do(
    fleet, golden, golden_rows
):
    for call in (
        lambda: Runner.load(fleet, machine="smooth"),
        lambda: Runner.load(fleet).score(golden_rows(2, 0), machines=["rough", "smooth"]),
    ):
        with refuses(
            "the machine 'smooth'. Received: one with calm-1, calm-2, calm-3, calm-4, rough."
        ) as e:
            call()
        assert "vae-runtime calibrate" in str(e.value)
    with refuses("the machine 'rough'. Received: one without machines."):
        Runner.load(golden, machine="rough")


ROWS = np.zeros((2, 6), np.float32)


def test_a_machine_with_too_few_rows_is_refused_when_it_is_used_and_others_go_on():
    fleet = Fleet(calibration({"few": [1.0] * 8, "many": [1.0] * 9}))
    assert fleet.of_rows(["many"] * 2, ROWS[:2]).alarm() is not None
    for names in (["few"], ["few", "many"], ["many", "few"]):
        with refuses("machine 'few': alpha=0.1 needs at least 9 calibration rows. Received: 8"):
            fleet.of_rows(names, ROWS[: len(names)]).alarm()
    assert fleet.of_rows(["few"], ROWS[:1]).alarm(alpha=0.2) is not None


def test_machines_with_a_runner_of_one_contradict_it(fleet, golden_rows):
    with refuses("expected no machines in a runner that was loaded for 'rough'."):
        Runner.load(fleet, machine="rough").score(golden_rows(1, 0), machines=["rough"])


def test_drawn_scores_have_no_p_values_whoever_they_are_of(fleet, golden_rows):
    scores = Runner.load(fleet).score(
        golden_rows(3, 0), machines=["rough"] * 3, samples=2, seed=0, threshold=1e9
    )
    assert np.isnan(scores.p_value).all()


@pytest.mark.parametrize("name", [" a", "a\x1b[2J", "a" * 101])
def test_names_that_no_table_should_hold_are_refused(name):
    with pytest.raises(ValueError, match="expected"):
        by_machine(np.zeros(1), np.array([name]))


def test_a_fleet_has_an_end():
    names = np.array([str(i) for i in range(1001)])
    with refuses("expected 1,000 machines at most. Received: 1,001."):
        by_machine(np.zeros(1001), names)


def test_all_machines_with_too_few_rows_are_named_with_the_number_needed():
    names = np.array(["a"] * 9 + ["b"] * 8 + ["c"])
    with refuses("needs at least 9 calibration rows of each machine. Received: 8 of b, 1 of c."):
        check_enough(0.1, names)
    check_enough(0.6, names)


def test_the_calibration_of_a_machine_has_no_machines_itself():
    whole = calibration({"a": [2.0, 1.0], "b": [3.0]})
    assert of_machine(whole, "a") == dataclasses.replace(whole, scores=(1.0, 2.0), by_machine=None)
