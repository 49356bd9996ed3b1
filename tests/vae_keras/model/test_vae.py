"""The model: its objective, its scores, its saving, and what it refuses."""

import json

import keras
import numpy as np
import pytest

from vae_keras import VAE, Scaling, mlp_pair

FLOAT32 = 1e-5


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(2.0, 3.0, (64, 6)).astype(np.float32)


@pytest.fixture
def vae():
    keras.utils.set_random_seed(0)
    scaling = Scaling(np.full(6, 2.0), np.full(6, 3.0), -50.0, 50.0, name="preprocessing")
    return VAE(*mlp_pair((6,), 2, (8,)), likelihood="gaussian", preprocessing=scaling, beta=0.5)


def scored(vae, x, noise=None):
    return {name: np.asarray(value) for name, value in vae.score(x, noise).items()}


def test_score_is_nll_plus_kl_and_nll_the_sum_of_its_features(vae, rows):
    terms = scored(vae, rows)
    np.testing.assert_allclose(terms["score"], terms["nll"] + terms["kl"], rtol=FLOAT32)
    np.testing.assert_allclose(terms["feature_nll"].sum(1), terms["nll"], rtol=FLOAT32)


def test_scores_have_the_shape_of_the_batch_and_features_that_of_x(vae, rows):
    terms = scored(vae, rows)
    assert {name: value.shape for name, value in terms.items()} == {
        **dict.fromkeys(("score", "nll", "kl", "log_px"), (64,)),
        "feature_nll": (64, 6),
    }
    assert {value.dtype for value in terms.values()} == {np.dtype(np.float32)}


def test_scores_are_deterministic(vae, rows):
    np.testing.assert_array_equal(scored(vae, rows)["score"], scored(vae, rows)["score"])


def test_without_noise_the_score_is_that_at_the_posterior_mean(vae, rows):
    x_mean = np.asarray(vae.decoder(vae.encode(rows)[0]), np.float64)
    standardized = (rows - 2.0) / 3.0  # sigma is 1 in a fresh likelihood, up to the softclip
    expected = 0.5 * ((standardized - x_mean) ** 2 + np.log(2 * np.pi)).sum(1)
    np.testing.assert_allclose(scored(vae, rows)["nll"], expected, rtol=0.02)


def test_a_row_does_not_depend_on_its_neighbours_even_with_noise(vae, rows):
    noise = np.random.default_rng(1).standard_normal((5, 2)).astype(np.float32)
    together, alone = scored(vae, rows, noise), scored(vae, rows[3:4], noise)
    for name, value in alone.items():
        np.testing.assert_allclose(together[name][3:4], value, rtol=1e-4, atol=1e-5, err_msg=name)


def test_nll_given_noise_is_the_mean_over_its_rows(vae, rows):
    noise = np.random.default_rng(1).standard_normal((3, 2)).astype(np.float32)
    each = [scored(vae, rows, noise[k : k + 1])["nll"] for k in range(3)]
    np.testing.assert_allclose(scored(vae, rows, noise)["nll"], np.mean(each, 0), rtol=FLOAT32)


def test_log_px_is_the_importance_weighted_bound(vae, rows):
    """Against the definition in float64: log mean exp of log p(x, z) - log q(z|x)."""
    noise = np.random.default_rng(1).standard_normal((3, 2)).astype(np.float32)
    z_mean, z_log_var = (np.asarray(value, np.float64) for value in vae.encode(rows))
    log_weights = []
    for draw in noise:
        z = z_mean + np.exp(z_log_var / 2) * draw
        log_prior = -0.5 * (z**2 + np.log(2 * np.pi)).sum(1)
        log_posterior = -0.5 * (draw**2 + z_log_var + np.log(2 * np.pi)).sum(1)
        nll = scored(vae, rows, draw[None])["nll"]
        log_weights.append(log_prior - log_posterior - nll)
    expected = np.log(np.exp(log_weights).mean(0))
    np.testing.assert_allclose(scored(vae, rows, noise)["log_px"], expected, rtol=1e-4)


