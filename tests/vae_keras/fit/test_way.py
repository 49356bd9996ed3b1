"""Choice of the way to train: a whole epoch where it saves time and where it can be."""

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from vae_keras import VAE, TrainConfig, conv_pair, mlp_pair
from vae_keras.data.streams import FileStream
from vae_keras.fit import way
from vae_keras.fit.devices import ONE, Devices
from vae_keras.fit.way import choose, wants_batches

X = np.zeros((100, 6), np.float32)


def chosen(vae=None, x=X, program="auto", *, steps=10**6, callbacks=(), devices=ONE):
    vae = vae or VAE(*mlp_pair((6,), 2, (8,)), likelihood="gaussian")
    config = TrainConfig(program=program)
    return choose(vae, x, X, config, steps=steps, callbacks=callbacks, devices=devices)


def test_a_long_training_of_rows_in_memory_takes_whole_epochs():
    assert chosen().whole
    assert str(chosen(steps=12345)).startswith("one compiled program an epoch: 12345 steps")


def test_a_short_training_does_not_pay_for_compiling():
    least = way.FEWEST_STEPS["tensorflow"]
    assert not chosen(steps=least - 1).whole
    assert chosen(steps=least).whole
    assert f"10 steps at most, and compiling pays from {least} on" in chosen(steps=10).reason


def test_either_way_may_be_asked_for():
    assert chosen(program="epoch", steps=1) == (True, "asked for")
    assert chosen(program="steps") == (False, "asked for")


class OwnStep(VAE):
    def train_step(self, *arguments):
        return super().train_step(*arguments)


class WantsBatches(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


def hindered(name, tmp_path):
    """Arguments of a training that cannot take whole epochs, and a part of the reason."""
    if name == "stream":
        pq.write_table(pa.table({"a": np.arange(9.0)}), tmp_path / "x.parquet")
        return {"x": FileStream.of(tmp_path / "x.parquet", ("a",))}, "as a stream"
    if name == "devices":
        return {"devices": Devices(("gpu:0", "gpu:1"))}, "2 devices"
    if name == "bytes":
        large = np.broadcast_to(np.float32(0), (2**28, 2))
        return {"x": large}, r"rows of 2\.0 GiB, more than the 1 GiB"
    if name == "callback":
        return {"callbacks": [WantsBatches()]}, "the callback WantsBatches"
    if name == "own step":
        vae = OwnStep(*mlp_pair((6,), 2, (8,)), likelihood="gaussian")
        return {"vae": vae}, "a train_step of OwnStep's own"
    vae = VAE(*conv_pair((16, 2), 2), likelihood="gaussian")
    return {"vae": vae}, "convolutions, which XLA"


REASONS = ["stream", "devices", "bytes", "callback", "own step", "convolutions"]


@pytest.mark.parametrize("name", REASONS)
def test_what_cannot_be_one_program_goes_by_steps_and_says_why(name, tmp_path):
    options, reason = hindered(name, tmp_path)
    found = chosen(**options)
    assert not found.whole
    with pytest.raises(ValueError, match=rf"--program epoch\)\. Received: .*{reason}.*Leave it"):
        chosen(**options, program="epoch")
    assert str(found).startswith("steps as Keras takes them: ")


def test_functions_that_run_eagerly_go_by_steps():
    tf.config.run_functions_eagerly(True)
    try:
        assert "eagerly" in chosen().reason
    finally:
        tf.config.run_functions_eagerly(False)


def test_callbacks_that_want_batches_are_told_from_those_that_do_not(tmp_path):
    assert wants_batches(keras.callbacks.LambdaCallback(on_train_batch_end=print))
    assert wants_batches(keras.callbacks.TensorBoard(tmp_path, update_freq=10))
    assert not wants_batches(keras.callbacks.TensorBoard(tmp_path))
    assert not wants_batches(keras.callbacks.LambdaCallback(on_epoch_end=print))
    assert not wants_batches(keras.callbacks.EarlyStopping("val_elbo"))
    assert not wants_batches(keras.callbacks.ReduceLROnPlateau("val_loss"))
