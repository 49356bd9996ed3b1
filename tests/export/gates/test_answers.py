"""Files that answer as Keras does pass, and what does not is named."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from vae_export import ExportError
from vae_export.errors import Degraded
from vae_export.gates.answers import BATCH_SIZES, TOLERANCE, batches, runs, tensors
from vae_export.graphs.functions import Graph

X = np.linspace(-3, 3, 30, dtype=np.float32).reshape(10, 3)
GRAPH = Graph(
    "doubler",
    lambda x, shift=0.0: {"y": 2.0 * x + shift, "size": tf.abs(x)},
    {"x": ("float32", ("batch", 3)), "shift": ("float32", ("samples", 3))},
    {"y": ("batch", 3), "size": ("batch", 3)},
    {},
    {"shift": np.zeros((1, 3), np.float32)},
    (),
)
FEEDS = {"x": X, "shift": np.ones((1, 3), np.float32)}


@pytest.fixture
def check(artefact):
    """What the gate of tensors says of a file that answers so."""
    return lambda graph, engine, feeds=FEEDS: tensors(artefact(graph, engine, feeds=feeds))


def engine(feeds, factor=2.0, shift=1.0):
    given = shift * feeds.get("shift", np.float32(0.0))
    return {"y": np.float32(factor) * feeds["x"] + given, "size": np.abs(feeds["x"])}


def test_the_batch_sizes_are_one_small_odd_and_large():
    assert BATCH_SIZES == (1, 2, 7, 256)


def test_agreement_passes_with_its_figures(check):
    assert check(GRAPH, engine, FEEDS) == {"y": 0.0, "size": 0.0}


def test_a_deviation_within_tolerance_passes_and_is_reported(check):
    parity = check(GRAPH, lambda f: engine(f, 2.0 * (1 + 5e-6)))
    assert 1e-6 < parity["y"] <= TOLERANCE


def test_a_deviation_is_refused_with_graph_output_and_distance(check):
    with pytest.raises(ExportError, match=r"doubler.onnx: output 'y' differs from Keras by 0.5 "):
        check(GRAPH, lambda f: engine(f, 3.0, 1.5))


def test_a_deviation_at_one_batch_size_alone_is_found(check):
    def wrong_at_7(feeds):
        return engine(feeds, 3.0 if len(feeds["x"]) == 7 else 2.0)

    with pytest.raises(ExportError, match="batch 7"):
        check(GRAPH, wrong_at_7)


def test_an_optional_input_that_is_ignored_is_found(check):
    with pytest.raises(ExportError, match="output 'y'"):
        check(GRAPH, lambda f: engine(f, shift=0.0))


def test_swapped_outputs_are_found(check):
    def swapped(feeds):
        return dict(zip(("size", "y"), engine(feeds).values(), strict=True))

    with pytest.raises(ExportError, match="output 'y' differs"):
        check(GRAPH, swapped)


def test_a_missing_output_is_found(artefact):
    with pytest.raises(ExportError, match=r"expected the outputs y, size. Received: y\."):
        runs(artefact(GRAPH, lambda f: {"y": engine(f)["y"]}, feeds=FEEDS))


@pytest.mark.parametrize(
    ("change", "received"),
    [
        (lambda y: y.astype(np.float64), "float64"),
        (lambda y: y[:, :2], r"\(1, 2\)"),
        (lambda y: y * np.nan, "finite numbers. Received: 3 of 3 that are not"),
    ],
)
def test_another_dtype_shape_or_nan_is_found(change, received, artefact):
    def changed(feeds):
        outputs = engine(feeds)
        return {**outputs, "y": change(outputs["y"])}

    with pytest.raises(ExportError, match=f"output 'y'.*{received}"):
        runs(artefact(GRAPH, changed, feeds=FEEDS))


def test_a_feature_of_small_values_is_not_hidden_by_one_of_large_ones(check):
    """Pascals beside millimetres: an error that is nothing in one is everything in the other."""
    graph = Graph(
        "decoder",
        lambda x: {"x_mean": tf.constant([[101325.0, 0.5]]) * x},
        {"x": ("float32", ("batch", 2))},
        {"x_mean": ("batch", 2)},
        {"x_mean": (np.array([101325.0, 0.5]), np.array([5000.0, 0.1]))},
        {},
        (),
    )

    def wrong_millimetres(feeds):
        return {"x_mean": np.float32([[101325.0, 0.6]]) * feeds["x"]}

    with pytest.raises(ExportError, match=r"output 'x_mean' differs from Keras by 1 "):
        check(graph, wrong_millimetres, {"x": np.ones((1, 2), np.float32)})


@pytest.mark.parametrize(("error", "passes"), [(0.02, True), (0.9, False)])
def test_a_large_mean_hides_no_error_but_its_own_resolution(error, passes, check):
    """101325 +- 1 pascals: float32 knows them to 0.008, and 0.9 is nearly a standard deviation."""
    graph = Graph(
        "decoder",
        lambda x: {"x_mean": 101325.0 * x},
        {"x": ("float32", ("batch", 1))},
        {"x_mean": ("batch", 1)},
        {"x_mean": (np.array([101325.0]), np.array([1.0]))},
        {},
        (),
    )
    feeds = {"x": np.ones((1, 1), np.float32)}

    def off(feeds):
        return {"x_mean": np.float32(101325.0) * feeds["x"] + np.float32(error)}

    if passes:
        check(graph, off, feeds)
    else:
        with pytest.raises(ExportError, match="'x_mean' differs from Keras"):
            check(graph, off, feeds)


def test_an_output_that_is_next_to_nothing_is_measured_by_its_error_scale(check):
    graph = dataclasses.replace(GRAPH, function=lambda x, shift=0.0: {"y": 1e-4 * x, "size": x})
    parity = check(graph, lambda f: {"y": np.float32(1.001e-4) * f["x"], "size": f["x"]})
    assert parity["y"] <= TOLERANCE  # a thousandth of itself, and less than a millionth of a nat


SCORER = dataclasses.replace(GRAPH, role="scorer", outputs={"score": ("batch",)})


def test_a_score_that_depends_on_its_neighbours_is_refused(artefact):
    def centred(feeds):
        return {"score": feeds["x"][:, 0] - feeds["x"].mean()}

    with pytest.raises(ExportError, match=r"scorer.onnx: expected a row to score the same in any"):
        batches(artefact(SCORER, centred, calibration_x=X, rounding=1e-6))


def test_a_score_that_depends_on_its_batch_by_rounding_passes(artefact):
    def rounded(feeds):
        return {"score": feeds["x"][:, 0] + 1e-7 * len(feeds["x"])}

    figures = batches(artefact(SCORER, rounded, calibration_x=X, rounding=1e-5))
    assert 5e-7 < figures["nats"] < 1e-5


def test_an_error_scale_keeps_a_score_from_being_held_to_what_its_terms_cannot_give(artefact):
    """A score of 1 nat that is a difference of terms of 1000 nats is known to 1e-2, not 1e-5."""
    graph = dataclasses.replace(
        SCORER, function=lambda x, shift=0.0: {"score": x[:, 0]}, defaults={}
    )

    def off(feeds):
        return {"score": feeds["x"][:, 0] + np.float32(1e-3)}

    assert (
        tensors(artefact(graph, off, feeds=FEEDS, error_scales={"score": 1000.0}))["score"]
        < TOLERANCE
    )
    with pytest.raises(ExportError, match="'score' differs from Keras"):
        tensors(artefact(graph, off, feeds=FEEDS))


def test_lower_precision_may_be_coarse_and_not_wrong(artefact):
    graph = dataclasses.replace(
        GRAPH, function=lambda x, shift=0.0: {"y": x}, outputs={"y": ("b",)}
    )

    def rounded(feeds):
        return {"y": np.round(feeds["x"] * 20) / np.float32(20)}

    def negated(feeds):
        return {"y": -feeds["x"]}

    assert 0 < tensors(artefact(graph, rounded, feeds=FEEDS, precision="int8"))["y"] < 0.02
    with pytest.raises(
        Degraded, match=r"doubler.int8.onnx: output 'y' is off by 2 of its spread"
    ) as e:
        tensors(artefact(graph, negated, feeds=FEEDS, precision="int8"))
    assert e.value.figures == {"y": pytest.approx(2.0)}  # the parity, where that is allowed


def test_of_what_is_allowed_all_the_same_every_output_has_its_parity(artefact):
    def wrong(feeds):
        return {**engine(feeds), "y": -engine(feeds)["y"]}

    with pytest.raises(Degraded) as e:
        tensors(artefact(GRAPH, wrong, feeds=FEEDS, precision="int8"))
    assert set(e.value.figures) == {"y", "size"}
    assert e.value.figures["size"] == 0.0


def test_rows_of_the_probe_that_were_drawn_count_as_well(artefact):
    graph = dataclasses.replace(
        GRAPH, function=lambda x, shift=0.0: {"y": x}, outputs={"y": ("b",)}
    )

    def saturates(feeds):
        return {"y": np.clip(feeds["x"], -3, 3)}

    made = artefact(graph, saturates, feeds=FEEDS, precision="int8")
    assert tensors(made) == {"y": 0.0}
    drawn = {**FEEDS, "x": X * 2}
    wider = dataclasses.replace(made.evidence, drawn=drawn)
    made = artefact(graph, saturates, feeds=FEEDS, precision="int8")
    coarse = dataclasses.replace(made, evidence=wider)
    coarse.__dict__["engine"] = saturates
    assert tensors(coarse)["y"] == pytest.approx(0.5)  # 3 of 6, which a device is then allowed
    far = dataclasses.replace(made, evidence=dataclasses.replace(wider, drawn={**FEEDS, "x": X**3}))
    far.__dict__["engine"] = saturates
    with pytest.raises(Degraded, match="output 'y' is off by"):
        tensors(far)