def test_more_samples_tighten_the_bound_on_average(vae, rows):
    noise = np.random.default_rng(1).standard_normal((200, 2)).astype(np.float32)
    single = np.mean([scored(vae, rows, n[None])["log_px"].mean() for n in noise[:50]])
    assert scored(vae, rows, noise)["log_px"].mean() > single


def test_reconstructions_and_decoded_latents_are_in_the_data_units(vae, rows):
    z_mean, _ = vae.encode(rows)
    expected = np.asarray(vae.decoder(z_mean)) * 3.0 + 2.0
    np.testing.assert_allclose(np.asarray(vae(rows)), expected, rtol=FLOAT32)
    np.testing.assert_allclose(np.asarray(vae.decode(z_mean)), expected, rtol=FLOAT32)


def test_the_loss_is_the_mean_over_the_batch_of_nll_plus_beta_kl(vae, rows):
    vae.compile(keras.optimizers.SGD(0.0))
    losses = vae.evaluate(rows, batch_size=16, verbose=0, return_dict=True)
    assert losses["loss"] == pytest.approx(losses["nll"] + 0.5 * losses["kl"], rel=FLOAT32)
    assert losses["kl"] == pytest.approx(scored(vae, rows)["kl"].mean(), rel=FLOAT32)


def test_losses_of_an_uneven_last_batch_are_weighted_by_its_rows(vae, rows):
    vae.compile(keras.optimizers.SGD(0.0))
    kl = vae.evaluate(rows[:33], batch_size=32, verbose=0, return_dict=True)["kl"]
    assert kl == pytest.approx(scored(vae, rows[:33])["kl"].mean(), rel=FLOAT32)


def test_training_lowers_the_loss_and_reaches_every_weight(vae, rows):
    before = [np.array(weight) for weight in vae.get_weights()]
    vae.compile(keras.optimizers.Adam(1e-2))
    history = vae.fit(rows, epochs=30, batch_size=16, verbose=0).history["loss"]
    assert history[-1] < history[0] - 0.5
    names = [weight.path for weight in vae.trainable_variables]
    for name, old, new in zip(names, before, vae.trainable_variables, strict=False):
        assert not np.array_equal(old, np.asarray(new)), name


def test_regularisers_of_a_network_are_trained_on(rows):
    def kernel_size(strength):
        keras.utils.set_random_seed(0)
        x, z = keras.Input((6,)), keras.Input((2,))
        both = keras.layers.Dense(4, kernel_regularizer=keras.regularizers.L2(strength))
        h = both(x)
        encoder = keras.Model(x, [h[:, :2], h[:, 2:]])
        decoder = keras.Model(z, keras.layers.Dense(6)(z))
        vae = VAE(encoder, decoder, likelihood="gaussian")
        vae.compile(keras.optimizers.Adam(1e-2))
        vae.fit(rows, epochs=40, verbose=0)
        return np.square(both.kernel).sum()

    assert kernel_size(100.0) < 0.5 * kernel_size(0.0)


def test_the_same_seed_trains_the_same_weights(rows):
    def trained():
        keras.utils.set_random_seed(3)
        vae = VAE(*mlp_pair((6,), 2, (8,)), likelihood="gaussian", seed=3)
        vae.compile(keras.optimizers.Adam(1e-2))
        vae.fit(rows, epochs=2, verbose=0)
        return scored(vae, rows)["score"]

    np.testing.assert_array_equal(trained(), trained())


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_saved_and_loaded_it_has_the_same_config_weights_and_scores(tmp_path, rows, likelihood):
    x = rows if likelihood == "gaussian" else (rows > 2).astype(np.float32)
    scaling = Scaling(0.1, 0.7, -50.0, 50.0, name="preprocessing")
    pair = mlp_pair((6,), 2, (8,))
    vae = VAE(*pair, likelihood=likelihood, preprocessing=scaling, beta=0.3, seed=5)
    vae.compile(keras.optimizers.Adam(1e-2))
    vae.fit(x, epochs=2, verbose=0)
    vae.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert json.dumps(again.get_config()) == json.dumps(vae.get_config())
    for old, new in zip(vae.weights, again.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(old), np.asarray(new), err_msg=old.path)
    for name, value in scored(vae, x).items():
        np.testing.assert_array_equal(scored(again, x)[name], value, err_msg=name)


