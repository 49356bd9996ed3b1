"""The mixture: its density, how it is fitted, and its part in a score."""

import warnings

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp, softmax
from scipy.stats import multivariate_normal

from vae_keras import VAE, mlp_pair
from vae_keras.model.mixture import FAR_SIGMAS, LEAST_SIGMA, SIGMA_FACTOR, Mixture
from vae_runtime.verdicts.calibration import SCORE_RTOL

FLOAT32 = 2e-5  # of sums of squares, whose terms cancel in part

CENTRES = np.float32([[0, 0, 0], [3, 0, -1], [-40, 2, 5]])
WEIGHTS = np.float32([0.5, 0.3, 0.2])
SIGMA = np.float32(0.7)


@pytest.fixture
def mixture():
    made = Mixture(3)
    made.build((None, 3))
    made.centres.assign(CENTRES)
    made.log_weights.assign(np.log(WEIGHTS))
    made.sigma.assign(SIGMA)
    return made


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(0.0, 2.0, (50, 3)).astype(np.float32)


def test_it_is_the_density_that_scipy_computes(mixture, rows):
    each = [multivariate_normal.logpdf(rows, centre, SIGMA**2 * np.eye(3)) for centre in CENTRES]
    expected = -logsumexp(np.stack(each), axis=0, b=WEIGHTS[:, None])
    found = np.asarray(mixture(rows))
    np.testing.assert_allclose(found, expected, rtol=FLOAT32)
    assert (found.shape, found.dtype) == ((50,), np.float32)


def test_rows_of_any_shape_are_flattened(mixture, rows):
    deep = Mixture(3)
    deep.build((None, 3, 1))
    deep.set_weights(mixture.get_weights())
    np.testing.assert_array_equal(deep(rows[:, :, None]), mixture(rows))


def test_a_row_far_from_all_centres_has_a_finite_nll(mixture):
    far = np.full((1, 3), 50.0, np.float32)
    assert 1e3 < float(mixture(far)[0]) < np.inf


def test_its_magnitude_bounds_the_rounding_of_its_terms(mixture, rows):
    exact = -logsumexp(
        np.stack(
            [
                np.log(w) + multivariate_normal.logpdf(rows, c, float(SIGMA) ** 2 * np.eye(3))
                for w, c in zip(WEIGHTS.astype(float), CENTRES, strict=True)
            ]
        ),
        axis=0,
    )
    error = np.abs(np.asarray(mixture(rows), np.float64) - exact)
    assert (error <= 1e-6 * np.asarray(mixture.magnitude(rows))).all()


@pytest.mark.parametrize("features", [1024, 4096])
def test_it_bounds_what_the_batch_changes_of_low_noise_windows_too(features):
    """Twenty states, little noise: sigma is `LEAST_SIGMA`, and large terms cancel to small nats."""
    rng = np.random.default_rng(0)
    states = rng.normal(size=(20, features))
    noise = 0.02 * rng.normal(size=(264, features))
    rows = (states[rng.integers(0, 20, 264)] + noise).astype(np.float32)
    made = fitted(20, rows[:200], rows[200:])
    assert float(made.sigma) == pytest.approx(LEAST_SIGMA)
    rows = rows[200:]
    together, alone = np.asarray(made(rows)), np.concatenate([made(row[None]) for row in rows])
    assert (np.abs(together - alone) <= SCORE_RTOL * np.asarray(made.magnitude(rows))).all()


@pytest.fixture
def clusters():
    """Rows around five places, four of them common: (training, held back)."""
    rng = np.random.default_rng(1)
    places = rng.normal(0.0, 5.0, (5, 4))
    which = rng.choice(5, 1200, p=[0.24, 0.24, 0.24, 0.24, 0.04])
    rows = (places[which] + rng.normal(0.0, 0.3, (1200, 4))).astype(np.float32)
    return places, rows[:1000], rows[1000:]


def fitted(count, rows, held_back, seed=0):
    made = Mixture(count)
    made.build((None, *rows.shape[1:]))
    made.fit(rows, held_back, seed=seed)
    return made


def test_fit_finds_the_typical_rows_and_how_common_they_are(clusters):
    places, rows, held_back = clusters
    made = fitted(5, rows, held_back)
    order = np.linalg.norm(np.asarray(made.centres)[:, None] - places, axis=2).argmin(0)
    np.testing.assert_allclose(np.asarray(made.centres)[order], places, atol=0.1)
    shares = np.exp(np.asarray(made.log_weights))[order]
    np.testing.assert_allclose(shares, [0.24, 0.24, 0.24, 0.24, 0.04], atol=0.04)
    assert float(made.sigma) == pytest.approx(SIGMA_FACTOR * 0.3, rel=0.1)


def test_sigma_is_set_by_rows_that_no_centre_was_sought_among(clusters):
    _, rows, held_back = clusters
    near = fitted(200, rows, held_back)
    assert float(near.sigma) > 1.05 * float(fitted(200, rows, rows).sigma)


