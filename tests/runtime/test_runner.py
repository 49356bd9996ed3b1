import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from threading import Barrier

import numpy as np
import pytest

from vae_runtime import BundleError, OnnxRuntime, Runner
from vae_runtime.backends.profiles import PROFILES
from vae_runtime.bundle import open_bundle
from vae_runtime.verdicts.calibration import SCORE_RTOL, false_discoveries, p_values
from vae_runtime.verdicts.calibration import threshold as score_limit

CHUNK = PROFILES["edge"].chunk

# Decoded rows, as scores, differ by rounding in batches of other sizes; 1e-7 is seen.
BATCH_RTOL = 1e-6
# Features are summed in float64 here and in float32 by the graph; 2e-7 is seen for 64 of them.
SUM_RTOL = 1e-5
# Standard deviations of chance that a rate may be off before a test fails: one in 30,000.
SIGMAS = 4


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def tiled(x, n):
    return np.resize(x, (n, *x.shape[1:]))


def in_batches(function, x, size):
    return np.concatenate([function(x[i : i + size]) for i in range(0, len(x), size)])


def assert_tied(case, scores, others):
    """Equal but for rounding, by the measure of p-values: a larger difference could flip them."""
    rounding = case.runner.manifest.calibration["fp32"].rounding
    np.testing.assert_allclose(scores, others, rtol=SCORE_RTOL, atol=rounding)


def test_scores_have_a_field_of_one_value_a_row(case):
    scores = case.runner.score(case.x)
    assert scores._fields == ("score", "p_value", "is_anomaly")
    assert [field.shape for field in scores] == [(len(case.x),)] * 3
    assert [field.dtype for field in scores] == [np.float32, np.float64, np.bool_]


def test_p_values_and_verdicts_are_those_of_the_bundles_calibration(case):
    calibration = case.runner.manifest.calibration["fp32"]
    scores = case.runner.score(case.x)
    known = np.array(calibration.scores)
    score = scores.score.astype(np.float64)
    tied_from = score - np.maximum(calibration.rounding, SCORE_RTOL * np.abs(score))
    at_least = (known >= tied_from[:, None]).sum(1)
    np.testing.assert_array_equal(scores.p_value, (1 + at_least) / (len(known) + 1))
    np.testing.assert_array_equal(scores.is_anomaly, scores.p_value <= calibration.alpha)


@pytest.mark.parametrize("name", ["table", "states"])
def test_a_row_of_a_table_scores_the_same_bits_wherever_it_stands(name, request):
    """In batches of 16 rows and their multiples, whose every number is in a full register."""
    case = request.getfixturevalue(name)
    x = np.resize(case.x, (192, *case.x.shape[1:]))
    expected = case.runner.score(x).score
    for step in range(1, 17):
        turned = case.runner.score(np.roll(x, step, 0)).score
        np.testing.assert_array_equal(np.roll(turned, -step), expected)
        rest = case.runner.score(x[step * 11 :][:16]).score
        np.testing.assert_array_equal(rest, expected[step * 11 :][:16])


@pytest.mark.parametrize("size", [1, 7, 256])
def test_a_row_scores_the_same_in_a_batch_of_any_size(case, size):
    whole = case.runner.score(case.x).score
    parts = in_batches(lambda rows: case.runner.score(rows).score, case.x, size)
    assert_tied(case, parts, whole)


def test_a_row_scores_the_same_among_other_rows(case):
    rows = case.x.copy()
    alone = case.runner.score(rows).score[0]
    rows[1:] = rows[1]
    assert_tied(case, case.runner.score(rows).score[0], alone)


def test_the_same_call_twice_gives_the_same_bits(case):
    first, second = case.runner.score(case.x), case.runner.score(case.x)
    np.testing.assert_array_equal(first.score, second.score)
    np.testing.assert_array_equal(first.p_value, second.p_value)


@pytest.mark.parametrize("n", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 100])
def test_scores_do_not_depend_on_where_chunks_begin(case, n):
    rows = tiled(case.x, n)  # the rows repeat with a period that does not divide a chunk
    scores = case.runner.score(rows).score
    assert scores.shape == (n,)
    assert_tied(case, scores, tiled(case.runner.score(case.x).score, n))


