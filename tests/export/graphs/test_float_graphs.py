"""Graphs around networks of 8 bits, and of what values are replaced by, as files: by formulas."""

import dataclasses

import numpy as np
import pytest
from scipy.special import expit, log_softmax, logsumexp, softmax, xlogy
from scipy.stats import norm, t

import vae_keras
from vae_export.convert import engines
from vae_export.convert.result import Conversion
from vae_export.convert.to_onnx import to_onnx
from vae_export.convert.to_tflite import to_tflite
from vae_export.graphs.evidence import feeds_of
from vae_export.graphs.float_graphs import build_around, build_replacements
from vae_export.graphs.functions import answers
from vae_keras import VAE, Scaling, mlp_pair
from vae_keras.model import scoring
from vae_keras.model.mixture import FAR_SIGMAS, Mixture
from vae_keras.run import DataCard

FLOAT32 = 4e-6  # of float32 numbers by another library's exponentials, as a share of the largest
LATENTS = 2
SIGMA = np.float32([0.1, 0.5, 2.0])
OPEN = {"onnx": engines.open_onnx, "tflite": engines.open_tflite}
MAKE = {"onnx": to_onnx, "tflite": to_tflite}


def file_of(graph, form):
    """The graph as a file of this format, opened."""
    made = MAKE[form](graph, {})
    assert not made.complaints, made
    assert isinstance(made, Conversion)
    return OPEN[form](graph.role, made.content)


def card_of(features, groups=(), dtype="float32", names=None, shape=None):
    return DataCard(
        name="rows",
        input_shape=shape or (features,),
        input_dtype=dtype,
        feature_names=names,
        value_range=None,
        one_hot=groups,
        rows={"train": 1},
        fingerprint="",
        license=None,
    )


def gaussian(sigma="per_feature", value=SIGMA):
    layer = vae_keras.Gaussian(sigma, name="likelihood")
    layer.build((None, 3))
    layer.log_sigma.assign(np.log(value))
    return layer


def student_t():
    layer = vae_keras.StudentT(name="likelihood")
    layer.build((None, 3))
    layer.log_sigma.assign(np.log(SIGMA))
    return layer


def mixed():
    parts = [gaussian(), vae_keras.Categorical((3, 2))]
    return vae_keras.Mixed(parts, (3, 5), name="likelihood")


def model(likelihood, features, preprocessing=None, mixture=None):
    pair = mlp_pair((features,), LATENTS, (4,))
    return VAE(*pair, likelihood=likelihood, preprocessing=preprocessing, mixture=mixture)


def one_hot(rng, n, sizes):
    return np.concatenate([np.eye(size)[rng.integers(0, size, n)] for size in sizes], 1)


def bernoulli_nll(u, logits):
    return np.logaddexp(0, logits) - u * logits + xlogy(u, u) + xlogy(1 - u, 1 - u)


def gaussian_nll(u, mean, sigma=None):
    return -norm.logpdf(u, mean, gaussian().deviation() if sigma is None else sigma)


def student_t_nll(u, mean):
    return -t.logpdf(u, 4, mean, gaussian().deviation())


def categorical_nll(u, logits):
    ends = np.split(logits, [3], axis=1)
    return -u * np.concatenate([log_softmax(group, axis=1) for group in ends], 1)


def probabilities(logits):
    return np.concatenate([softmax(group, axis=1) for group in np.split(logits, [3], axis=1)], 1)


def both(first, second):
    return lambda *each: np.concatenate(
        [first(*(a[:, :3] for a in each)), second(*(a[:, 3:] for a in each))], 1
    )


