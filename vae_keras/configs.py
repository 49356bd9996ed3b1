"""What is asked of a training run: which rows, which model, how it is trained.

Three frozen records that never merge; each is a part of `config.json` in the run directory.
"""

import math
from dataclasses import dataclass, replace

ACTIVATIONS = ("silu", "relu", "tanh", "elu", "leaky_relu", "softplus")  # all convert
SIGMAS = ("auto", "per_feature", "shared", "optimal")
DECAYS = ("constant", "cosine")
PRECISIONS = ("float32", "mixed_bfloat16")
BAD = ("error", "drop")
SCHEDULES = ("constant", "warmup", "cyclical")


@dataclass(frozen=True)
class DataConfig:
    """Which rows, and who sees them.

    Args:
        source: "digits", "mnist" or "fashion_mnist", a .npz, .npy, .csv or .parquet file, a folder
            of .parquet files, or a folder of images.
        data_dir: where the idx files of mnist or fashion_mnist are; downloaded where None.
        label: column of a table that is 1 for anomalies; they are kept out of training.
        columns: columns of a table to take; all that are not named otherwise where None.
        one_hot: prefixes of names, of columns that are one-hot groups: "color" takes color_red,
            color_green and so on, of which exactly one is 1 in each row.
        value_range: lowest and highest value that the sensor can give, for a bernoulli likelihood;
            known of bytes and of images between 0 and 1.
        window: rows of a table, in time order, that make up one example; None for each row alone.
            (An array of windows of that length is taken as it is.)
        stride: rows between the starts of two windows; a quarter of a window where None.
        group: column (or key of an .npz) that tells recordings apart: no window spans two.
        time: column (or key) of times: no window spans a hole in them.
        bad_rows: rows with missing or infinite values, and images that cannot be read: "error", or
            "drop" to leave them out; a window with such a row is left out.
        bad_columns: of a table, columns of text and those that never change: "error", or "drop".
        stream: whether to read a Parquet table again in each epoch instead of holding it in memory.
        image_size: (height, width) to make images of a folder; all must be alike where None.
        channels: of such images, 1 or 3; as they are where None.
        validation, calibration, test: shares of the normal rows held back from training: to stop
            it in time, to set the alarm threshold, to check both.
            With folds, only the test is held back.
        seed: of the shuffle before the split.
        classes: column of a table, or key of an .npz, that says what class a row is of, where that
            is known: text, empty where it is not, or whole numbers, -1 where it is not. "digit" of
            digits.
        labels_per_class: how many labels of each class training may see; all where None.
        folds: of rows that are few, into how many to cut them for a calibration that holds none
            back, see `cross_fitting`; 1 for none, None for what `splits.choose_folds` says.
    """

    source: str
    data_dir: str | None = None
    label: str | None = None
    columns: tuple[str, ...] | None = None
    one_hot: tuple[str, ...] | None = None
    value_range: tuple[float, float] | None = None
    window: int | None = None
    stride: int | None = None
    group: str | None = None
    time: str | None = None
    bad_rows: str = "error"
    bad_columns: str = "error"
    stream: bool = False
    image_size: tuple[int, int] | None = None
    channels: int | None = None
    validation: float = 0.1
    calibration: float = 0.2
    test: float = 0.1
    seed: int = 0
    classes: str | None = None
    labels_per_class: int | None = None
    folds: int | None = None

    def __post_init__(self) -> None:
        shares = (self.validation, self.calibration, self.test)
        if min(shares) <= 0 or sum(shares) >= 1:
            raise ValueError(
                "expected shares for validation, calibration and test above 0 that leave rows to "
                f"train on. Received: {', '.join(f'{share:g}' for share in shares)}."
            )
        _check_columns(self)
        _check_windows(self)
        _check_classes(self)
        _check_folds(self)
        if self.value_range is not None:
            low, high = self.value_range
            finite = math.isfinite(low) and math.isfinite(high)
            _check(
                "value range of two numbers, low < high", self.value_range, finite and low < high
            )
        for name in ("bad_rows", "bad_columns"):
            _check(f"{name} of error or drop", getattr(self, name), getattr(self, name) in BAD)
        if self.image_size is not None:
            _check("height and width of 1 or more", self.image_size, min(self.image_size) >= 1)
        _check("number of channels of 1 or 3", self.channels, self.channels in (None, 1, 3))
        _check("seed of 0 or more", self.seed, self.seed >= 0)

    @property
    def has_own_shares(self) -> bool:
        """Whether the shares for validation and calibration are others than the defaults."""
        return (self.validation, self.calibration) != (
            DataConfig.validation,
            DataConfig.calibration,
        )


