"""Likelihoods by name: the table that all takes them from, and the layers that it says they are."""

import ast
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import vae_keras
from vae_keras import ModelConfig, likelihoods
from vae_keras.likelihoods import registry
from vae_keras.likelihoods.scaled import softclip

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", likelihoods.BY_NAME)
def test_get_gives_a_likelihood_by_name(name):
    assert isinstance(likelihoods.get(name), likelihoods.BY_NAME[name])


def test_get_passes_layers_through():
    layer = keras.layers.Identity()
    assert likelihoods.get(layer) is layer


def test_get_refuses_an_unknown_name():
    with pytest.raises(ValueError, match=r"bernoulli, gaussian.*'poisson'"):
        likelihoods.get("poisson")


@pytest.mark.parametrize(
    ("name", "groups", "expected"),
    [
        ("gaussian", (), likelihoods.Gaussian),
        ("bernoulli", (), likelihoods.Bernoulli),
        ("gaussian", (2, 3), likelihoods.Mixed),
        ("gaussian", (4, 3), likelihoods.Categorical),
        ("student_t", (), likelihoods.StudentT),
        ("student_t", (4, 3), likelihoods.Categorical),
    ],
)
def test_columns_decide_what_is_built(name, groups, expected):
    built = likelihoods.build(name, features=7, groups=groups, sigma="shared")
    assert type(built) is expected
    if expected is likelihoods.Mixed:
        assert [type(part).__name__ for part in built.parts] == ["Gaussian", "Categorical"]
        assert built.widths == (2, 5)


def test_heavy_tails_may_stand_beside_one_hot_groups():
    built = likelihoods.build("student_t", features=7, groups=(2, 3), sigma="shared")
    assert likelihoods.title_of(built) == "student_t, categorical"
    assert built.widths == (2, 5)


def test_columns_beside_groups_must_be_gaussian():
    with pytest.raises(
        ValueError, match=r"expected a likelihood of gaussian, student_t for.*'bernoulli'"
    ):
        likelihoods.build("bernoulli", features=7, groups=(2, 3), sigma="shared")


@pytest.mark.parametrize("name", registry.LIKELIHOODS)
def test_each_is_what_the_table_says(name):
    entry, layer = registry.LIKELIHOODS[name], likelihoods.BY_NAME[name]
    assert layer is getattr(vae_keras, entry.layer) is getattr(likelihoods, entry.layer)
    assert layer.title == name
    assert (layer.support is not None) == entry.bounded
    for sigma in entry.sigmas:
        assert layer(sigma=sigma).get_config()["sigma"] == sigma
        built = likelihoods.build(name, features=3, groups=(), sigma=sigma)
        assert (type(built), built.sigma, built.name) == (layer, sigma, "likelihood")


@pytest.mark.parametrize("name", registry.LIKELIHOODS)
def test_it_can_be_asked_for(name):
    entry = registry.LIKELIHOODS[name]
    for sigma in ("auto", *entry.sigmas):
        assert ModelConfig(likelihood=name, sigma=sigma).likelihood == name
    if entry.sigmas:
        assert {"per_feature", "shared"} <= {*entry.sigmas}  # which "auto" takes
        with pytest.raises(ValueError, match=rf"expected a sigma of auto.*\({name}\)|known sigma"):
            ModelConfig(likelihood=name, sigma="other")


def test_what_is_not_in_the_table_cannot():
    with pytest.raises(ValueError, match=r"expected a likelihood of auto, .*: 'poisson'"):
        ModelConfig(likelihood="poisson")


def test_a_layer_of_a_users_own_needs_no_more_than_three_members():
    class Own(keras.layers.Layer):
        support = None

    own, mean = Own(), np.ones((2, 3))
    assert (likelihoods.title_of(own), likelihoods.applied_by(own)) == ("own", None)
    assert likelihoods.draw(own, mean, np.random.default_rng(0)) is mean
    assert likelihoods.standard(own) is own


def test_several_kinds_of_columns_have_the_names_of_all():
    mixed = likelihoods.build("gaussian", features=7, groups=(2, 3), sigma="shared")
    assert likelihoods.title_of(mixed) == "gaussian, categorical"
    for features, groups, expected in (
        (7, (), "gaussian"),
        (7, (2, 3), "gaussian, categorical"),
        (5, (2, 3), "categorical"),
    ):
        assert registry.title("gaussian", features=features, groups=groups) == expected
        made = likelihoods.build("gaussian", features=features, groups=groups, sigma="shared")
        assert likelihoods.title_of(made) == expected


@pytest.mark.parametrize("name", registry.LIKELIHOODS)
def test_a_standard_one_has_a_scale_of_one(name):
    made = likelihoods.standard(name)
    assert type(made) is likelihoods.BY_NAME[name]
    if registry.LIKELIHOODS[name].sigmas:
        np.testing.assert_allclose(softclip(made.log_sigma), 0.0, atol=1e-6)


@pytest.mark.parametrize("name", [*registry.LIKELIHOODS, "mixed"])
def test_draws_are_rows_where_it_is_defined_and_the_same_each_time(name):
    layer = likelihoods.BY_NAME.get(name)
    if name == "mixed":
        layer = likelihoods.build("gaussian", features=5, groups=(3,), sigma="shared")
        layer.build((None, 5))
    else:
        layer = layer()
        layer.build((None, 5))
    parameters = np.random.default_rng(0).normal(size=(400, 5)).astype(np.float32)
    mean = np.asarray(layer.mean(parameters))
    first, again = (likelihoods.draw(layer, mean, np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == mean.shape
    numbers = slice(0, 2 if name == "mixed" else 5)
    assert not np.array_equal(first[:, numbers], mean[:, numbers])
    low, high = layer.support or (-np.inf, np.inf)
    assert low <= first.min() <= first.max() <= high
    np.testing.assert_allclose(first[:, numbers].mean(0), mean[:, numbers].mean(0), atol=0.2)
    if name == "mixed":
        np.testing.assert_array_equal(np.sort(first[:, 2:], axis=1), [[0, 0, 1]] * 400)


def names_in(path):
    """Names of likelihoods that stand in a module as a text of their own."""
    known = {*registry.LIKELIHOODS, "categorical"}
    tree = ast.parse(path.read_text())
    return [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and n.value in known]


def test_no_other_module_tells_likelihoods_apart_by_name():
    modules = [*(ROOT / "vae_keras").rglob("*.py"), *(ROOT / "export").rglob("*.py")]
    home = ROOT / "vae_keras" / "likelihoods"
    assert names_in(home / "gaussian.py")
    others = [module for module in modules if home not in module.parents]
    assert len(others) > 60
    assert {module.name: names_in(module) for module in others if names_in(module)} == {}


def section(document, title):
    text = (ROOT / "docs" / document).read_text()
    return re.split(r"^#+ ", text.partition(f"{title}\n")[2], maxsplit=1, flags=re.M)[0]


def test_the_documents_have_all():
    table = re.findall(
        r"^\| `(\w+)` \| (.*) \| (.*) \|$", section("scores.md", "# What a score says"), re.M
    )
    entries = registry.LIKELIHOODS.items()
    said = [(name, e.features, ", ".join(e.sigmas) or "-") for name, e in entries]
    assert [row for row in table if row[0] in registry.LIKELIHOODS] == said
    formulas = re.findall(
        r"^    (\w+) +-log p", section("bundle-format.md", "### Likelihoods"), re.M
    )
    assert formulas == [*registry.LIKELIHOODS, "categorical"]
