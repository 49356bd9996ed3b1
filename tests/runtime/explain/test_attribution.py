"""What a feature is to blame for: by a formula written out, and by faults whose place is known."""

import dataclasses
import itertools

import numpy as np
import pytest

from vae_keras.model.mixture import Mixture
from vae_runtime import BundleError, OnnxRuntime, Runner
from vae_runtime.backends.graphs import Graphs
from vae_runtime.bundle import Bundle, open_bundle
from vae_runtime.bundle.manifest import Preprocessing
from vae_runtime.explain.attribution import BYTES_AT_ONCE, Attribution, Replacing, as_rows
from vae_runtime.verdicts.scorer import Scorer

ROUNDING = 1e-5  # a score's, as a share of its terms, in batches of other sizes
NAMED = 0.9  # share of faults of 10 deviations whose feature is named first
FILES = [("onnxruntime", precision) for precision in ("fp32", "int8")] + [
    ("litert", precision) for precision in ("fp32", "fp16", "dynamic", "int8")
]


def written_out(mixture, u, places):
    """E[u_f | the others] in float64, of a row and one feature."""
    others = np.setdiff1d(np.arange(u.size), places)
    c, sigma = np.asarray(mixture.centres, np.float64), float(mixture.sigma)
    logits = np.asarray(mixture.log_weights, np.float64)
    logits = logits - ((u[others] - c[:, others]) ** 2).sum(1) / (2 * sigma**2)
    r = np.exp(logits - logits.max())
    return (r / r.sum()) @ c[:, places]


def falls_of(vae, runner, x, features):
    """Scores with less scores without, the formula written out; rows one at a time."""
    found = np.zeros((len(x), len(features)))
    for (i, row), (f, places) in itertools.product(enumerate(x), enumerate(features)):
        u = np.asarray(vae.preprocessing(row[None])).astype(np.float64).ravel()
        expected = np.zeros_like(u, np.float32)
        expected[places] = written_out(vae.mixture, u, places)
        changed = row.copy()
        inverse = np.asarray(vae.preprocessing.inverse(expected.reshape(row.shape)))
        changed.flat[places] = inverse.ravel()[places]
        with_it, without = runner.score(np.stack([row, changed])).score
        found[i, f] = with_it - without
    return found


def faulty(x, size, seed=0):
    """Rows with one column each `size` deviations off, in every step of a window; and which."""
    rng = np.random.default_rng(seed)
    rows, pushed = x.copy(), rng.integers(0, x.shape[-1], len(x))
    deviation = x.reshape(-1, x.shape[-1]).std(0)
    signs = rng.choice([-1.0, 1.0], len(x))
    for row, column, sign in zip(rows, pushed, signs, strict=True):
        row[..., column] += sign * size * deviation[column]
    return rows, pushed


def share_named(runner, rows, pushed):
    names = np.array(runner.manifest.model.feature_names)
    return (runner.top_features(rows, 1).names[:, 0] == names[pushed]).mean()


def unscaled(case, size):
    """A model of so many numbers that are scored as they are."""
    plain = Preprocessing((0.0,), (1.0,), None, None)
    model = case.runner.manifest.model
    return dataclasses.replace(model, input_shape=(size,), preprocessing=plain)


def mixture_of(centres, log_weights, sigma):
    made = Mixture(len(centres))
    made.build((None, centres.shape[1]))
    made.set_weights([centres, log_weights, np.float32(sigma)])
    return made


def by_itself(mixture):
    """What is expected of each value alone, in the units that a row is in."""
    return lambda rows: np.asarray(mixture.given_others(rows, np.eye(rows.shape[1])))


def values(x):
    return list(np.arange(x[0].size)[:, None])


@pytest.mark.parametrize("by", ["score", "neg_elbo"])
@pytest.mark.parametrize("name", ["table", "pump"])
def test_a_value_is_to_blame_for_the_fall_without_it(request, name, by):
    case, vae = request.getfixturevalue(name), request.getfixturevalue(f"{name}_run").vae
    runner, x = Runner.load(case.bundle, score=by), faulty(case.x[:4], 5)[0]
    nats, expected = runner.explain(x), falls_of(vae, runner, x, values(x))
    assert (nats.shape, nats.dtype) == (x.shape, np.float32)
    size = np.abs(runner.score(x).score).max()
    np.testing.assert_allclose(nats, expected.reshape(x.shape), atol=ROUNDING * size)
    assert not np.allclose(nats, runner.explain(x, by="nll"), rtol=0.1)


