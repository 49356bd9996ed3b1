"""What training says as it goes."""

import pytest

from vae_keras.fit.progress import Ahead, Progress, StopOnDivergence

LOSSES = {"loss": 3.0, "nll": 2.0, "kl": 1.0, "val_elbo": -3.5}


def test_progress_says_where_how_well_and_how_long():
    lines = []
    progress = Progress(epochs=10, rows=500, log=lines.append, every=0.0)
    progress.on_train_begin()
    progress.on_epoch_end(0, LOSSES)
    progress.on_train_end()
    assert lines[0].startswith("epoch 1/10  loss 3.000  nll 2.000  kl 1.000  val_elbo -3.500")
    assert "rows/s, at most" in lines[0]
    assert "done in" in lines[1]


def test_progress_is_not_chatty():
    lines = []
    progress = Progress(epochs=1000, rows=500, log=lines.append, every=3600.0)
    progress.on_train_begin()
    for epoch in range(1000):
        progress.on_epoch_end(epoch, LOSSES)
    assert lines == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_divergence_is_named_with_epoch_step_and_the_last_finite_loss(value):
    stop = StopOnDivergence()
    stop.on_train_begin()
    stop.on_epoch_begin(3)
    stop.on_train_batch_end(6, LOSSES)
    message = r"nll = (nan|inf) in epoch 4, step 8; the last finite loss was 3\..*--clip-norm"
    with pytest.raises(ValueError, match=message):
        stop.on_train_batch_end(7, {**LOSSES, "nll": value})


def test_a_loss_of_the_validation_rows_alone_counts_too():
    stop = StopOnDivergence()
    stop.on_train_begin()
    with pytest.raises(
        ValueError, match=r"val_elbo = nan in epoch 1; the last finite loss was none"
    ):
        stop.on_epoch_end(0, {**LOSSES, "val_elbo": float("nan")})


def test_finite_losses_pass():
    stop = StopOnDivergence()
    stop.on_train_begin()
    stop.on_train_batch_end(0, LOSSES)
    stop.on_epoch_end(0, LOSSES)


def test_the_time_of_all_models_is_told():
    """Two models of a second each are done, this one is half done, and two are to come."""
    lines, seconds = [], [1.0, 1.0]
    progress = Progress(epochs=10, rows=500, log=lines.append, every=0.0, ahead=Ahead(2, seconds))
    progress.on_train_begin()
    progress._started -= 5.0
    progress.on_epoch_end(4, LOSSES)
    progress.on_train_end()
    assert lines[0].endswith("at most 5 s left; about 7 s with 2 models to come)")
    assert lines[1].endswith("(done in 5 s; about 5 s with 2 models to come)")
    assert seconds[2] == pytest.approx(5.0, abs=0.5)


def test_before_any_model_is_done_all_are_taken_to_be_as_long():
    lines = []
    progress = Progress(epochs=10, rows=5, log=lines.append, every=0.0, ahead=Ahead(1, []))
    progress.on_train_begin()
    progress._started -= 5.0
    progress.on_epoch_end(4, LOSSES)
    assert lines[0].endswith("at most 5 s left; about 15 s with 1 model to come)")
