"""Alarms, ranking and classes: what agrees passes, what flips is named with its row."""

import dataclasses

import numpy as np
import pytest

from vae_export import ExportError
from vae_export.errors import Degraded
from vae_export.gates.verdicts import auroc, classes, faults, flips, ranking
from vae_export.graphs.evidence import Reference
from vae_export.graphs.functions import Graph

SCORER = Graph("scorer", None, {"x": ("float32", ("batch", 1))}, {"score": ("batch",)}, {}, {}, ())
CALIBRATION = np.linspace(10.0, 20.0, 199)
TESTED = np.linspace(5.0, 40.0, 100)


@pytest.fixture
def scorer(artefact):
    """Makes scorers that give these scores, where Keras gave CALIBRATION and TESTED."""

    def make(test, calibration=CALIBRATION, *, precision="fp32", y=None):
        answers = {199: calibration, 100: test}
        return artefact(
            SCORER,
            lambda feeds: {"score": answers[len(feeds["x"])]},
            precision=precision,
            rounding=1e-5,
            calibration_x=CALIBRATION[:, None],
            test_x=TESTED[:, None],
            calibration=CALIBRATION,
            test=TESTED,
            y=np.zeros(100, bool) if y is None else y,
        )

    return make


def one_flipped():
    test = TESTED.copy()
    test[90] = 12.0
    return test


def test_equal_scores_flip_nothing(scorer):
    assert flips(scorer(TESTED)) == {"flips": 0, "rows": 100, "share": 0.0}


def test_rounding_flips_nothing(scorer):
    assert flips(scorer(TESTED * (1 + 1e-7), CALIBRATION * (1 - 1e-7)))["flips"] == 0


def test_a_shift_of_scores_and_threshold_together_flips_nothing(scorer):
    assert flips(scorer(TESTED + 3.0, CALIBRATION + 3.0))["flips"] == 0


def test_a_flipped_verdict_is_refused_with_its_row_and_scores(scorer):
    with pytest.raises(ExportError, match=r"scorer.onnx: .*1 of 100 flipped.*90, the score 12 "):
        flips(scorer(one_flipped()))


def test_a_threshold_of_another_model_is_refused(scorer):
    with pytest.raises(ExportError, match="flipped"):
        flips(scorer(TESTED, CALIBRATION + 5.0))


def test_lower_precision_may_flip_two_in_a_thousand(scorer):
    with pytest.raises(Degraded, match=r"scorer.int8.onnx: .*At most 0.2% may.*--allow-degraded"):
        flips(scorer(one_flipped(), precision="int8"))


def test_ranking_says_how_alike_and_how_far_off(scorer):
    assert ranking(scorer(TESTED, CALIBRATION + 0.5)) == {
        "spearman": pytest.approx(1.0, abs=1e-3),
        "largest shift": pytest.approx(0.5),
    }


def test_scores_that_rank_otherwise_are_refused(scorer):
    with pytest.raises(Degraded, match=r"scorer.int8.onnx: .*Spearman 0.95 at least. Received: -1"):
        ranking(scorer(-TESTED, -CALIBRATION, precision="int8"))


def test_auroc_may_fall_by_half_a_percent(scorer):
    y = TESTED > 35.0
    assert auroc(scorer(TESTED, y=y)) == {"keras": 1.0, "file": 1.0}
    worse = TESTED.copy()
    worse[-1] = 6.0  # one of fifteen anomalies among the most normal
    with pytest.raises(Degraded, match=r"within 0.005 of Keras's 1.0000. Received: 0.93"):
        auroc(scorer(worse, y=y, precision="int8"))


@pytest.mark.parametrize("label", [False, True])
def test_there_is_no_auroc_without_both_kinds_of_rows(label, scorer):
    assert auroc(scorer(TESTED, y=np.full(100, label))) == {}


# Scores of which a mixture is a part


@pytest.fixture
def sums(artefact):
    """Makes scorers of a sum that hides the VAE's share: it is Keras's but for rounding.

    Such a file gives these nlls, where Keras gave CALIBRATION and TESTED and, of rows with gross
    faults, 100 nats. Sums are all 1e6 nats more.
    """
    gross, much = np.full(8, 100.0), 1e6

    def make(test=TESTED, calibration=CALIBRATION, faulty=gross, *, precision="int8", y=None):
        nll = {199: calibration, 100: test, 8: faulty}
        keras = {199: CALIBRATION, 100: TESTED, 8: gross}

        def run(feeds):
            rows = len(feeds["x"])
            return {"score": keras[rows] + much, "nll": nll[rows], "kl": np.zeros(rows)}

        faults = np.zeros((8, 1), np.float32)
        references = {
            "score": Reference(CALIBRATION + much, TESTED + much, 0.01, faults=faults),
            "neg_elbo": Reference(CALIBRATION, TESTED, 1e-5, faults=faults),
        }
        return artefact(
            SCORER,
            run,
            precision=precision,
            calibration_x=CALIBRATION[:, None],
            test_x=TESTED[:, None],
            references=references,
            y=np.zeros(100, bool) if y is None else y,
        )

    return make