def test_free_bits_let_each_latent_spend_them_unpenalised(rows):
    """A fresh model spends next to nothing: its loss is nll + beta * 2 latents * 0.7 nats."""
    vae = VAE(*mlp_pair((6,), 2, (8,)), likelihood="gaussian", beta=0.5, free_bits=0.7)
    for weight in vae.encoder.trainable_variables:
        weight.assign(0.01 * weight)
    vae.compile(keras.optimizers.SGD(0.0))
    losses = vae.evaluate(rows, verbose=0, return_dict=True)
    assert losses["kl"] < 0.1
    assert losses["loss"] - losses["nll"] == pytest.approx(0.7, rel=FLOAT32)
    assert losses["elbo"] == pytest.approx(-(losses["nll"] + losses["kl"]), rel=FLOAT32)


def test_a_wild_log_variance_is_kept_finite(vae, rows):
    vae.encoder.layers[-1].bias.assign([1e4, -1e4])
    terms = scored(vae, rows, np.ones((1, 2), np.float32))
    assert all(np.isfinite(value).all() for value in terms.values())


def test_targets_are_refused(vae, rows):
    vae.compile("adam")
    with pytest.raises(ValueError, match="x alone"):
        vae.fit(rows, rows, verbose=0)


def test_a_pair_that_does_not_fit_is_refused():
    (encoder, _), (_, decoder) = mlp_pair((6,), 2), mlp_pair((5,), 2)
    with pytest.raises(ValueError, match=r"decoder whose output has x's shape \(None, 6\)"):
        VAE(encoder, decoder, likelihood="gaussian")


LABELS = np.where(np.arange(64) % 4 == 0, np.arange(64) % 3, -1)


def classified(classifier=3, **options):
    keras.utils.set_random_seed(0)
    vae = VAE(*mlp_pair((6,), 2, (8,)), likelihood="gaussian", classifier=classifier, **options)
    vae.compile(keras.optimizers.Adam(1e-2))
    return vae


def evaluated(vae, *rows):
    return vae.evaluate(*rows, verbose=0, return_dict=True)


def test_without_labels_the_loss_is_that_of_a_vae_without_a_classifier(rows):
    without, without_labels = (evaluated(classified(c), rows) for c in (None, 3))
    assert set(without_labels) == {"loss", "nll", "kl", "elbo"}
    assert without_labels["loss"] == pytest.approx(
        without_labels["nll"] + without_labels["kl"], rel=FLOAT32
    )
    assert without_labels == pytest.approx(without, rel=FLOAT32)


def test_with_labels_the_loss_is_larger_by_what_is_asked_of_the_classifier(rows):
    losses = evaluated(classified(classifier_weight=7.0), rows[:32], LABELS[:32])  # one batch
    asked = 7.0 * (losses["cross_entropy"] + losses["consistency"])
    assert losses["loss"] == pytest.approx(losses["nll"] + losses["kl"] + asked, rel=FLOAT32)
    assert losses["elbo"] == pytest.approx(-(losses["nll"] + losses["kl"]), rel=FLOAT32)