@dataclass(frozen=True)
class ModelConfig:
    """What the model is. "auto" and None are chosen from the data by `resolve`.

    Args:
        network: "mlp", "conv" or "auto": conv for images and windows, mlp for tables.
        hidden: sizes of the hidden layers; the network's own default where None.
        activation: of the hidden layers.
        latent_dim: size of z.
        likelihood: "bernoulli", "gaussian" or "auto": bernoulli for images of a known range (bytes,
            or between 0 and 1), gaussian for all else. Columns that are one-hot groups are
            categorical whatever the others are.
        sigma: of a gaussian: "per_feature", "shared" or "optimal", see `likelihoods.Gaussian`;
            "auto": one for all of an image, else one for each feature.
        beta: weight of the kl in the training loss.
        classifier_weight: weight of what is asked of a classifier in the training loss.
    """

    network: str = "auto"
    hidden: tuple[int, ...] | None = None
    activation: str = "silu"
    latent_dim: int | None = None
    likelihood: str = "auto"
    sigma: str = "auto"
    beta: float = 1.0
    classifier_weight: float = 10.0

    def __post_init__(self) -> None:
        _check("known activation", self.activation, self.activation in ACTIVATIONS)
        _check("known sigma", self.sigma, self.sigma in SIGMAS)
        _check("beta of 0 or more", self.beta, 0 <= self.beta < math.inf)
        weight = self.classifier_weight
        _check("classifier_weight of 0 or more", weight, 0 <= weight < math.inf)
        if self.latent_dim is not None:
            _check("latent_dim of 1 or more", self.latent_dim, self.latent_dim >= 1)
        if self.hidden is not None:
            _check(
                "list of hidden sizes of 1 or more", self.hidden, min(self.hidden, default=0) >= 1
            )

    def resolve(self, input_shape: tuple[int, ...], *, bounded: bool) -> "ModelConfig":
        """The same with every choice made that depends on the rows.

        Args:
            input_shape: of a row.
            bounded: whether it is known between which values they lie.
        """
        is_table, is_image = len(input_shape) == 1, len(input_shape) == 3
        features = math.prod(input_shape)
        latent_dim = min(max(features // (2 if is_table else 8), 2), 16)
        return replace(
            self,
            network=_or(self.network, "mlp" if is_table or len(input_shape) > 3 else "conv"),
            latent_dim=latent_dim if self.latent_dim is None else self.latent_dim,
            likelihood=_or(self.likelihood, "bernoulli" if is_image and bounded else "gaussian"),
            sigma=_or(self.sigma, "shared" if is_image else "per_feature"),
        )


@dataclass(frozen=True)
class TrainConfig:
    """How it is trained.

    Args:
        epochs: at most this many passes over the training rows.
        patience: stop after this many epochs without a better validation ELBO; the best weights
            are kept.
        batch_size: rows a step.
        learning_rate: of Adam, at the start.
        decay: "constant" keeps it; "cosine" lets it fall to a hundredth by the last epoch.
        schedule: of beta: "constant"; "warmup", from 0 in a straight line; "cyclical", four such.
        warmup: share of all epochs that the warm-up, or the four cycles, take.
        free_bits: nats of kl that each latent may spend unpenalised.
        precision: "float32", or "mixed_bfloat16": networks compute in bfloat16; weights and loss
            stay float32, and so does the model that is saved.
        clip_norm: largest norm of a gradient, which is shortened to it; None for no limit.
        alpha: default alarm level of the bundle: the false-alarm rate to calibrate for.
        seed: of weights, batches and noise.
    """

    epochs: int = 200
    patience: int = 30
    batch_size: int = 64
    learning_rate: float = 1e-3
    decay: str = "constant"
    schedule: str = "constant"
    warmup: float = 0.3
    free_bits: float = 0.0
    clip_norm: float | None = None
    precision: str = "float32"
    alpha: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "patience", "batch_size"):
            _check(f"{name} of 1 or more", getattr(self, name), getattr(self, name) >= 1)
        _check("learning_rate above 0", self.learning_rate, self.learning_rate > 0)
        _check("alpha between 0 and 1", self.alpha, 0 < self.alpha < 1)
        _check("known decay", self.decay, self.decay in DECAYS)
        _check("known schedule", self.schedule, self.schedule in SCHEDULES)
        _check("known precision", self.precision, self.precision in PRECISIONS)
        _check("warmup share above 0 and up to 1", self.warmup, 0 < self.warmup <= 1)
        _check("number of free_bits of 0 or more", self.free_bits, 0 <= self.free_bits < math.inf)
        if self.clip_norm is not None:
            _check("clip_norm above 0", self.clip_norm, 0 < self.clip_norm < math.inf)
        _check("seed of 0 or more", self.seed, self.seed >= 0)


def _check_columns(config: DataConfig) -> None:
    """The columns of a table have one use each."""
    if config.one_hot is not None:
        clash = [(a, b) for a in config.one_hot for b in config.one_hot if b.startswith(f"{a}_")]
        differ = len(set(config.one_hot)) == len(config.one_hot) and not clash
        _check("list of one-hot prefixes that share no column", config.one_hot, differ)
    named = [config.label, config.group, config.time, config.classes, *(config.columns or ())]
    twice = sorted({n for n in named if n is not None and named.count(n) > 1})
    if twice:
        raise ValueError(
            "expected columns, label, group, time and classes that differ. "
            f"Received: {', '.join(twice)} twice."
        )


def _check_classes(config: DataConfig) -> None:
    if config.classes is not None and config.stream:
        raise ValueError("expected classes without streaming. Received: both.")
    if config.labels_per_class is not None:
        _check("column of classes for labels_per_class", None, config.classes is not None)
        least = config.labels_per_class >= 1
        _check("labels_per_class of 1 or more", config.labels_per_class, least)


def _check_folds(config: DataConfig) -> None:
    """One fold is held out and one stops the training on the others: two are too few."""
    if config.folds in (None, 1):
        return
    _check("number of folds of 1, for none, or of 3 or more", config.folds, config.folds >= 3)
    if config.stream:
        raise ValueError(
            f"expected no folds of rows that are streamed, of which there are many. Received: "
            f"{config.folds}. Take --folds 1, or no --stream."
        )
    if config.has_own_shares:
        raise ValueError(
            "expected no shares for validation and calibration with folds, which hold back the "
            f"test alone. Received: {config.folds} folds, {config.validation:g} and "
            f"{config.calibration:g}. Leave out --folds, or --validation and --calibration."
        )


def _check_windows(config: DataConfig) -> None:
    if config.window is not None:
        _check("window of 1 row or more", config.window, config.window >= 1)
        _check(
            "stride of 1 row or more", config.stride, config.stride is None or config.stride >= 1
        )
        if config.one_hot or config.stream:
            raise ValueError(
                "expected windows without one-hot groups or streaming. Received: both."
            )
    elif any(option is not None for option in (config.stride, config.group, config.time)):
        raise ValueError("expected a window, for stride, group and time. Received: none.")


def _or(choice: str, automatic: str) -> str:
    return automatic if choice == "auto" else choice


def _check(expected: str, received: object, holds: bool) -> None:
    if not holds:
        raise ValueError(f"expected a {expected}. Received: {received}.")