# By name: the likelihood, its features, rows of it, what parameters may be, and the formulas.
LIKELIHOODS = {
    "bernoulli": (
        vae_keras.Bernoulli,
        5,
        lambda rng, n: np.concatenate([np.eye(5), rng.uniform(0, 1, (n - 5, 5))]),
        200,
        bernoulli_nll,
        expit,
    ),
    "gaussian": (
        gaussian,
        3,
        lambda rng, n: rng.uniform(-50, 50, (n, 3)),
        50,
        gaussian_nll,
        lambda mean: mean,
    ),
    "student_t": (
        student_t,
        3,
        lambda rng, n: rng.uniform(-50, 50, (n, 3)),
        50,
        student_t_nll,
        lambda mean: mean,
    ),
    "categorical": (
        lambda: vae_keras.Categorical((3, 2)),
        5,
        lambda rng, n: one_hot(rng, n, (3, 2)),
        200,
        categorical_nll,
        probabilities,
    ),
    "mixed": (
        mixed,
        8,
        lambda rng, n: np.concatenate([rng.uniform(-50, 50, (n, 3)), one_hot(rng, n, (3, 2))], 1),
        50,
        both(gaussian_nll, categorical_nll),
        both(lambda mean: mean, probabilities),
    ),
}


@pytest.fixture(scope="module", params=LIKELIHOODS)
def case(request):
    """A model, its graphs as files of both formats, and what they are fed."""
    make, features, rows, largest, nll, mean = LIKELIHOODS[request.param]
    vae, rng, n = model(make(), features), np.random.default_rng(0), 60
    graphs = {graph.role: graph for graph in build_around(vae, card_of(features))}
    files = {(role, f): file_of(graph, f) for role, graph in graphs.items() for f in MAKE}
    feeds = {
        "u": rows(rng, n),
        "z_mean": rng.uniform(-50, 50, (n, LATENTS)),
        "z_log_var": rng.uniform(-15, 15, (n, LATENTS)),
        "parameters": rng.uniform(-largest, largest, (n, features)),
    }
    return vae, graphs, files, {k: v.astype(np.float32) for k, v in feeds.items()}, nll, mean


def agree(received, expected):
    assert (received.shape, received.dtype) == (expected.shape, np.float32)
    atol = FLOAT32 * max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(received, expected, rtol=FLOAT32, atol=atol)


@pytest.mark.parametrize("form", MAKE)
def test_the_head_is_what_the_formulas_say(case, form):
    _, _, files, feeds, nll, _ = case
    received = files["head", form](feeds)
    exact = {name: value.astype(np.float64) for name, value in feeds.items()}
    z_mean, z_log_var = exact["z_mean"], exact["z_log_var"]
    feature_nll = nll(exact["u"], exact["parameters"])
    total = feature_nll.sum(1)
    kl = (np.exp(z_log_var) + z_mean**2 - 1 - z_log_var).sum(1) / 2
    agree(received["feature_nll"], feature_nll)
    agree(received["nll"], total)
    agree(received["kl"], kl)
    agree(received["log_px"], (z_log_var - z_mean**2).sum(1) / 2 - total)
    agree(received["score"], total + kl)
    assert set(received) == {"score", "nll", "kl", "log_px", "feature_nll"}


@pytest.mark.parametrize("form", MAKE)
def test_the_mean_is_what_the_formulas_say(case, form):
    _, _, files, feeds, _, mean = case
    received = files["mean", form]({"parameters": feeds["parameters"]})
    agree(received["x_mean"], mean(feeds["parameters"].astype(np.float64)))


def test_around_its_own_networks_the_head_is_the_models_score(case):
    vae, graphs, _, feeds, _, _ = case
    u = feeds["u"]
    z_mean, z_log_var = vae.posterior_of(u)
    around = {"u": u, "z_mean": z_mean, "z_log_var": z_log_var}
    received = answers(graphs["head"], {**around, "parameters": vae.parameters_of(z_mean)})
    for name, expected in vae.score(u).items():
        agree(received[name], np.asarray(expected))


def test_one_sigma_is_that_of_every_feature():
    one, each = gaussian("shared", np.float32(0.5)), gaussian(value=np.full(3, 0.5, np.float32))
    u, parameters = np.float32([[1, 2, 3]]), np.float32([[1, 1, 1]])
    z = dict.fromkeys(("z_mean", "z_log_var"), np.zeros((1, LATENTS), np.float32))
    found = [scoring.head(model(layer, 3), u, *z.values(), parameters) for layer in (one, each)]
    np.testing.assert_array_equal(found[0]["feature_nll"], found[1]["feature_nll"])