def test_what_agrees_by_both_scores_passes_with_the_figures_of_both(sums):
    found = flips(sums())
    assert (found["flips"], found["nll + kl: flips"]) == (0, 0)
    assert faults(sums())["nll + kl: blind"] == 0
    assert ranking(sums())["nll + kl: spearman"] == pytest.approx(1.0)


def test_a_sum_hides_no_verdict_that_flips_without_the_mixture(sums):
    with pytest.raises(Degraded, match=r"1 of 100 flipped.*row 90, nll \+ kl 12 against") as caught:
        flips(sums(one_flipped()))
    assert (caught.value.figures["flips"], caught.value.figures["nll + kl: flips"]) == (0, 1)
    with pytest.raises(ExportError, match=r"scorer.onnx: .*row 90, nll \+ kl 12 against"):
        flips(sums(one_flipped(), precision="fp32"))


def test_a_sum_hides_no_blindness_to_gross_faults(sums):
    blind = np.full(8, 15.0)
    with pytest.raises(Degraded, match=r"expected nll \+ kl of gross faults .* Received: 8 of 8"):
        faults(sums(faulty=blind))


def test_a_sum_hides_no_loss_of_ranks_or_of_anomalies(sums):
    with pytest.raises(Degraded, match=r"expected nll \+ kl to rank rows as in Keras"):
        ranking(sums(-TESTED, -CALIBRATION))
    with pytest.raises(Degraded, match=r"AUROC of nll \+ kl within"):
        auroc(sums(-TESTED, y=TESTED > 35.0))


def test_what_is_lost_by_both_scores_is_said_of_both(artefact):
    def run(feeds):
        return {"score": -feeds["x"][:, 0], "nll": -feeds["x"][:, 0], "kl": 0.0}

    each = Reference(CALIBRATION, TESTED, 0.0)
    given = {"calibration_x": CALIBRATION[:, None], "test_x": TESTED[:, None]}
    made = artefact(SCORER, run, precision="int8", references=dict.fromkeys(BOTH, each), **given)
    with pytest.raises(Degraded) as caught:
        ranking(made)
    assert "the score to rank" in caught.value.loss
    assert "nll + kl to rank" in caught.value.loss


BOTH = ("score", "neg_elbo")

PROBABILITIES = np.float32([[0.7, 0.2, 0.1], [0.3, 0.4, 0.3], [0.5, 0.5, 0.0]])


@pytest.fixture
def classifier(artefact):
    """Makes classifiers that give these probabilities, where Keras gave PROBABILITIES."""

    def make(probabilities, precision="fp32"):
        return artefact(
            dataclasses.replace(SCORER, role="classifier"),
            lambda feeds: {"probabilities": probabilities},
            precision=precision,
            calibration_x=PROBABILITIES[:1],
            test_x=PROBABILITIES[1:],
            probabilities=PROBABILITIES,
            calibration=np.zeros(1),
            test=np.zeros(len(PROBABILITIES) - 1),
        )

    return make


def test_equal_classes_pass_and_so_does_another_probability_of_the_same_class(classifier):
    assert classes(classifier(PROBABILITIES))["flips"] == 0
    assert classes(classifier(np.roll(PROBABILITIES, 0) * 0.9))["flips"] == 0


def test_a_tie_may_be_broken_either_way(classifier):
    broken = PROBABILITIES + np.float32([[0, 0, 0], [0, 0, 0], [-1e-6, 1e-6, 0]])
    assert classes(classifier(broken))["flips"] == 0


def test_a_flipped_class_is_refused_with_its_row(classifier):
    flipped = PROBABILITIES.copy()
    flipped[1] = [0.4, 0.35, 0.25]
    with pytest.raises(ExportError, match=r"classifier.onnx: .*1 of 3 flipped.*row 1, class 0 ag"):
        classes(classifier(flipped))
    with pytest.raises(Degraded, match=r"At most 0.2% may"):
        classes(classifier(flipped, precision="int8"))