def test_the_cross_entropy_is_that_of_the_labels_at_the_posterior_mean(rows):
    vae, known = classified(), LABELS >= 0
    probabilities = np.asarray(vae.classify(rows[known]), np.float64)
    expected = -np.log(probabilities[np.arange(known.sum()), LABELS[known]]).mean()
    losses = vae.evaluate(rows, LABELS, batch_size=24, verbose=0, return_dict=True)
    assert losses["cross_entropy"] == pytest.approx(expected, rel=FLOAT32)
    right = (probabilities.argmax(1) == LABELS[known]).mean()
    assert losses["accuracy"] == pytest.approx(right, rel=FLOAT32)


def test_batches_without_a_label_leave_the_loss_finite(rows):
    only_first = np.where(np.arange(64) < 3, np.arange(64), -1)
    history = classified().fit(rows, only_first, batch_size=8, epochs=3, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())


def test_it_learns_classes_of_which_few_are_known():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    x = (4 * np.eye(6)[truth] + rng.normal(0, 0.3, (300, 6))).astype(np.float32)
    few = np.where(np.arange(300) < 15, truth, -1)
    vae = classified()
    vae.fit(x, few, epochs=30, verbose=0)
    assert (np.asarray(vae.classify(x)).argmax(1) == truth)[15:].mean() > 0.95


def test_probabilities_sum_to_one(rows):
    probabilities = np.asarray(classified().classify(rows))
    assert probabilities.shape == (64, 3)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(1), 1.0, rtol=FLOAT32)


def test_a_classifier_leaves_the_scores_what_they_are(rows):
    for name, value in scored(classified(None), rows).items():
        np.testing.assert_array_equal(scored(classified(), rows)[name], value, err_msg=name)


@pytest.mark.parametrize("classifier", [3, keras.layers.Dense(3)])
def test_a_classifier_is_saved_and_loaded_with_its_model(tmp_path, rows, classifier):
    vae = classified(classifier, classifier_weight=3.0)
    vae.fit(rows, LABELS, epochs=2, verbose=0)
    vae.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert json.dumps(again.get_config()) == json.dumps(vae.get_config())
    assert (again.classes, again.classifier_weight) == (3, 3.0)
    np.testing.assert_array_equal(np.asarray(again.classify(rows)), np.asarray(vae.classify(rows)))


def test_classes_of_a_vae_without_a_classifier_are_refused(vae, rows):
    with pytest.raises(ValueError, match="expected a VAE with a classifier"):
        vae.classify(rows)


@pytest.mark.parametrize("wrong", [LABELS + 1, LABELS - 1, LABELS.astype(np.float32)])
def test_labels_that_are_no_classes_are_refused(rows, wrong):
    with pytest.raises(ValueError, match="expected labels from 0 to 2, and -1 where unknown"):
        classified().fit(rows, wrong, verbose=0)


def test_sample_weights_are_refused(rows):
    with pytest.raises(ValueError, match=r"sample_weight: VAE\.fit does not use it"):
        classified().fit(rows, LABELS, sample_weight=np.ones(64), verbose=0)


def test_corruption_is_of_what_is_encoded_in_training(rows):
    scaling = Scaling(np.full(6, 2.0), np.full(6, 3.0), name="preprocessing")
    pair = mlp_pair((6,), 2, (8,))
    clean, noisy = (
        VAE(*pair, likelihood="gaussian", preprocessing=scaling, corruption=size)
        for size in (0.0, 5.0)
    )
    for vae in (clean, noisy):
        vae.compile(keras.optimizers.Adam(1e-3))
    losses = [
        {k: float(v) for k, v in vae.objective(rows, False).items()} for vae in (clean, noisy)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)  # each draws noise of its own
    assert float(noisy.objective(rows, True)["kl"]) > 2 * float(clean.objective(rows, True)["kl"])
    np.testing.assert_array_equal(noisy.score(rows)["score"], clean.score(rows)["score"])


def test_corruption_is_saved(rows):
    vae = VAE(*mlp_pair((6,), 2, (8,)), likelihood="gaussian", corruption=0.3)
    assert VAE.from_config(vae.get_config()).corruption == 0.3
