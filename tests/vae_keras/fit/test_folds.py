"""Calibration by folds: no model scores what it saw, a killed run goes on, alarms hold."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from vae_keras import DataConfig, ModelConfig, Split, TrainConfig, train
from vae_keras.data import Dataset, fingerprint
from vae_keras.evaluate import evaluate, evaluate_run, score_rows
from vae_keras.fit.early_stopping import Stopping
from vae_keras.fit.folds import count, cross_fit, fold_masks
from vae_keras.run import open_run

QUIET = {"log": lambda line: None}
TINY = ModelConfig(hidden=(8,), latent_dim=2)
CONFIG = TrainConfig(epochs=4, learning_rate=1e-2, batch_size=32)


class Memory:
    """Learns rows by heart: a row's score is how often the model was shown it."""

    train = CONFIG

    def __init__(self):
        self.shown = []

    def learn(self, x, validation, **_):
        seen = np.concatenate([x, validation])
        self.shown.append((x[:, 0], validation[:, 0]))

        def score(rows):
            known = np.isin(rows[:, 0], seen[:, 0]).astype(np.float32)
            return {"score": known, "nll": known, "kl": 0 * known}

        return SimpleNamespace(score=score)


@st.composite
def dealt(draw):
    """Rows that are their own number, in folds of any sizes."""
    folds = draw(st.integers(3, 6))
    extra = draw(st.lists(st.integers(0, folds - 1), max_size=20))
    fold = np.array([*range(folds), *extra])
    x = np.arange(len(fold), dtype=np.float32)[:, None]
    stopping = np.arange(len(fold)) < folds  # the first of each fold, at least
    stopping[draw(st.lists(st.integers(0, len(fold) - 1)))] = True
    return Split(x, x, x, x[:1], np.zeros(1, bool), folds=fold, stopping=stopping)


@settings(max_examples=50, deadline=None)
@given(dealt())
def test_no_row_is_scored_by_a_model_that_was_shown_it(tmp_path_factory, rows):
    memory, out = Memory(), tmp_path_factory.mktemp("run") / "run"
    scores = cross_fit(memory, rows, out, identity={}, resume=False, log=lambda _: None)
    for score in scores.values():
        np.testing.assert_array_equal(score, 0)  # each has one, and it is that of a stranger
    assert len(memory.shown) == count(rows)
    for x, validation in memory.shown:
        assert len(x)
        assert len(validation)
        assert not set(x) & set(validation)


@given(dealt())
def test_every_row_is_scored_once_and_on_one_side(rows):
    parts = [fold_masks(rows, fold) for fold in range(count(rows))]
    np.testing.assert_array_equal(sum(part["scored"].astype(int) for part in parts), 1)
    for part in parts:
        np.testing.assert_array_equal(sum(side.astype(int) for side in part.values()), 1)


def test_a_run_of_few_rows_says_what_was_done_and_leaves_nothing_beside_it(tmp_path, few_csv):
    data, said = DataConfig(str(few_csv), label="broken"), []
    run, metrics = train(data, TINY, CONFIG, out=tmp_path / "run", log=said.append)
    assert "178 to train, 20 to validate, calibrated on all of them (5 models, each" in said[0]
    assert any(line.startswith("fold 5 of 5: epoch 4/4") for line in said)
    assert run.data.folds == 5
    assert run.data.rows == {"train": 178, "validation": 20, "test": 42}
    assert run.data.fingerprint == fingerprint(run.calibration["x"][:178])
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert evaluate_run(open_run(run.path)) == metrics


def test_a_run_with_folds_keeps_both_scores_of_the_rows_it_trained_on(few_run):
    kept = few_run.calibration
    assert kept["cross_score"].shape == kept["score"].shape == (198,)
    again = score_rows(few_run.vae, kept["x"])["score"]
    np.testing.assert_allclose(kept["score"], again, rtol=1e-5)
    # a model is more surprised by rows that it was not shown
    assert kept["cross_score"].mean() > kept["score"].mean() + 0.2


@pytest.mark.parametrize("alpha", [0.05, 0.1])
def test_alarms_on_fresh_rows_are_about_as_many_as_asked_for(few_run, fresh_sensor_rows, alpha):
    """The rate of a threshold from n exchangeable scores is Beta(rank, n + 1 - rank).

    So the upper bound is passed once in a thousand runs, were the scores exchangeable with fresh
    ones; out-of-fold scores are higher, if anything. A fifth of the level shows that the threshold
    is not so high that nothing alarms: these models saw 112 rows where the last one saw 178.
    """
    score, cross = (
        score_rows(few_run.vae, fresh_sensor_rows)["score"],
        few_run.calibration["cross_score"],
    )
    metrics = evaluate(score, np.zeros(4000, bool), calibration=cross, alpha=alpha)
    rank = int(alpha * (len(cross) + 1))
    assert alpha / 5 <= metrics.false_alarm_rate <= beta.ppf(0.999, rank, len(cross) + 1 - rank)