@pytest.mark.parametrize("by", ["score", "neg_elbo"])
def test_a_channel_of_a_window_is_replaced_whole(pump, pump_run, by):
    runner, x = Runner.load(pump.bundle, score=by), faulty(pump.x[:6], 5)[0]
    names = runner.manifest.model.feature_names
    channels = list(np.arange(x[0].size).reshape(-1, len(names)).T)
    expected = falls_of(pump_run.vae, runner, x, channels)
    top = runner.top_features(x, len(names))
    found = [dict(zip(*row, strict=True)) for row in zip(top.names, top.nats, strict=True)]
    nats = np.array([[row[name] for name in names] for row in found])
    np.testing.assert_allclose(nats, expected, atol=ROUNDING * np.abs(runner.score(x).score).max())
    assert (np.diff(top.nats, axis=1) <= 0).all()


@pytest.mark.parametrize("name", ["table", "pump"])
def test_the_feature_with_a_fault_is_named_first(request, name):
    case = request.getfixturevalue(name)
    rows, pushed = faulty(case.x[~case.y], 10)
    assert share_named(case.runner, rows, pushed) >= NAMED


def test_a_fault_is_named_where_the_share_of_the_nll_names_what_it_drove_off(table):
    """Of a model that is written out: rows on a line, reconstructed by their projection onto it."""
    line = np.float32([0.87, 0.35, 0.35])
    line /= np.linalg.norm(line)
    at = np.linspace(-3, 3, 25, dtype=np.float32)
    mixture = mixture_of(np.outer(at, line), np.full(25, -np.log(25), np.float32), 0.2)

    def shares(rows):
        return np.square(rows - np.outer(rows @ line, line)) / np.float32(2 * 0.1**2)

    def score(rows):
        return shares(rows).sum(1) + np.asarray(mixture(rows))

    rows = np.outer(np.linspace(-1, 1, 9), line).astype(np.float32)
    rows[:, 0] += 2
    features = list(np.arange(3)[:, None])
    model, expect = unscaled(table, 3), by_itself(mixture)
    replacing = Replacing(model, expect, score, features=features, at_once=99)
    (nats,) = replacing.run(("nats",), {"x": rows})
    assert (shares(rows).argmax(1) != 0).all()
    assert (nats.argmax(1) == 0).all()


@pytest.mark.parametrize("value", [1e30, -1e30, 3.4e38])
@pytest.mark.parametrize("name", ["table", "pump"])
def test_a_reading_that_is_nonsense_is_named_first_in_finite_nats(request, name, value):
    case = request.getfixturevalue(name)
    names = case.runner.manifest.model.feature_names
    rows = np.repeat(case.x[:1], len(names), axis=0)
    for column, row in enumerate(rows):
        row[..., column] = value
    top = case.runner.top_features(rows, len(names))
    assert top.names[:, 0].tolist() == list(names)
    assert np.isfinite(top.nats).all()
    assert np.isfinite(case.runner.explain(rows)).all()


@pytest.mark.parametrize(("backend", "precision"), FILES)
def test_every_precision_names_the_fault(full_of, backend, precision):
    full = full_of("table")
    runner = Runner.load(full.bundle, backend=backend, precision=precision)
    rows, pushed = faulty(full.x[~full.run.test["y"]][:60], 10)
    assert share_named(runner, rows, pushed) >= NAMED
    size = np.abs(runner.score(rows[:3]).score).max()
    expected = falls_of(full.run.vae, runner, rows[:3], values(rows))
    np.testing.assert_allclose(runner.explain(rows[:3]), expected, atol=ROUNDING * size)


def test_a_fault_in_a_number_beside_one_hot_groups_is_named_first(full_of):
    full, rng = full_of("kinds"), np.random.default_rng(0)
    rows, pushed = full.x.copy(), rng.integers(0, 2, len(full.x))
    rows[np.arange(len(rows)), pushed] += 5 * rng.choice([-1, 1], len(rows)) * rows.std(0)[pushed]
    assert share_named(full.runner, rows, pushed) >= NAMED