def test_threads_of_one_call_do_not_change_a_verdict(case):
    threaded = Runner.load(case.bundle, backend=OnnxRuntime("server")).score(case.x)
    assert_tied(case, threaded.score, case.runner.score(case.x).score)


def test_threads_that_share_a_fresh_runner_get_identical_scores(case):
    runner, n = Runner.load(case.bundle), 8
    together = Barrier(n)  # all of them open the first session at once

    def score(_):
        together.wait()
        return [runner.score(case.x[i : i + 50]).score for i in range(0, len(case.x), 50)]

    with ThreadPoolExecutor(n) as pool:
        each = [np.concatenate(parts) for parts in pool.map(score, range(n))]
    expected = in_batches(lambda rows: case.runner.score(rows).score, case.x, 50)
    for scores in each:
        np.testing.assert_array_equal(scores, expected)


def test_float64_scores_as_the_float32_it_becomes(case):
    wide = case.x.astype(np.float64) * (1 - 1e-12)  # no float32 of its own
    np.testing.assert_array_equal(
        case.runner.score(wide).score, case.runner.score(wide.astype(np.float32)).score
    )


def test_the_order_of_rows_in_memory_does_not_matter(case):
    expected = case.runner.score(case.x).score
    every_other = np.repeat(case.x, 2, axis=0)[::2]
    np.testing.assert_array_equal(case.runner.score(np.asfortranarray(case.x)).score, expected)
    np.testing.assert_array_equal(case.runner.score(every_other).score, expected)


def test_scoring_leaves_the_rows_as_they_are(case):
    rows = case.x.copy()
    case.runner.score(rows)
    np.testing.assert_array_equal(rows, case.x)


def test_anomalies_score_higher_than_normal_rows(case):
    scores = case.runner.score(case.x).score
    outranks = scores[case.y][:, None] > scores[~case.y]
    assert outranks.mean() > 0.9  # half where scores mean nothing; 0.99 seen of these tiny models


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2])
def test_false_alarms_on_unseen_rows_keep_to_alpha(case, alpha):
    alarms = case.runner.score(case.x[~case.y], alpha=alpha).is_anomaly
    n = min(len(case.runner.manifest.calibration["fp32"].scores), len(alarms))
    by_chance = np.sqrt(2 * alpha * (1 - alpha) / n)  # calibration rows and these vary alike
    assert alarms.mean() <= alpha + SIGMAS * by_chance


@pytest.mark.parametrize("alpha", [0.01, 0.07, 0.29, 0.5])
def test_alpha_replaces_the_bundles_own_level(case, alpha):
    scores = case.runner.score(case.x, alpha=alpha)
    np.testing.assert_array_equal(scores.is_anomaly, scores.p_value <= alpha)
    assert scores.is_anomaly.any()
    assert not scores.is_anomaly.all()


def test_an_alpha_finer_than_the_calibration_resolves_is_refused_with_the_rows_it_needs(case):
    n = len(case.runner.manifest.calibration["fp32"].scores)
    message = f"alpha=0.0001 needs at least 9999 calibration rows. Received: {n}, whose smallest"
    with refuses(message):
        case.runner.score(case.x, alpha=1e-4)


def test_a_threshold_alarms_above_itself_and_not_at_itself(case):
    plain = case.runner.score(case.x)
    limit = float(np.median(plain.score[case.y]))
    scores = case.runner.score(case.x, threshold=limit)
    np.testing.assert_array_equal(scores.is_anomaly, plain.score > limit)
    at_itself = case.runner.score(case.x, threshold=float(plain.score[0])).is_anomaly
    assert not at_itself[0]


def test_a_threshold_leaves_scores_and_p_values_as_they_are(case):
    plain, own = case.runner.score(case.x), case.runner.score(case.x, threshold=0.0)
    np.testing.assert_array_equal(own.score, plain.score)
    np.testing.assert_array_equal(own.p_value, plain.p_value)


