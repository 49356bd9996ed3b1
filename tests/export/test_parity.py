"""The gate: it lets pass what agrees and names what does not."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from vae_export import ExportError
from vae_export.graphs import Graph
from vae_export.parity import (
    SIZES,
    TOLERANCE,
    check_batches,
    check_classes,
    check_tensors,
    check_verdicts,
)

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


def engine(feeds, factor=2.0, shift=1.0):
    given = shift * feeds.get("shift", np.float32(0.0))
    return {"y": np.float32(factor) * feeds["x"] + given, "size": np.abs(feeds["x"])}


def test_the_batch_sizes_are_one_small_odd_and_large():
    assert SIZES == (1, 2, 7, 256)


def test_agreement_passes_with_its_figures():
    assert check_tensors("doubler.onnx", GRAPH, engine, FEEDS) == {"y": 0.0, "size": 0.0}


def test_a_deviation_within_tolerance_passes_and_is_reported():
    parity = check_tensors("d.onnx", GRAPH, lambda f: engine(f, 2.0 * (1 + 5e-6)), FEEDS)
    assert 1e-6 < parity["y"] <= TOLERANCE


def test_a_deviation_is_refused_with_graph_output_and_distance():
    with pytest.raises(ExportError, match=r"d.onnx: output 'y' differs from Keras by 0.5 "):
        check_tensors("d.onnx", GRAPH, lambda f: engine(f, 3.0, 1.5), FEEDS)


def test_a_deviation_at_one_batch_size_alone_is_found():
    def wrong_at_7(feeds):
        return engine(feeds, 3.0 if len(feeds["x"]) == 7 else 2.0)

    with pytest.raises(ExportError, match="batch 7"):
        check_tensors("d.onnx", GRAPH, wrong_at_7, FEEDS)


def test_an_optional_input_that_is_ignored_is_found():
    with pytest.raises(ExportError, match="output 'y'"):
        check_tensors("d.onnx", GRAPH, lambda f: engine(f, shift=0.0), FEEDS)


def test_swapped_outputs_are_found():
    def swapped(feeds):
        return dict(zip(("size", "y"), engine(feeds).values(), strict=True))

    with pytest.raises(ExportError, match="output 'y' differs"):
        check_tensors("d.onnx", GRAPH, swapped, FEEDS)


def test_a_missing_output_is_found():
    with pytest.raises(ExportError, match=r"expected the outputs y, size. Received: y\."):
        check_tensors("d.onnx", GRAPH, lambda f: {"y": engine(f)["y"]}, FEEDS)


@pytest.mark.parametrize(
    ("change", "received"),
    [
        (lambda y: y.astype(np.float64), "float64"),
        (lambda y: y[:, :2], r"\(1, 2\)"),
        (lambda y: y * np.nan, "inf"),
    ],
)
def test_another_dtype_shape_or_nan_is_found(change, received):
    def changed(feeds):
        outputs = engine(feeds)
        return {**outputs, "y": change(outputs["y"])}

    with pytest.raises(ExportError, match=f"output 'y'.*{received}"):
        check_tensors("d.onnx", GRAPH, changed, FEEDS)


def test_a_feature_of_small_values_is_not_hidden_by_one_of_large_ones():
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
        check_tensors("decoder.onnx", graph, wrong_millimetres, {"x": np.ones((1, 2), np.float32)})


@pytest.mark.parametrize(("error", "passes"), [(0.02, True), (0.9, False)])
def test_a_large_mean_hides_no_error_but_its_own_resolution(error, passes):
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
        check_tensors("decoder.onnx", graph, off, feeds)
    else:
        with pytest.raises(ExportError, match="'x_mean' differs from Keras"):
            check_tensors("decoder.onnx", graph, off, feeds)


def test_an_output_that_is_next_to_nothing_is_measured_by_its_unit():
    graph = dataclasses.replace(GRAPH, function=lambda x, shift=0.0: {"y": 1e-4 * x, "size": x})
    parity = check_tensors(
        "d.onnx", graph, lambda f: {"y": np.float32(1.001e-4) * f["x"], "size": f["x"]}, FEEDS
    )
    assert parity["y"] <= TOLERANCE  # a thousandth of itself, and less than a millionth of a nat


def test_a_score_that_depends_on_its_neighbours_is_refused():
    def centred(feeds):
        return {"score": feeds["x"][:, 0] - feeds["x"].mean()}

    with pytest.raises(ExportError, match=r"s.onnx: expected a row to score the same in any batch"):
        check_batches("s.onnx", centred, X, rounding=1e-6)


def test_a_score_that_depends_on_its_batch_by_rounding_passes():
    check_batches(
        "s.onnx", lambda f: {"score": f["x"][:, 0] + 1e-7 * len(f["x"])}, X, rounding=1e-5
    )


CALIBRATION = np.linspace(10.0, 20.0, 199)
TESTED = np.linspace(5.0, 40.0, 100)


def verdicts(score, calibration=CALIBRATION):
    check_verdicts(
        "scorer.onnx",
        score,
        TESTED,
        calibration={"score": calibration, "keras_score": CALIBRATION},
        alpha=0.01,
        rounding=1e-5,
    )


def test_equal_scores_give_equal_verdicts():
    verdicts(TESTED)


def test_rounding_flips_nothing():
    verdicts(TESTED * (1 + 1e-7), CALIBRATION * (1 - 1e-7))


def test_a_shift_of_scores_and_threshold_together_flips_nothing():
    verdicts(TESTED + 3.0, CALIBRATION + 3.0)


def test_a_flipped_verdict_is_refused_with_its_row_and_scores():
    flipped = TESTED.copy()
    flipped[90] = 12.0
    with pytest.raises(ExportError, match=r"scorer.onnx: .*1 of 100 flipped.*row 90, score 12.0"):
        verdicts(flipped)


def test_a_stale_calibration_is_refused():
    with pytest.raises(ExportError, match="flipped"):
        verdicts(TESTED, CALIBRATION + 5.0)


PROBABILITIES = np.float32([[0.7, 0.2, 0.1], [0.3, 0.4, 0.3], [0.5, 0.5, 0.0]])


def test_equal_classes_pass_and_so_does_another_probability_of_the_same_class():
    check_classes("classifier.onnx", PROBABILITIES, PROBABILITIES)
    check_classes("classifier.onnx", np.float32([[0.5, 0.4, 0.1]]), PROBABILITIES[:1])


def test_a_tie_may_be_broken_either_way():
    broken = PROBABILITIES + np.float32([[0, 0, 0], [0, 0, 0], [-1e-6, 1e-6, 0]])
    check_classes("classifier.onnx", broken, PROBABILITIES)


def test_a_flipped_class_is_refused_with_its_row():
    flipped = PROBABILITIES.copy()
    flipped[1] = [0.4, 0.35, 0.25]
    with pytest.raises(ExportError, match=r"c.onnx: .*1 of 3 flipped.*row 1, class 0 against 1"):
        check_classes("c.onnx", flipped, PROBABILITIES)