@pytest.mark.parametrize("form", MAKE)
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-50.0, 50.0), (None, None)])
def test_rows_are_pre_processed_as_the_model_does_it(dtype, low, high, form):
    offset, scale = np.float32([1.0, 100000.0, -3.0]), np.float32([0.5, 1000.0, 2.0])
    vae = model(gaussian(), 3, Scaling(offset, scale, low, high))
    preprocess, _, mean = build_around(vae, card_of(3, dtype=dtype))
    x = np.array([[0, 200, 255], [1, 2, 3]]).astype(dtype)
    u = file_of(preprocess, form)({"x": x})["u"]
    assert u.dtype == np.float32
    expected = np.clip((x - offset) / scale, low, high) if low is not None else (x - offset) / scale
    np.testing.assert_allclose(u, expected, rtol=FLOAT32)
    np.testing.assert_array_equal(u, np.asarray(vae.preprocessing(x)))
    back = file_of(mean, form)({"parameters": u})["x_mean"]
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, u * scale + offset, rtol=FLOAT32)


@pytest.mark.parametrize("form", MAKE)
def test_numbers_too_huge_for_float32_are_infinite_surprises(form):
    scaling = Scaling(np.float32([-3e38, 0, 0]), np.float32([0.1, 0.1, 1.0]))
    preprocess, head, _ = build_around(model(gaussian(), 3, scaling), card_of(3))
    u = file_of(preprocess, form)({"x": np.float32([[3e38, -3e38, 1e30]])})["u"]
    np.testing.assert_array_equal(u, np.float32([[np.inf, -np.inf, 1e30]]))
    zeros = dict.fromkeys(("z_mean", "z_log_var"), np.zeros((1, LATENTS), np.float32))
    feeds = {"u": u, **zeros, "parameters": np.zeros((1, 3), np.float32)}
    answer = file_of(head, form)(feeds)
    np.testing.assert_array_equal(answer["feature_nll"], np.full((1, 3), np.inf, np.float32))
    assert answer["score"].tolist() == [np.inf]


def test_rows_to_compare_graphs_on_are_what_the_networks_answered(table_run):
    vae, x = table_run.vae, table_run.calibration["x"][:5]
    feeds = feeds_of(vae, x)
    z_mean, z_log_var = vae.encode(x)
    np.testing.assert_array_equal(feeds["u"], np.asarray(vae.preprocessing(x)))
    np.testing.assert_array_equal(feeds["z_mean"], np.asarray(z_mean))
    np.testing.assert_array_equal(feeds["z_log_var"], np.asarray(z_log_var))
    np.testing.assert_array_equal(feeds["parameters"], np.asarray(vae.parameters_of(z_mean)))


# What a mixture adds, and what it expects.


def written_out(centres, log_weights, sigma, u, places):
    """E[u_f | the others] in float64, of a row and one feature."""
    others = np.setdiff1d(np.arange(u.size), places)
    c = centres.astype(np.float64)
    u = np.clip(u, c.min(0) - FAR_SIGMAS * sigma, c.max(0) + FAR_SIGMAS * sigma)
    logits = log_weights - ((u[others] - c[:, others]) ** 2).sum(1) / (2 * sigma**2)
    return softmax(logits) @ c[:, places]


def mixture_of(centres, weights, sigma):
    made = Mixture(len(centres), name="mixture")
    made.build((None, centres.shape[1]))
    made.centres.assign(centres)
    made.log_weights.assign(np.log(weights))
    made.sigma.assign(sigma)
    return made


CENTRES = np.random.default_rng(3).normal(size=(6, 7)).astype(np.float32)
WEIGHTS = np.random.default_rng(4).dirichlet(np.ones(6)).astype(np.float32)
NAMES = tuple("abcdefg")


@pytest.fixture(scope="module")
def placed():
    """A model of two numbers and two one-hot groups with a mixture, in units of its own."""
    scaling = Scaling(np.float32([5, -3, *[0] * 5]), np.float32([2, 0.1, *[1] * 5]))
    parts = [vae_keras.Gaussian(), vae_keras.Categorical((3, 2))]
    likelihood = vae_keras.Mixed(parts, (2, 5), name="likelihood")
    return model(likelihood, 7, scaling, mixture_of(CENTRES, WEIGHTS, 0.7))