def test_copies_of_one_row_leave_a_density_that_is_finite():
    rows = np.ones((20, 3), np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = fitted(4, rows, rows)
    assert float(made.sigma) == pytest.approx(LEAST_SIGMA)
    assert np.isfinite(made(rows)).all()


def test_the_same_rows_and_seed_give_the_same_mixture(clusters):
    _, rows, held_back = clusters
    first, again = (fitted(20, rows, held_back, seed=3).get_weights() for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_there_is_no_mixture_of_nothing():
    with pytest.raises(ValueError, match=r"expected a mixture of 1 centre or more. Received: 0."):
        Mixture(0)


@pytest.fixture
def vae(mixture):
    keras.utils.set_random_seed(0)
    return VAE(*mlp_pair((3,), 2, (8,)), likelihood="gaussian", mixture=mixture)


def test_it_is_a_term_of_the_score_and_of_no_other(vae, rows):
    plain = VAE(vae.encoder, vae.decoder, likelihood=vae.likelihood)
    with_it, without = vae.score(rows), plain.score(rows)
    assert set(with_it) == {*without, "mixture_nll"}
    np.testing.assert_array_equal(with_it["mixture_nll"], vae.mixture(rows))
    expected = np.asarray(without["score"]) + np.asarray(with_it["mixture_nll"])
    np.testing.assert_allclose(with_it["score"], expected, rtol=FLOAT32)
    for name in ("nll", "kl", "log_px", "feature_nll"):
        np.testing.assert_array_equal(with_it[name], without[name])


def test_training_leaves_it_as_it_is(vae, rows):
    before = vae.mixture.get_weights()
    vae.compile(keras.optimizers.Adam(0.01))
    vae.fit(rows, epochs=2, verbose=0)
    for one, other in zip(before, vae.mixture.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_is_saved_with_its_model(vae, rows, tmp_path):
    vae.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(again.score(rows)["score"], vae.score(rows)["score"])


def test_more_centres_than_rows_are_no_harm(rows):
    few, more = Mixture(20), Mixture(50)
    for mixture in (few, more):
        mixture.build((None, *rows.shape[1:]))
        mixture.fit(rows[:20], rows[20:60])
    given, expected = np.asarray(more(rows)), np.asarray(few(rows))
    np.testing.assert_allclose(given, expected, rtol=1e-5)


def expected_by(mixture, u, places):
    """E[u_f | the others] in float64, of a row and one feature, no further off than counts."""
    others, sigma = np.setdiff1d(np.arange(u.size), places), float(mixture.sigma)
    c = np.asarray(mixture.centres, np.float64)
    u = np.clip(u, c.min(0) - FAR_SIGMAS * sigma, c.max(0) + FAR_SIGMAS * sigma)
    logits = np.asarray(mixture.log_weights, np.float64)
    logits = logits - ((u[others] - c[:, others]) ** 2).sum(1) / (2 * sigma**2)
    return softmax(logits) @ c[:, places]


def made_of(centres, log_weights, sigma):
    made = Mixture(len(centres))
    made.build((None, centres.shape[1]))
    made.set_weights([centres, log_weights, np.float32(sigma)])
    return made


def features_of(parts, size):
    features = np.zeros((len(parts), size))
    for feature, places in zip(features, parts, strict=True):
        feature[places] = 1
    return features


@settings(deadline=None, max_examples=50)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 6),
    st.integers(1, 5),
    st.sampled_from([0.1, 1.0, 40.0]),
    st.sampled_from([1.0, 50.0]),
)
def test_an_expectation_is_the_mean_of_centres_near_the_other_features(
    seed, count, size, sigma, spread
):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(count)).astype(np.float32)
    centres = rng.normal(size=(count, size)).astype(np.float32)
    u = (spread * rng.normal(size=(3, size))).astype(np.float32)
    cut = rng.integers(0, size + 1)
    parts = [part for part in (np.arange(cut), np.arange(cut, size)) if len(part)]
    made = made_of(centres, np.log(weights), sigma)
    found = np.asarray(made.given_others(u, features_of(parts, size)))
    assert (found.shape, found.dtype) == (u.shape, np.float32)
    expected = [
        np.concatenate([expected_by(made, row.astype(np.float64), part) for part in parts])
        for row in u
    ]
    # what float32 makes of a row moves the share of a centre by as much as it moves its exponent
    exponent = (spread * 5 / sigma) ** 2 * size
    np.testing.assert_allclose(found, expected, atol=1e-5 + 1e-6 * exponent)


@pytest.mark.parametrize("value", [1e30, -1e30, np.inf, -np.inf])
def test_an_expectation_is_among_the_centres_however_wild_the_row(value):
    centres = np.float32([[0, 0, 5], [1, 1, 9]])
    made = made_of(centres, np.log(np.float32([0.5, 0.5])), 0.1)
    found = np.asarray(made.given_others(np.float32([[value, 0, 5]]), np.eye(3)))[0]
    assert found[0] == 0  # by the two that are right
    nearer = [1, 9] if value > 0 else [0, 5]  # the nearer centre
    np.testing.assert_allclose(found[1:], nearer, rtol=1e-6)


@pytest.mark.parametrize("value", [60.0, -1e3, 1e30])
def test_a_wild_value_takes_nothing_from_what_the_others_say(value):
    """Squares of it would leave float32 no digit for the others, were they not counted apart."""
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(8, 4)).astype(np.float32)
    centres[:, 0] = np.float32([0.3, 0.3, 0.3, 0.3, 0.30001, 0.3, -2, -2])
    made = made_of(centres, np.log(np.full(8, 0.125, np.float32)), 0.1)
    u = centres + rng.normal(0, 0.05, centres.shape).astype(np.float32)
    u[:, 0] = value
    found = np.asarray(made.given_others(u, np.eye(4)))
    expected = [
        np.concatenate([expected_by(made, row.astype(np.float64), [i]) for i in range(4)])
        for row in u
    ]
    np.testing.assert_allclose(found, expected, atol=1e-4)