def test_the_threshold_of_an_alpha_gives_its_verdicts(case):
    calibration = case.runner.manifest.calibration["fp32"]
    limit = score_limit(np.array(calibration.scores), 0.1)
    by_alpha = case.runner.score(case.x, alpha=0.1)
    by_score = case.runner.score(case.x, threshold=limit)
    tied = np.abs(by_alpha.score - limit) <= max(calibration.rounding, SCORE_RTOL * limit)
    np.testing.assert_array_equal(by_alpha.is_anomaly[~tied], by_score.is_anomaly[~tied])


def test_a_threshold_needs_no_calibration_rows(bundle_copy, edit_manifest, digits):
    def keep_few(document):
        document["calibration"]["fp32"].update(scores=[1.0, 2.0], alpha=0.5)

    edit_manifest(bundle_copy, keep_few)
    with pytest.raises(ValueError, match=r"alpha=0\.01 needs at least 99 calibration rows"):
        Runner.load(bundle_copy).score(digits.x, alpha=0.01)
    alarms = Runner.load(bundle_copy).score(digits.x, threshold=1e9).is_anomaly
    assert not alarms.any()


def test_scores_within_the_rounding_of_the_bundle_are_no_alarm(bundle_copy, edit_manifest, digits):
    plain = Runner.load(bundle_copy).score(digits.x)
    edit_manifest(bundle_copy, lambda document: document["calibration"]["fp32"].update(rounding=1))
    runner = Runner.load(bundle_copy)
    kept = np.array(runner.manifest.calibration["fp32"].scores)
    rounded = runner.score(digits.x)
    tied_from = rounded.score.astype(np.float64) * (1 - 1e-6) - 1  # of scores above 0
    expected = [(1 + np.sum(kept >= t)) / (len(kept) + 1) for t in tied_from]
    np.testing.assert_array_equal(rounded.p_value, expected)
    assert (rounded.p_value > plain.p_value).any()


@pytest.mark.parametrize("by", [None, "nll"])
def test_explain_has_nats_for_each_value(case, by):
    shares = case.runner.explain(case.x, by=by)
    assert shares.shape == case.x.shape
    assert shares.dtype == np.float32


def test_explained_shares_and_the_kl_of_the_posterior_add_up_to_the_negative_elbo(case):
    encoder = OnnxRuntime().open(open_bundle(case.bundle), "encoder", "fp32")
    mean, log_var = (
        a.astype(np.float64) for a in encoder.run(("z_mean", "z_log_var"), {"x": case.x})
    )
    kl = 0.5 * (mean**2 + np.exp(log_var) - log_var - 1).sum(1)  # Kingma & Welling 2014, appendix B
    nll = case.runner.explain(case.x, by="nll").astype(np.float64).reshape(len(case.x), -1).sum(1)
    given = Runner.load(case.bundle, score="neg_elbo").score(case.x).score
    np.testing.assert_allclose(nll + kl, given, rtol=SUM_RTOL)


def test_the_broken_sensor_is_the_feature_that_explains_the_score(table):
    shares = table.runner.explain(table.x[table.y])
    (broken,) = np.flatnonzero(np.array(table.runner.manifest.model.feature_names) == "current")
    assert (shares.argmax(1) == broken).mean() > 0.9  # all of them are seen


@pytest.mark.parametrize("value", [1e30, -1e30, 3.4e38, -3.4e38])
def test_a_sensor_that_reads_nonsense_alarms_with_a_finite_score(table, value, subtests):
    for sensor, name in enumerate(table.runner.manifest.model.feature_names):
        with subtests.test(name):
            row = table.x[:1].copy()
            row[0, sensor] = value
            scores = table.runner.score(row)
            assert np.isfinite(scores.score).all()
            assert scores.is_anomaly.all()


def test_encode_gives_latents(case):
    z = case.runner.encode(case.x)
    assert z.shape == (len(case.x), case.runner.manifest.model.latent_dim)
    assert z.dtype == np.float32


def test_decode_gives_rows(case):
    rows = case.runner.decode(np.zeros((5, case.runner.manifest.model.latent_dim)))
    assert rows.shape == (5, *case.runner.manifest.model.input_shape)
    assert rows.dtype == np.float32


def test_reconstruct_is_decode_of_encode(case):
    expected = case.runner.decode(case.runner.encode(case.x))
    rows = case.runner.reconstruct(case.x)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, expected)