@pytest.mark.parametrize("form", MAKE)
def test_the_head_adds_the_mixtures_density(placed, form):
    _, head, _ = build_around(placed, card_of(7, (3, 2)))
    rng = np.random.default_rng(0)
    zeros = dict.fromkeys(("z_mean", "z_log_var"), np.zeros((9, LATENTS), np.float32))
    u = rng.normal(size=(9, 7)).astype(np.float32)
    u[-1] = 50.0
    feeds = {"u": u, **zeros, "parameters": rng.normal(size=(9, 7)).astype(np.float32)}
    answer = file_of(head, form)(feeds)
    each = norm.logpdf(u[:, None].astype(np.float64), CENTRES, 0.7).sum(2) + np.log(WEIGHTS)
    agree(answer["mixture_nll"], -logsumexp(each, axis=1))
    agree(answer["score"], answer["nll"] + answer["kl"] + answer["mixture_nll"])


@pytest.mark.parametrize("form", MAKE)
def test_values_are_expected_by_the_others_in_the_units_of_the_data(placed, form):
    (graph,) = build_replacements(placed, card_of(7, (3, 2), names=NAMES))
    assert tuple(graph.outputs) == ("x_expected",)
    x = np.random.default_rng(1).normal(0, 2, (20, 7)).astype(np.float32)
    x[-3, 0], x[-2, 1], x[-1, 4] = 1e30, -3e38, 1e6
    received = file_of(graph, form)({"x": x})["x_expected"]
    features = [[0], [1], [2, 3, 4], [5, 6]]
    with np.errstate(over="ignore"):
        rows = np.asarray(placed.preprocessing(x)).astype(np.float64)
    expected = np.array(
        [
            np.concatenate([written_out(CENTRES, np.log(WEIGHTS), 0.7, u, f) for f in features])
            for u in rows
        ]
    )
    scaling = placed.preprocessing
    np.testing.assert_allclose(received, expected * scaling.scale + scaling.offset, atol=1e-5)
    assert (received.dtype, received.shape) == (np.float32, x.shape)


@pytest.mark.parametrize("form", MAKE)
def test_channels_with_names_are_expected_whole_as_well(form):
    centres = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    pair = mlp_pair((3, 2), LATENTS, (4,))
    mixture = Mixture(4, name="mixture")
    mixture.build((None, 3, 2))
    mixture.centres.assign(centres)
    vae = VAE(*pair, likelihood="gaussian", mixture=mixture)
    card = dataclasses.replace(card_of(6, shape=(3, 2)), feature_names=("a", "b"))
    (graph,) = build_replacements(vae, card)
    x = np.random.default_rng(1).normal(size=(5, 3, 2)).astype(np.float32)
    received = file_of(graph, form)({"x": x})
    for name, features in (
        ("x_expected", [[i] for i in range(6)]),
        ("channels_expected", [[0, 2, 4], [1, 3, 5]]),
    ):
        expected = np.zeros((5, 6))
        for row, u in zip(expected, x.reshape(5, 6).astype(np.float64), strict=True):
            for places in features:
                row[places] = written_out(centres, np.zeros(4), 1.0, u, places)
        np.testing.assert_allclose(received[name], expected.reshape(x.shape), atol=1e-5)


def test_nothing_is_expected_without_a_mixture(digits_run):
    assert build_replacements(digits_run.vae, digits_run.data) == ()


@pytest.mark.parametrize("name", ["table_run", "pump_run"])
def test_what_is_expected_of_real_rows_is_in_the_units_of_the_data(request, name):
    run = request.getfixturevalue(name)
    (graph,) = build_replacements(run.vae, run.data)
    x = run.calibration["x"][:50]
    for values in answers(graph, {"x": x}).values():
        low, high = (getattr(x, end)(0) for end in ("min", "max"))
        inside = (values >= low - (high - low)) & (values <= high + (high - low))
        assert inside.mean() > 0.95
