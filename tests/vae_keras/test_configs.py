"""What is chosen where nothing is asked for."""

import re

import pytest

from vae_keras import DataConfig, ModelConfig, TrainConfig
from vae_keras.configs.options import DATA, MODEL, TRAIN


@pytest.mark.parametrize(
    ("shape", "bounded", "network", "likelihood", "latent_dim"),
    [
        ((8, 8, 1), True, "conv", "bernoulli", 8),
        ((28, 28, 1), True, "conv", "bernoulli", 16),
        ((28, 28, 1), False, "conv", "gaussian", 16),
        ((30,), True, "mlp", "gaussian", 15),
        ((3,), False, "mlp", "gaussian", 2),
        ((500,), False, "mlp", "gaussian", 16),
        ((64, 6), False, "conv", "gaussian", 16),
        ((8, 2), True, "conv", "gaussian", 2),
        ((4, 4, 4, 1), True, "mlp", "gaussian", 8),
    ],
)
def test_choices_follow_the_rows(shape, bounded, network, likelihood, latent_dim):
    config = ModelConfig().resolve(shape, bounded=bounded, rows=100)
    assert (config.network, config.likelihood, config.latent_dim) == (
        network,
        likelihood,
        latent_dim,
    )


def test_what_is_asked_for_is_kept():
    asked = ModelConfig("mlp", (5,), "tanh", 3, "gaussian", "shared", 0.5, centres=7)
    assert asked.resolve((8, 8, 1), bounded=True, rows=100) == asked


@pytest.mark.parametrize(
    ("shape", "rows", "centres"),
    [
        ((9,), 10_000, 256),
        ((9,), 100, 50),
        ((9,), 1, 1),
        ((1000,), 10_000, 65),  # a quarter of a megabyte
        ((64, 6), 10_000, 170),
        ((8, 8, 1), 10_000, 0),
    ],
)
def test_centres_are_as_many_as_rows_and_devices_afford(shape, rows, centres):
    assert ModelConfig().resolve(shape, bounded=False, rows=rows).centres == centres


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TrainConfig(epochs=0), "epochs of 1 or more. Received: 0"),
        (lambda: TrainConfig(patience=0), "patience of 1 or more"),
        (lambda: TrainConfig(batch_size=0), "batch_size of 1 or more"),
        (lambda: TrainConfig(learning_rate=0.0), "learning_rate above 0"),
        (lambda: TrainConfig(alpha=1.0), "alpha between 0 and 1"),
        (lambda: TrainConfig(seed=-1), "seed of 0 or more. Received: -1"),
        (lambda: TrainConfig(decay="linear"), "known decay. Received: linear"),
        (lambda: TrainConfig(schedule="square"), "known schedule"),
        (lambda: TrainConfig(precision="int8"), "known precision"),
        (lambda: TrainConfig(clip_norm=0.0), "clip_norm above 0"),
        (lambda: TrainConfig(free_bits=-1.0), "free_bits of 0 or more"),
        (lambda: TrainConfig(warmup=0.0), "warmup share above 0"),
        (lambda: ModelConfig(activation="gelu"), "known activation"),
        (lambda: ModelConfig(beta=-1.0), "beta of 0 or more"),
        (lambda: ModelConfig(latent_dim=0), "latent_dim of 1 or more. Received: 0"),
        (lambda: ModelConfig(hidden=(8, 0)), r"hidden sizes of 1 or more. Received: \(8, 0\)"),
        (lambda: ModelConfig(hidden=()), "hidden sizes"),
        (lambda: TrainConfig(clip_norm=float("inf")), "clip_norm above 0"),
        (
            lambda: DataConfig("x.csv", label="a", classes="a"),
            "differ. Received: a twice",
        ),
        (
            lambda: DataConfig("x.csv", columns=("a", "b"), classes="b"),
            "differ. Received: b twice",
        ),
        (lambda: DataConfig("x.csv", labels_per_class=3), "column of classes for labels_per_class"),
        (lambda: DataConfig("x.csv", classes="c", labels_per_class=0), "per_class of 1 or more"),
        (lambda: ModelConfig(classifier_weight=-1.0), "classifier_weight of 0 or more"),
    ],
)
def test_nonsense_is_refused_where_it_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()