def test_normal_rows_are_reconstructed_better_than_by_their_mean(table):
    normal = table.x[~table.y]
    scale = np.array(table.runner.manifest.model.preprocessing.scale)  # volt against pascal
    error = ((table.runner.reconstruct(normal) - normal) / scale) ** 2
    spread = ((normal.mean(0) - normal) / scale) ** 2
    assert error.mean() < 0.5 * spread.mean()  # 0.08 is seen


def test_images_stay_in_the_range_of_their_data(digits):
    assert digits.runner.sample(16, seed=0).min() >= 0.0
    assert digits.runner.sample(16, seed=0).max() <= 16.0


def test_samples_are_rows(case):
    rows = case.runner.sample(3, seed=0)
    assert rows.shape == (3, *case.runner.manifest.model.input_shape)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()


def test_the_same_seed_gives_the_same_samples(case):
    np.testing.assert_array_equal(case.runner.sample(9, seed=3), case.runner.sample(9, seed=3))


def test_a_longer_draw_begins_with_a_shorter_one(case):
    long, short = case.runner.sample(CHUNK + 9, seed=3), case.runner.sample(5, seed=3)
    np.testing.assert_allclose(short, long[:5], rtol=0, atol=BATCH_RTOL * np.abs(long).max())


def test_another_seed_and_no_seed_give_other_samples(case):
    draws = [case.runner.sample(2, seed=seed) for seed in (0, 1, None, None)]
    assert len({draw.tobytes() for draw in draws}) == 4


@pytest.mark.parametrize("n", [0, -1, 2.5, "9"])
def test_what_is_no_number_of_samples_is_refused(case, n):
    with refuses(f"expected a number of draws from 1, as a whole number. Received: {n!r}."):
        case.runner.sample(n)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": "0.05"}, "expected alpha as a number. Received: '0.05'."),
        ({"fdr": True}, "expected fdr as a number. Received: True."),
        ({"threshold": "3"}, "expected threshold as a number. Received: '3'."),
        ({"threshold": 3, "samples": 3.5}, "expected a number of draws from 1"),
        ({"threshold": 3, "samples": 3, "seed": "a"}, "expected a seed from 0"),
        ({"seed": 5}, "expected samples with a seed"),
        ({"seed": 5, "threshold": 3}, "expected samples with a seed"),
    ],
)
def test_options_of_a_score_that_are_no_numbers_are_refused(table, options, message):
    with refuses(message):
        table.runner.score(table.x[:2], **options)


def test_numbers_of_numpy_are_numbers(table):
    x, score = table.x[:9], table.runner.score
    for given, same in (
        ({"alpha": np.float32(0.25)}, {"alpha": 0.25}),
        ({"fdr": np.float64(0.25)}, {"fdr": 0.25}),
        ({"threshold": np.array(3.0)}, {"threshold": 3}),
        (
            {"threshold": np.int64(3), "samples": np.int64(4), "seed": np.uint8(5)},
            {"threshold": 3, "samples": 4, "seed": 5},
        ),
    ):
        for theirs, ours in zip(score(x, **given), score(x, **same), strict=True):
            np.testing.assert_array_equal(theirs, ours)
    assert table.runner.top_features(x, np.int64(2)).names.shape == (9, 2)
    assert len(table.runner.sample(np.int32(2), seed=np.int64(0))) == 2


@pytest.mark.parametrize("k", [0, 2.5, "2"])
def test_what_is_no_number_of_features_is_refused(table, k):
    with refuses(f"expected k from 1, as a whole number. Received: {k!r}."):
        table.runner.top_features(table.x[:2], k)


@pytest.mark.parametrize("backend", [None, 3, OnnxRuntime, "torch"])
def test_what_is_no_backend_is_refused(table, backend):
    with refuses("expected a backend of onnxruntime, litert, or one with settings"):
        Runner.load(table.bundle, backend=backend)


def test_a_batch_of_one_is_no_end_of_an_interpolation(table):
    with refuses("expected start and end as one row each, of shape (6,). Received: (1, 6) and (6,"):
        table.runner.interpolate(table.x[:1], table.x[1])


