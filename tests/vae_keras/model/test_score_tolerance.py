"""By how much scores may differ with their batch: by a share of all that they are made of."""

import numpy as np
import pytest

from vae_keras.evaluate import evaluate_run, score_rows
from vae_keras.model.score_tolerance import rounding, sizes, usual
from vae_runtime import Runner
from vae_runtime.verdicts.calibration import SCORE_RTOL


def test_a_score_whose_terms_cancel_is_known_up_to_a_share_of_them():
    score, size = np.array([1.0, -2.0, 3.0, 4.0]), np.array([100.0, 102.0, 53.0, 4.0])
    assert rounding(score, size) == pytest.approx(100.0 * SCORE_RTOL)


def test_a_wild_row_says_nothing_of_others():
    score, size = np.arange(20.0), np.arange(20.0) + 5.0
    size[19] = 1e9
    assert not usual(score)[19]
    assert rounding(score, size) == pytest.approx(5.0 * SCORE_RTOL)


def test_a_size_is_of_every_term(table_run):
    vae, x = table_run.vae, table_run.test["x"]
    terms = score_rows(vae, x)
    found = sizes(vae, x, terms)
    assert set(found) == {"score", "neg_elbo"}
    assert (found["neg_elbo"] >= np.abs(terms["nll"] + terms["kl"]) * (1 - 1e-6)).all()
    more = found["score"] - found["neg_elbo"]
    assert (more >= np.abs(terms["mixture_nll"]) * (1 - 1e-5)).all()


def test_a_run_is_judged_with_the_rounding_of_its_bundle(table_run, table_bundle, monkeypatch):
    given = []

    def keep(score, calibration, rounding=0.0):
        given.append(rounding)
        return np.ones(len(score))

    monkeypatch.setattr("vae_keras.evaluate.p_values", keep)
    evaluate_run(table_run)
    (own,) = given
    assert own == pytest.approx(Runner.load(table_bundle).calibration.rounding, rel=1e-6)