TWICE = "columns, label, recording, time, classes, categories and machine that differ. Received: "
OTHERS = "expected a window, for stride and gap. Received: none."
NO_TIMES = "expected a column of times, for time_format and gap. Received: none."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": ("a", "b", "a")}, f"{TWICE}a twice."),
        ({"columns": ("a", "b"), "label": "b"}, f"{TWICE}b twice."),
        ({"window": 2, "label": "b", "recording": "b"}, f"{TWICE}b twice."),
        ({"window": 2, "time": "t", "recording": "t"}, f"{TWICE}t twice."),
        ({"window": 2, "time": "a", "columns": ("a",)}, f"{TWICE}a twice."),
        ({"machine": "b", "label": "b"}, f"{TWICE}b twice."),
        ({"machine": "b", "stream": True}, "machines without streaming."),
        ({"one_hot": ("c", "c")}, "share no column"),
        ({"one_hot": ("c", "c_d")}, "share no column"),
        ({"value_range": (16.0, 0.0)}, "low < high. Received: (16.0, 0.0)."),
        ({"value_range": (0.0, float("inf"))}, "low < high"),
        ({"window": 0}, "window of 1 row or more. Received: 0."),
        ({"window": 4, "stride": 0}, "stride of 1 row or more. Received: 0."),
        ({"stride": 4}, OTHERS),
        ({"recording": "m", "stream": True}, "expected recordings without streaming"),
        ({"time": "t", "gap": 2.0}, OTHERS),
        ({"window": 4, "gap": 2.0}, NO_TIMES),
        ({"time_format": "%d.%m.%Y"}, NO_TIMES),
        ({"time": "t", "time_format": "%Q"}, "expected a format of strftime codes"),
        ({"window": 4, "time": "t", "gap": 0.0}, "gap in seconds, above 0. Received: 0.0."),
        ({"window": 4, "time": "t", "gap": float("nan")}, "gap in seconds, above 0"),
        ({"time": "d,c,e"}, "expected a column of times, or two of dates and clocks"),
        ({"time": "d,c", "label": "c"}, f"{TWICE}c twice."),
        ({"window": 4, "one_hot": ("c",)}, "windows without one-hot groups or streaming."),
        ({"window": 4, "stream": True}, "windows without one-hot groups or streaming."),
        ({"on_bad_row": "ignore"}, "on_bad_row of fail or reject. Received: ignore."),
        ({"bad_columns": "keep"}, "bad_columns of error or drop. Received: keep."),
        (
            {"image_size": (0, 8)},
            "width and height of 1 or more. Received: 8 x 0 (width x",
        ),
        ({"channels": 2}, "number of channels of 1 or 3. Received: 2."),
        ({"channels": 4}, "number of channels of 1 or 3. Received: 4."),
        ({"validation": 0.0}, "above 0 that leave rows to train on. Received: 0, 0.2, 0.1."),
        ({"validation": 0.5, "calibration": 0.4}, "Received: 0.5, 0.4, 0.1."),
        ({"test": -0.1}, "above 0 that leave rows"),
        ({"seed": -1}, "seed of 0 or more. Received: -1."),
        ({"folds": 0}, "number of folds of 1, for none, or of 3 or more. Received: 0."),
        ({"folds": 2}, "number of folds of 1, for none, or of 3 or more. Received: 2."),
        ({"folds": 5, "stream": True}, "no folds of rows that are streamed"),
        ({"folds": 5, "calibration": 0.3}, "Received: 5 folds, 0.1 and 0.3. Leave out --folds"),
        ({"folds": 5, "validation": 0.2}, "no shares for validation and calibration with folds"),
    ],
)
def test_nonsense_about_rows_is_refused_where_it_is_said(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        DataConfig("x.csv", **options)


def test_what_is_said_of_rows_goes_together():
    config = DataConfig(
        "x.csv",
        label="y",
        columns=("a", "b"),
        window=1,
        stride=7,
        recording="m",
        time="t",
        machine="m",
        on_bad_row="reject",
        bad_columns="drop",
    )
    assert (config.window, config.stride) == (1, 7)
    assert DataConfig("x.parquet", one_hot=("a", "b"), stream=True).stream


WHOLE = {
    "epochs": TrainConfig,
    "patience": TrainConfig,
    "batch_size": TrainConfig,
    "seed": TrainConfig,
    "latent_dim": ModelConfig,
    "centres": ModelConfig,
    "window": DataConfig,
    "labels_per_class": DataConfig,
    "folds": DataConfig,
    "skiprows": DataConfig,
}
REAL = {
    "learning_rate": TrainConfig,
    "warmup": TrainConfig,
    "free_bits": TrainConfig,
    "corruption": TrainConfig,
    "clip_norm": TrainConfig,
    "alpha": TrainConfig,
    "beta": ModelConfig,
    "classifier_weight": ModelConfig,
    "validation": DataConfig,
    "calibration": DataConfig,
    "test": DataConfig,
}
FIRST = {DataConfig: {"source": "x.csv", "classes": "c"}}


@pytest.mark.parametrize("value", [-1, 2.5, True, "3", float("nan"), 10**10])
@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_number_that_cannot_be_is_refused(name, value):
    with pytest.raises(ValueError, match=r"expected a .*Received: "):
        WHOLE[name](**FIRST.get(WHOLE[name], {}), **{name: value})


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", REAL)
def test_a_number_that_cannot_be_is_refused(name, value):
    with pytest.raises(ValueError, match=r"expected .*Received: "):
        REAL[name](**FIRST.get(REAL[name], {}), **{name: value})


def test_every_option_of_a_number_is_in_these_tables():
    flags = {name: kind for table in (DATA, MODEL, TRAIN) for name, (kind, _) in table.items()}
    asked = {name for name, kind in flags.items() if kind in (int, float)}
    assert asked == {*WHOLE, *REAL, "stride", "channels"} - {"seed"}


@pytest.mark.parametrize(
    "make",
    [
        lambda n: ModelConfig(hidden=(8, n)),
        lambda n: DataConfig("pictures", image_size=(8, n)),
        lambda n: DataConfig("x.csv", window=8, stride=n),
    ],
)
@pytest.mark.parametrize("value", [0, 1.5, float("nan"), 10**10])
def test_a_size_that_cannot_be_is_refused(make, value):
    with pytest.raises(ValueError, match=r"expected a .*Received: "):
        make(value)