@pytest.mark.parametrize("method", ["score", "explain", "encode", "reconstruct"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(lambda x: x * np.nan, "x: expected finite numbers.", id="nan"),
        pytest.param(lambda x: x.astype(str), "x: expected dtype float32.", id="text"),
        pytest.param(lambda x: x[0], "Pass x[None] for a batch of one.", id="single row"),
        pytest.param(lambda x: x[..., None], "x: expected shape (batch, 8, 8, 1).", id="shape"),
        pytest.param(lambda x: x[:0], "x: expected at least one row.", id="empty"),
        pytest.param(lambda x: x + 17, "x: expected values from 0 to 16.", id="range"),
    ],
)
def test_every_method_refuses_bad_rows(digits, method, spoil, message):
    with refuses(message):
        getattr(digits.runner, method)(spoil(digits.x))


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 9, 1)])
def test_decode_refuses_latents_of_another_shape(digits, shape):
    with refuses(f"z: expected shape (batch, 8). Received: {shape}."):
        digits.runner.decode(np.zeros(shape))


def test_a_bundle_without_a_calibration_is_refused(bundle_copy, edit_manifest):
    edit_manifest(bundle_copy, lambda document: document.update(calibration={}))
    with pytest.raises(BundleError, match="calibration"):
        Runner.load(bundle_copy)


@pytest.mark.parametrize(
    ("key", "value", "use"),
    [
        ("input_shape", [64], lambda runner, x: runner.score(x.reshape(-1, 64))),
        ("input_dtype", "uint8", lambda runner, x: runner.score(x.astype(np.uint8))),
        ("input_dtype", "no such type", lambda runner, x: runner.score(x)),
        ("latent_dim", 9, lambda runner, x: runner.sample(2)),
    ],
)
def test_a_model_described_unlike_its_graphs_is_refused(
    bundle_copy, edit_manifest, key, value, use
):
    def load_and_use():
        return use(Runner.load(bundle_copy), np.zeros((2, 8, 8, 1), np.float32))

    edit_manifest(bundle_copy, lambda document: document["model"].update({key: value}))
    with pytest.raises(BundleError, match=r"manifest\.json"):
        load_and_use()


def test_a_level_and_a_threshold_together_are_refused(digits):
    with refuses("expected one of alpha, threshold and fdr. Received: alpha and threshold."):
        digits.runner.score(digits.x[:1], alpha=0.05, threshold=30.0)


def test_a_threshold_that_is_no_number_is_refused(digits):
    with refuses("expected a threshold in nats. Received: NaN."):
        digits.runner.score(digits.x[:1], threshold=float("nan"))


def test_a_mask_is_not_silently_lost(digits):
    with refuses("x: expected an array. Received: a masked array"):
        digits.runner.score(np.ma.masked_array(digits.x[:1], digits.x[:1] > 3))


def test_calibration_rows_have_the_same_p_value_alone_and_together(table, table_run):
    """They tie with themselves, where rounding would decide if ties did not count as ties."""
    x = table_run.calibration["x"]
    together = table.runner.score(x).p_value
    alone = np.concatenate([table.runner.score(row[None]).p_value for row in x])
    np.testing.assert_array_equal(alone, together)


def test_levels_of_a_call_decide_its_verdicts(case):
    scores = case.runner.score(case.x, fdr=0.2)
    np.testing.assert_array_equal(scores.is_anomaly, false_discoveries(scores.p_value, 0.2))


def test_few_of_the_alarms_at_a_false_discovery_rate_are_false(table):
    alarms = table.runner.score(table.x, fdr=0.1).is_anomaly
    assert alarms[table.y].mean() > 0.9
    assert alarms[~table.y.astype(bool)].sum() <= 0.25 * alarms.sum()  # 0.1 on average


def test_draws_need_a_threshold_since_the_bundle_is_not_calibrated_for_them(case):
    for level in ({}, {"alpha": 0.1}, {"fdr": 0.1}):
        with refuses("expected a threshold (nats) with samples. Received: none"):
            case.runner.score(case.x, samples=4, **level)