def test_a_one_hot_group_is_replaced_by_its_most_probable_category(full_of):
    full = full_of("kinds")
    x = full.x[:20].copy()
    kind = x[:, 2:5].argmax(1)
    x[:, 2:5] = np.eye(3)[(kind + 1) % 3]  # not that of the numbers
    nats = full.runner.explain(x)
    assert (nats.shape, nats.dtype) == (x.shape, np.float32)
    assert (nats[:, 2:][x[:, 2:] == 0] == 0).all()
    mended = x.copy()
    mended[:, 2:5] = np.eye(3)[kind]
    fall = full.runner.score(x).score - full.runner.score(mended).score
    at_one = nats[:, 2:5][x[:, 2:5] == 1]
    assert np.isclose(at_one, fall, rtol=1e-3).mean() >= NAMED
    named = full.runner.top_features(x, 1).names[:, 0]
    assert np.char.startswith(named, "kind").mean() >= NAMED


def test_replacements_are_rows_that_the_model_takes(table):
    model = dataclasses.replace(
        table.runner.manifest.model,
        input_shape=(2,),
        input_dtype="uint8",
        value_range=(0.0, 16.0),
        preprocessing=Preprocessing((0.0,), (16.0,), 0.0, 1.0),
    )
    seen = []

    def expect(rows):  # rounding alone can lead out of the range
        return np.repeat(np.float32([[0.3 * 16, 1.05 * 16]]), len(rows), 0)

    def score(rows):
        seen.append(rows)
        return rows.sum(1, dtype=np.float32)

    features = list(np.arange(2)[:, None])
    replacing = Replacing(model, expect, score, features=features, at_once=9)
    (nats,) = replacing.run(("nats",), {"x": np.uint8([[7, 3]])})
    assert [rows.dtype for rows in seen] == [np.uint8]
    assert seen[0].tolist() == [[7, 3], [5, 3], [7, 16]]
    assert nats.tolist() == [[2.0, -13.0]]


def test_where_scores_are_infinite_what_makes_them_finite_is_to_blame(table):
    def score(rows):
        with np.errstate(over="ignore"):
            return np.square(rows).sum(1, dtype=np.float32)

    features = list(np.arange(2)[:, None])
    mixture = mixture_of(np.zeros((1, 2), np.float32), np.zeros(1, np.float32), 1.0)
    model, expect = unscaled(table, 2), by_itself(mixture)
    replacing = Replacing(model, expect, score, features=features, at_once=9)
    (nats,) = replacing.run(("nats",), {"x": np.float32([[1e30, 2], [1e30, 1e30]])})
    assert nats.tolist() == [[np.inf, 0.0], [0.0, 0.0]]


class Counted(Scorer):
    """Notes how many rows it is asked for."""

    def score(self, x, shared=None):
        self.asked = [*getattr(self, "asked", []), len(x)]
        return super().score(x, shared)


@pytest.mark.parametrize("name", ["table", "pump"])
@pytest.mark.parametrize("at_once", [1, 5, 64])
def test_blocks_bound_memory_and_change_nothing(request, name, at_once):
    case = request.getfixturevalue(name)
    bundle, x = open_bundle(case.bundle), case.x[-23:]
    graphs = Graphs(bundle, OnnxRuntime(), "fp32")
    scorer = Counted(graphs, "score")
    few = Attribution(bundle.manifest, graphs, scorer, at_once=at_once)
    atol = ROUNDING * np.abs(case.runner.score(x).score).max()
    np.testing.assert_allclose(few.of_values(x), case.runner.explain(x), atol=atol)
    assert max(scorer.asked) <= at_once
    assert sum(scorer.asked) == len(x) * (1 + x[0].size)