def test_scores_of_rows_trained_on_would_alarm_more_often(few_run, fresh_sensor_rows):
    score, own = score_rows(few_run.vae, fresh_sensor_rows)["score"], few_run.calibration["score"]
    crossed = few_run.calibration["cross_score"]
    rates = [
        evaluate(score, np.zeros(4000, bool), calibration=c, alpha=0.05).false_alarm_rate
        for c in (own, crossed)
    ]
    assert rates[0] > 1.3 * rates[1]


def test_evaluate_judges_by_the_scores_out_of_fold(few_run):
    metrics, test = evaluate_run(few_run), few_run.test
    score = score_rows(few_run.vae, test["x"])["score"]
    cross = few_run.calibration["cross_score"]
    assert metrics == evaluate(score, test["y"], calibration=cross, alpha=0.01)
    dataset = Dataset("few", test["x"], test["y"])
    assert evaluate_run(few_run, dataset) == metrics


class Kill(Exception):
    """What a power cut is to a test."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory, few_csv):
    """A run with folds that was never killed."""
    data = DataConfig(str(few_csv), label="broken", folds=3)
    return train(data, TINY, CONFIG, out=tmp_path_factory.mktemp("runs") / "run", **QUIET)[0]


@pytest.mark.parametrize(("epoch", "finished"), [(2, 0), (6, 1), (13, 3)])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    tmp_path, few_csv, whole, monkeypatch, epoch, finished
):
    """Killed in the first fold, in the second, in the last model; its epochs count through."""
    data, seen = DataConfig(str(few_csv), label="broken", folds=3), []
    monkeypatch.setattr(Stopping.__init__, "__defaults__", (0.0,))  # checkpoints at every epoch
    after = Stopping.on_epoch_end

    def kill(self, number, logs=None):
        after(self, number, logs)
        seen.append(number)
        if len(seen) == epoch:
            raise Kill

    with monkeypatch.context() as patch:
        patch.setattr(Stopping, "on_epoch_end", kill)
        with pytest.raises(Kill):
            train(data, TINY, CONFIG, out=tmp_path / "run", **QUIET)
    said = []
    run, _ = train(data, TINY, CONFIG, out=tmp_path / "run", resume=True, log=said.append)
    resumed = [line for line in said if "resumed after" in line]
    first = [f"resumed after {finished} of 3 models for the calibration"] * bool(finished)
    where = "" if finished == 3 else f"fold {finished + 1} of 3: "
    assert resumed == [*first, f"{where}resumed after epoch {seen[-1] + 1}"]
    assert not any("nothing to resume" in line for line in said)
    np.testing.assert_array_equal(run.calibration["cross_score"], whole.calibration["cross_score"])
    for a, b in zip(run.vae.get_weights(), whole.vae.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_finished_folds_of_another_run_are_refused(tmp_path, few_csv, monkeypatch):
    data = DataConfig(str(few_csv), label="broken", folds=3)
    config = dataclasses.replace(CONFIG, epochs=1)

    def full(*_, **__):
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("vae_keras.training.write_run", full)
        with pytest.raises(OSError, match="no space left"):
            train(data, TINY, config, out=tmp_path / "run", **QUIET)
    assert (tmp_path / "run.folds.checkpoint.npz").exists()
    other = dataclasses.replace(config, seed=1)
    with pytest.raises(ValueError, match=r"another training\. Train without --resume"):
        train(data, TINY, other, out=tmp_path / "run", resume=True, **QUIET)


def test_what_is_finished_is_left_as_it_is(whole, few_csv):
    data, said = DataConfig(str(few_csv), label="broken", folds=3), []
    train(data, TINY, CONFIG, out=whole.path, resume=True, log=said.append)
    assert said == [f"{whole.path} is finished already: nothing to resume"]


def test_too_few_rows_even_for_folds_are_refused_with_how_many_it_takes(tmp_path):
    np.savez(tmp_path / "few.npz", x=np.random.default_rng(0).normal(size=(100, 3)))
    data = DataConfig(str(tmp_path / "few.npz"))
    with pytest.raises(ValueError, match=r"at least 99 normal rows, all but.*Received: 90, whose"):
        train(data, TINY, CONFIG, out=tmp_path / "run", **QUIET)


def test_classes_are_judged_on_test_rows_alone(tmp_path, states_csv):
    data = DataConfig(str(states_csv), classes="state", folds=3)
    run, metrics = train(data, TINY, CONFIG, out=tmp_path / "run", **QUIET)
    known = int((run.test["labels"] >= 0).sum())
    assert metrics.labelled_rows == known > 0
    assert evaluate_run(run) == metrics