def test_a_score_of_draws_is_the_mean_over_them_and_has_no_p_value(case):
    scores = case.runner.score(case.x, samples=64, seed=1, threshold=0.0)
    noise = np.random.default_rng(1).standard_normal(
        (64, case.runner.manifest.model.latent_dim), np.float32
    )
    session = OnnxRuntime().open(open_bundle(case.bundle), "scorer", "fp32")
    (expected,) = session.run(("score",), {"x": case.x, "noise": noise})
    np.testing.assert_allclose(scores.score, expected, rtol=SUM_RTOL)
    assert np.isnan(scores.p_value).all()
    np.testing.assert_array_equal(scores.is_anomaly, scores.score > 0)
    assert scores.score.mean() > case.runner.score(case.x).score.mean()


def test_the_same_seed_gives_the_same_score_of_draws(case):
    first, again, other = (
        case.runner.score(case.x, samples=3, seed=seed, threshold=0.0).score for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_top_features_are_those_that_explain_most(table):
    top = table.runner.top_features(table.x, 2)
    shares, names = (
        table.runner.explain(table.x),
        np.array(table.runner.manifest.model.feature_names),
    )
    np.testing.assert_array_equal(top.nats[:, 0], shares.max(1))
    np.testing.assert_array_equal(top.names[:, 0], names[shares.argmax(1)])
    assert (top.nats[:, 0] >= top.nats[:, 1]).all()


def test_draws_of_the_posterior_have_its_mean_and_deviation(case):
    draws = case.runner.encode(case.x[:5], draws=4000, seed=0)
    session = OnnxRuntime().open(open_bundle(case.bundle), "encoder", "fp32")
    mean, log_var = session.run(("z_mean", "z_log_var"), {"x": case.x[:5]})
    deviation = np.exp(log_var / 2)
    assert draws.shape == (5, 4000, mean.shape[1])
    assert draws.dtype == np.float32
    assert (np.abs(draws.mean(1) - mean) < SIGMAS * deviation / np.sqrt(4000)).all()
    np.testing.assert_allclose(draws.std(1), deviation, rtol=SIGMAS / np.sqrt(2 * 4000))


def test_draws_of_a_row_do_not_depend_on_its_neighbours(case):
    together = case.runner.encode(case.x[:5], draws=3, seed=7)
    alone = case.runner.encode(case.x[3:4], draws=3, seed=7)
    np.testing.assert_allclose(together[3:4], alone, rtol=BATCH_RTOL, atol=BATCH_RTOL)


@pytest.mark.parametrize("method", ["linear", "spherical"])
def test_interpolation_begins_and_ends_with_the_rows_it_goes_between(case, method):
    start, end = case.x[0], case.x[1]
    between = case.runner.interpolate(start, end, steps=5, method=method)
    ends = case.runner.reconstruct(case.x[:2])
    assert between.shape == (5, *case.runner.manifest.model.input_shape)
    np.testing.assert_allclose(between[[0, -1]], ends, rtol=0, atol=1e-5 * np.abs(ends).max())


def test_interpolation_refuses_batches(case):
    with refuses("expected start and end as one row each"):
        case.runner.interpolate(case.x[:2], case.x[:2])


def test_a_precision_that_the_bundle_has_not_is_refused_with_those_it_has(table_bundle):
    with pytest.raises(BundleError, match="expected a bundle with int8 onnx files"):
        Runner.load(table_bundle, precision="int8")


def test_another_precision_has_its_own_files_and_its_own_threshold(digits_int8_bundle, digits):
    runner = Runner.load(digits_int8_bundle, precision="int8")
    scores, full = runner.score(digits.x), Runner.load(digits_int8_bundle).score(digits.x)
    assert runner.calibration == runner.manifest.calibration["int8"]
    assert (scores.score != full.score).any()
    assert (scores.is_anomaly == full.is_anomaly).mean() > 0.98  # the export allows 1 %
    assert runner.selftest().passed


def test_a_backend_that_there_is_not_is_refused_with_those_there_are(digits_bundle):
    with refuses("expected a backend of onnxruntime"):
        Runner.load(digits_bundle, backend="torch")


def test_a_mapped_file_scores_as_the_rows_in_memory(table, tmp_path):
    x = tiled(table.x, 3000)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_array_equal(table.runner.score(mapped).score, table.runner.score(x).score)


def test_a_bad_row_of_many_is_named_by_its_number_among_all(table):
    x = tiled(table.x, 3000)
    x[2900, 1] = np.nan
    with refuses("in row 2900, feature 'vibration'"):
        table.runner.score(x)


def test_what_a_call_costs_is_told_by_batch_size(table):
    report = table.runner.bench((1, 32), seconds=0.01)
    assert [timing.rows for timing in report.timings] == [1, 32]
    assert all(0 < t.p50 <= t.p90 <= t.p99 <= t.worst for t in report.timings)


def test_the_negative_elbo_alone_has_scores_and_thresholds_of_its_own(table):
    alone = Runner.load(table.bundle, score="neg_elbo")
    assert alone.calibration == alone.manifest.calibration["fp32.neg_elbo"]
    scorer = OnnxRuntime().open(open_bundle(table.bundle), "scorer", "fp32")
    nll, kl = scorer.run(("nll", "kl"), {"x": table.x})
    scores = alone.score(table.x)
    np.testing.assert_allclose(scores.score, nll + kl, rtol=1e-5, atol=1e-5)  # in other batches
    kept = np.array(alone.calibration.scores)
    expected = p_values(scores.score, kept, alone.calibration.rounding)
    np.testing.assert_array_equal(scores.p_value, expected)
    assert (scores.score != table.runner.score(table.x).score).all()


def test_without_a_mixture_both_scores_are_the_same(digits):
    alone = Runner.load(digits.bundle, score="neg_elbo")
    assert alone.calibration == digits.runner.calibration
    np.testing.assert_array_equal(alone.score(digits.x).score, digits.runner.score(digits.x).score)


def test_a_score_that_there_is_not_is_refused_with_those_there_are(table):
    with refuses("expected a score of score, neg_elbo. Received: 'elbo'."):
        Runner.load(table.bundle, score="elbo")


NO_LEVELS = {
    "beyond floats": 10**400,
    "below them": -(10**400),
    "unprintable": 10**5000,
    "a fraction beyond them": Fraction(10**400),
    "nan": float("nan"),
    "decimal": Decimal("0.05"),
    "complex": 0.05 + 0j,
    "true": True,
    "numpy's true": np.True_,
    "text": "0.05",
    "a list": [0.05],
}


@pytest.mark.parametrize("value", NO_LEVELS.values(), ids=NO_LEVELS)
@pytest.mark.parametrize("name", ["alpha", "threshold", "fdr"])
def test_a_level_that_is_none_is_refused_by_its_name(table, name, value):
    with pytest.raises(ValueError, match=rf"expected (a )?{name}"):
        table.runner.score(table.x[:2], **{name: value})


@pytest.mark.parametrize(
    "value", [0.05, Fraction(1, 20), np.float32(0.05), np.float64(0.05), np.array(0.05)]
)
@pytest.mark.parametrize("name", ["alpha", "threshold", "fdr"])
def test_a_level_may_be_of_any_kind_of_number(table, name, value):
    scores = table.runner.score(table.x, **{name: value})
    expected = table.runner.score(table.x, **{name: float(value)})
    np.testing.assert_array_equal(scores.is_anomaly, expected.is_anomaly)


NO_COUNTS = [10**400, 10**5000, 2.0, float("nan"), True, "2", Fraction(2), 1j, [2], -1]


@pytest.mark.parametrize("value", NO_COUNTS, ids=range(len(NO_COUNTS)))
def test_a_count_that_is_none_is_refused(table, value):
    runner, x = table.runner, table.x[:2]
    calls = [
        lambda: runner.sample(value),
        lambda: runner.interpolate(x[0], x[1], steps=value),
        lambda: runner.bench(sizes=[value]),
        lambda: runner.bench(seconds=value if value != 2.0 and value != Fraction(2) else "2"),
    ]
    calls.append(lambda: runner.encode(x, draws=value))
    calls.append(lambda: runner.score(x, threshold=1.0, samples=value))
    for call in calls:
        with pytest.raises(ValueError, match=r"expected .* Received: ") as e:
            call()
        assert len(str(e.value)) < 300


@pytest.mark.parametrize("seconds", [float("inf"), 10**400, 0.0, float("nan")])
def test_a_measurement_ends(table, seconds):
    with pytest.raises(ValueError, match="seconds"):
        table.runner.bench(sizes=[1], seconds=seconds)
