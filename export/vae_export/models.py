"""VAE that was trained elsewhere: two Keras models, and rows to evaluate them on."""

from dataclasses import dataclass, field

import keras

from vae_keras import Scaling
from vae_keras._base.arrays import Array


@dataclass(frozen=True)
class Models:
    """Trained encoder and decoder, whoever trained them, for `export`.

    >>> encoder, decoder = mlp_pair((6,), latent_dim=2)  # or any other two, and train them
    >>> calibration, test = normal[:400], normal[400:800]
    >>> mine = Models(encoder, decoder, likelihood="gaussian", calibration=calibration, test=test)
    >>> mine.alpha
    0.01

    Rows are float32 or uint8 (rows, *input_shape), in the data's own units; other types are taken
    as float32. A tf.data.Dataset of batches x will do, for test also of (x, y). Models that compute
    in other floats, such as mixed_float16, are exported in float32, with the same weights.
    Training must not have seen the rows of calibration and test.

    Args:
        encoder: from pre-processed x to z_mean and z_log_var, each (batch, latent_dim), in this
            order or in a dict by these names. A third output, the sample z, is left out.
        decoder: from z (batch, latent_dim) to the likelihood's parameters, of x's shape. A sigmoid
            that it ends on is taken away for a likelihood of logits, such as "bernoulli".
        likelihood: a name, as of `VAE`, one with a scale having a scale of 1 in the encoder's
            units: "gaussian" is half the squared error; or a built layer.
        calibration: normal rows, which the alarm's threshold is found on.
        test: rows on which every file must raise the alarms that Keras raises.
        test_y: (rows of test,), 1 or True for anomalies; None where all are normal.
        training: some of the rows that it was trained on, which int8 learns ranges from.
        preprocessing: from the data's units to the encoder's; none by default.
        alpha: the false-alarm rate to calibrate for.
        name: of the model.
        feature_names: of the last axis: columns, channels; a data frame's are matched by them.
        stride: where rows are windows over a table, the rows between the starts of two windows that
            are scored.
        license: of the data, where known.
        versions: of the tools that trained it, by name.
    """

    encoder: keras.Model
    decoder: keras.Model
    likelihood: str | keras.layers.Layer
    calibration: Array
    test: Array
    test_y: Array | None = None
    training: Array | None = None
    preprocessing: Scaling | None = None
    alpha: float = 0.01
    name: str = "vae"
    feature_names: tuple[str, ...] | None = None
    stride: int | None = None
    license: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