def test_rows_of_a_mapped_file_are_explained_as_any(table, tmp_path):
    np.save(tmp_path / "x.npy", table.x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_array_equal(table.runner.explain(mapped), table.runner.explain(table.x))
    wide = table.x[:5].astype(np.float64).tolist()
    np.testing.assert_array_equal(table.runner.explain(wide), table.runner.explain(table.x[:5]))


def test_without_a_mixture_it_is_the_share_of_the_nll(digits):
    (share,) = Graphs(open_bundle(digits.bundle), OnnxRuntime(), "fp32").ask(
        "scorer", ("feature_nll",), digits.x
    )
    np.testing.assert_array_equal(digits.runner.explain(digits.x), share)
    np.testing.assert_array_equal(digits.runner.explain(digits.x, by="nll"), share)


@pytest.mark.parametrize("by", ["kl", "", 3, True])
def test_what_is_no_way_to_explain_is_refused(table, by):
    with pytest.raises(ValueError, match=r'expected by="nll", or none\. Received: by='):
        table.runner.explain(table.x, by=by)


def test_a_row_of_many_is_refused_by_its_number(table):
    x = table.x.copy()
    x[-1, 2] = np.nan
    with pytest.raises(ValueError, match=f"in row {len(x) - 1}, feature 'pressure'"):
        table.runner.explain(x)


def test_an_old_bundle_with_a_mixture_is_explained_by_the_nll_alone(table):
    bundle = open_bundle(table.bundle)
    files = tuple(f for f in bundle.manifest.files if f.role != "replacements")
    early = dataclasses.replace(bundle.manifest, files=files, format_version=1)
    runner, x = Runner(Bundle(bundle.container, early)), table.x[:3]
    for ask in (runner.explain, runner.top_features):
        with pytest.raises(BundleError, match=r'version 1\. Export the run again.*by="nll"'):
            ask(x)
    expected = table.runner.explain(x, by="nll")
    np.testing.assert_array_equal(runner.explain(x, by="nll"), expected)


def test_the_nearest_row_has_one_category_a_group(table):
    model = dataclasses.replace(table.runner.manifest.model, input_shape=(6,), one_hot=(3, 2))
    values = np.float32([[1e9, 0.2, 0.5, 0.3, 0.4, 0.6], [-1, 0.4, 0.3, 0.3, 0.9, 0.1]])
    kept = values.copy()
    assert as_rows(values, model).tolist() == [[1e9, 0, 1, 0, 0, 1], [-1, 1, 0, 0, 1, 0]]
    np.testing.assert_array_equal(values, kept)


def test_rows_are_expected_a_few_at_a_time_where_centres_are_many(pump):
    bundle, seen = open_bundle(pump.bundle), []

    class Seeing(Graphs):
        def session(self, role):
            session = super().session(role)
            return Watched(session) if role == "replacements" else session

    class Watched:
        def __init__(self, session):
            self.inputs, self.outputs, self._session = session.inputs, session.outputs, session

        def run(self, outputs, feeds):
            seen.append(len(feeds["x"]))
            return self._session.run(outputs, feeds)

    model = dataclasses.replace(
        bundle.manifest.model, mixture=BYTES_AT_ONCE // (4 * pump.x[0].size * 2)
    )
    crowded = dataclasses.replace(bundle.manifest, model=model)
    graphs = Seeing(bundle, OnnxRuntime(), "fp32")
    few = Attribution(crowded, graphs, Scorer(graphs, "score"))
    expected = pump.runner.explain(pump.x[:5])
    np.testing.assert_allclose(few.of_values(pump.x[:5]), expected, atol=1e-3)
    assert seen == [2, 2, 1]


def test_expected_values_are_those_that_features_are_replaced_by(table_run, table_bundle):
    runner, x = Runner.load(table_bundle), table_run.test["x"][-8:]
    mixture, u = table_run.vae.mixture, np.asarray(table_run.vae.preprocessing(x), np.float64)
    by_hand = np.array(
        [[written_out(mixture, row, [f])[0] for f in range(len(row))] for row in u], np.float32
    )
    expected = runner.expect(x)
    assert (expected.shape, expected.dtype) == (x.shape, np.float32)
    inverse = np.asarray(table_run.vae.preprocessing.inverse(by_hand))
    np.testing.assert_allclose(expected, inverse, rtol=1e-3)


def test_without_a_mixture_the_reconstruction_is_expected(digits_bundle):
    runner = Runner.load(digits_bundle)
    x = runner.probe_rows()[:3]
    np.testing.assert_array_equal(runner.expect(x), runner.reconstruct(x))


def test_many_windows_are_expected_a_few_at_a_time(pump_bundle):
    runner = Runner.load(pump_bundle)
    x = runner.probe_rows()[:3]
    few = Attribution(
        runner.manifest, runner._graphs, Scorer(runner._graphs, "score"), at_once=2
    ).expected(x)
    np.testing.assert_allclose(few, runner.expect(x), rtol=1e-5)
