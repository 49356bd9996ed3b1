import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_runtime import BundleError, Runner
from vae_runtime.selftest import deviation

ALTERED = 1 + 1e-3  # a hundred times the tolerance of a bundle
ROUNDED = 1 + 1e-6  # a tenth of it, and about float32's own rounding

ANSWERS = {
    "encoder.z_mean",
    "encoder.z_log_var",
    "decoder.x_mean",
    "scorer.score",
    "scorer.nll",
    "scorer.kl",
    "scorer.log_px",
    "scorer.feature_nll",
    "noisy_scorer.score",
    "noisy_scorer.nll",
    "noisy_scorer.kl",
    "noisy_scorer.log_px",
    "noisy_scorer.feature_nll",
}

rows = arrays(np.float32, (4, 2), elements=st.integers(-1000, 1000).map(float))


def scale(key, factor):
    """A change of the probe: this answer times this factor."""
    return lambda arrays: arrays.update({key: arrays[key] * np.float32(factor)})


def test_a_good_bundle_passes(case):
    report = case.runner.selftest()
    assert report.passed
    assert {check.tolerance for check in report.checks} == {case.runner.manifest.tolerance}


def test_every_output_of_every_graph_is_checked_all_at_once_and_one_at_a_time(case):
    checks = [(check.name, check.rows) for check in case.runner.selftest().checks]
    mixture = {"scorer.mixture_nll", "noisy_scorer.mixture_nll"}
    answers = ANSWERS | (mixture if case.runner.manifest.model.mixture else set())
    expected = {(name, rows) for name in answers for rows in ("all at once", "one at a time")}
    assert set(checks) == expected
    assert len(checks) == len(expected)


def test_an_altered_answer_fails_its_own_check_and_no_other(bundle_copy, change_probe, subtests):
    for key in sorted(ANSWERS):
        with subtests.test(key):
            change_probe(bundle_copy, scale(key, ALTERED))
            report = Runner.load(bundle_copy).selftest()
            assert not report.passed
            assert {check.name for check in report.checks if not check.passed} == {key}
            change_probe(bundle_copy, scale(key, 1 / ALTERED))


def test_an_answer_altered_within_the_tolerance_passes(bundle_copy, change_probe):
    change_probe(bundle_copy, scale("scorer.score", ROUNDED))
    assert Runner.load(bundle_copy).selftest().passed


def test_the_tolerance_is_the_bundles_own(bundle_copy, change_probe, edit_manifest):
    change_probe(bundle_copy, scale("scorer.score", ALTERED))
    edit_manifest(bundle_copy, lambda document: document.update(tolerance=0.01))
    report = Runner.load(bundle_copy).selftest()
    assert {check.tolerance for check in report.checks} == {0.01}
    assert report.passed


def test_noise_reaches_the_graph(bundle_copy, change_probe):
    change_probe(bundle_copy, lambda arrays: arrays.update(noise=np.zeros_like(arrays["noise"])))
    checks = Runner.load(bundle_copy).selftest().checks
    failed = {check.name for check in checks if not check.passed}
    assert {"noisy_scorer.score", "noisy_scorer.nll"} <= failed
    assert not any(name.startswith("scorer.") for name in failed)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda answer: np.where(answer == answer, np.nan, answer), id="nan"),
        pytest.param(lambda answer: answer[:3], id="fewer rows"),
        pytest.param(lambda answer: answer[..., None], id="another rank"),
    ],
)
def test_an_answer_that_is_none_fails(bundle_copy, change_probe, spoil):
    def change(arrays):
        arrays["decoder.x_mean"] = spoil(arrays["decoder.x_mean"])

    change_probe(bundle_copy, change)
    assert not Runner.load(bundle_copy).selftest().passed


