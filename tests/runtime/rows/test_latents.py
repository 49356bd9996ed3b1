import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_runtime.rows.latents import draw, interpolate, noise

ROUNDING = 1e-4  # of vectors of length 10 at most, in float32

points = arrays(np.float32, 4, elements=st.floats(-5, 5, width=32))


def test_a_longer_draw_begins_with_a_shorter_one():
    np.testing.assert_array_equal(noise(5, 3, 0)[:2], noise(2, 3, 0))


def test_a_seed_alone_is_one_draw():
    assert noise(None, 3, 0).shape == (1, 3)


@pytest.mark.parametrize("draws", [0, -2, 2.5, "3", True])
def test_what_is_no_number_of_draws_is_refused(draws):
    with pytest.raises(ValueError, match="expected a number of draws from 1, as a whole number"):
        noise(draws, 3, None)


@pytest.mark.parametrize("seed", [-1, 1.5, "a"])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(ValueError, match="expected a seed from 0, as a whole number"):
        noise(1, 3, seed)


def test_draws_are_the_mean_and_the_scaled_noise():
    z = draw(np.array([[1.0, 2.0]]), np.log([[4.0, 9.0]]), np.array([[1.0, -1.0], [0.0, 0.0]]))
    np.testing.assert_allclose(z, [[[3.0, -1.0], [1.0, 2.0]]], rtol=1e-6)


@given(points, points, st.integers(2, 9), st.sampled_from(["linear", "spherical"]))
def test_both_ends_are_included(start, end, steps, method):
    between = interpolate(start, end, steps, method)
    assert between.shape == (steps, 4)
    assert between.dtype == np.float32
    np.testing.assert_allclose(between[0], start, atol=ROUNDING)
    np.testing.assert_allclose(between[-1], end, atol=ROUNDING)


@given(points, points)
def test_lengths_along_an_arc_lie_between_those_of_its_ends(start, end):
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    assume(min(lengths) > 0.1)
    cosine = start @ end / np.prod(lengths)
    assume(abs(cosine) < 0.99)
    found = np.linalg.norm(interpolate(start, end, 9, "spherical"), axis=1)
    assert (found >= min(lengths) - ROUNDING).all()
    assert (found <= max(lengths) + ROUNDING).all()


def test_a_straight_line_passes_closer_to_the_origin():
    start, end = np.eye(2, dtype=np.float32)
    assert np.linalg.norm(interpolate(start, end, 3, "linear")[1]) == pytest.approx(np.sqrt(0.5))
    assert np.linalg.norm(interpolate(start, end, 3, "spherical")[1]) == pytest.approx(1.0)


@pytest.mark.parametrize("end", [(2.0, 0.0), (-1.0, 0.0), (0.0, 0.0), (1.0, 0.0)])
def test_points_on_one_line_are_joined_by_it(end):
    start = np.array([1.0, 0.0], np.float32)
    between = interpolate(start, np.array(end, np.float32), 3, "spherical")
    np.testing.assert_allclose(between[1], (start + end) / 2, atol=ROUNDING)


@pytest.mark.parametrize("steps", [1, 0, -3])
def test_fewer_than_two_steps_are_refused(steps):
    with pytest.raises(ValueError, match="expected steps from 2"):
        interpolate(np.ones(2, np.float32), np.zeros(2, np.float32), steps, "linear")


def test_a_method_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="expected a method of linear, spherical"):
        interpolate(np.ones(2, np.float32), np.zeros(2, np.float32), 3, "cubic")