@pytest.mark.parametrize("key", ["x", "z", "noise", "encoder.z_mean", "noisy_scorer.log_px"])
def test_a_missing_key_is_refused_by_its_name(bundle_copy, change_probe, key):
    change_probe(bundle_copy, lambda arrays: arrays.pop(key))
    runner = Runner.load(bundle_copy)
    with pytest.raises(BundleError, match=re.escape(f"probe.npz: expected the key {key!r}.")):
        runner.selftest()


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda x: x.astype(np.float64), id="dtype"),
        pytest.param(lambda x: x.reshape(len(x), -1), id="shape"),
        pytest.param(lambda x: x[:0], id="no rows"),
    ],
)
def test_probe_rows_that_the_graphs_cannot_take_are_the_bundles_fault(
    bundle_copy, change_probe, spoil
):
    change_probe(bundle_copy, lambda arrays: arrays.update(x=spoil(arrays["x"])))
    runner = Runner.load(bundle_copy)
    with pytest.raises(BundleError, match=r"probe\.npz"):
        runner.selftest()


@settings(max_examples=50, deadline=None)
@given(rows, rows)
def test_deviation_is_the_largest_difference_as_a_share_of_the_largest_magnitude(a, b):
    if not a.any():
        a = a + np.float32(1)
    expected = max(abs(p - q) for p, q in zip(a.flat, b.flat, strict=True)) / max(map(abs, a.flat))
    assert deviation(a, b) == pytest.approx(expected, rel=1e-6)  # the reference is in float32


@settings(max_examples=50, deadline=None)
@given(rows)
def test_deviation_of_equal_arrays_is_zero(a):
    assert deviation(a, a.copy()) == 0.0


@settings(max_examples=50, deadline=None)
@given(rows, rows, st.integers(-10, 10))
def test_deviation_has_no_unit(a, b, power):
    factor = np.float32(2.0**power)  # a power of two, for exact products
    assert deviation(a * factor, b * factor) == deviation(a, b)


def test_a_deviation_is_a_share_of_the_unit_where_all_is_smaller():
    assert deviation(np.array([0.25, 0.5]), np.array([0.25, 0.75]), 1.0) == 0.25
    assert deviation(np.array([0.25, 4.0]), np.array([0.25, 5.0]), 1.0) == 0.25


def test_the_data_units_are_measured_in_those_of_the_model():
    """The second feature is off by 5 of its deviations, where 10 is the most of all."""
    expected = np.array([[1e5, 0.001], [2e5, 0.002]])
    received = expected + np.array([[0.0, 0.0], [0.0, 0.0005]])
    scaling = np.array([1.9e5, 0.0015]), np.array([1e4, 1e-4])
    assert deviation(expected, received, 1.0, scaling=scaling) == pytest.approx(5 / 9, rel=1e-4)
    assert deviation(expected, received) == pytest.approx(0.0005 / 2e5)


def test_what_float32_cannot_resolve_is_no_deviation():
    expected, scaling = np.array([[101325.0]]), (np.array([101325.0]), np.array([1.0]))
    one_step = np.spacing(np.float32(101325.0))
    assert deviation(expected, expected + one_step, 1.0, scaling=scaling) == 0.0
    assert deviation(expected, expected + 1.0, 1.0, scaling=scaling) > 0.2


def test_a_feature_of_small_units_has_a_say_in_the_verdict(table_copy, change_probe):
    def spoil(arrays):
        arrays["decoder.x_mean"][:, 1] *= np.float32(ALTERED)  # vibration, beside pascals

    change_probe(table_copy, spoil)
    report = Runner.load(table_copy).selftest()
    assert {check.name for check in report.checks if not check.passed} == {"decoder.x_mean"}


def test_any_difference_from_zeros_is_infinite():
    assert deviation(np.zeros(3), np.array([0.0, 0.0, 1e-30])) == np.inf


def test_another_shape_is_infinitely_far():
    assert deviation(np.ones((3, 1)), np.ones(3)) == np.inf


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_answer_that_is_not_finite_is_infinitely_far(value):
    assert deviation(np.array([1.0, 2.0]), np.array([1.0, value])) == np.inf


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_everything_is_infinitely_far_from_an_expectation_that_is_not_finite(value):
    assert deviation(np.array([1.0, value]), np.array([1.0, 2.0])) == np.inf
