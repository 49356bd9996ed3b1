"""What is asked of a training run: which rows, which model, how it is trained.

Three frozen records that never merge; each is a part of `config.json` in the run directory.
"""

import math
from dataclasses import dataclass, replace

ACTIVATIONS = ("silu", "relu", "tanh", "elu", "leaky_relu", "softplus")  # all convert
SIGMAS = ("auto", "per_feature", "shared", "optimal")
DECAYS = ("constant", "cosine")
PRECISIONS = ("float32", "mixed_bfloat16")
SCHEDULES = ("constant", "warmup", "cyclical")


@dataclass(frozen=True)
class DataConfig:
    """Which rows, and who sees them.

    Args:
        source: "digits", "mnist" or "fashion_mnist", or a .npz, .npy or .csv file.
        data_dir: where the idx files of mnist or fashion_mnist are; downloaded where None.
        label: column of a .csv that is 1 for anomalies; they are kept out of training.
        columns: columns of a .csv to take; all but `label` where None.
        one_hot: prefixes of names, of columns that are one-hot groups: "color" takes color_red,
            color_green and so on, of which exactly one is 1 in each row.
        value_range: lowest and highest value that the sensor can give, for a bernoulli likelihood;
            known of bytes and of images between 0 and 1.
        validation, calibration, test: shares of the normal rows held back from training: to stop
            it in time, to set the alarm threshold, to check both.
        seed: of the shuffle before the split.
    """

    source: str
    data_dir: str | None = None
    label: str | None = None
    columns: tuple[str, ...] | None = None
    one_hot: tuple[str, ...] | None = None
    value_range: tuple[float, float] | None = None
    validation: float = 0.1
    calibration: float = 0.2
    test: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        shares = (self.validation, self.calibration, self.test)
        if min(shares) <= 0 or sum(shares) >= 1:
            raise ValueError(
                "expected shares for validation, calibration and test above 0 that leave rows to "
                f"train on. Received: {', '.join(f'{share:g}' for share in shares)}."
            )
        if self.columns is not None and len(set(self.columns)) != len(self.columns):
            raise ValueError(f"expected columns that differ. Received: {', '.join(self.columns)}.")
        if self.one_hot is not None:
            clash = [(a, b) for a in self.one_hot for b in self.one_hot if b.startswith(f"{a}_")]
            differ = len(set(self.one_hot)) == len(self.one_hot) and not clash
            _check("list of one-hot prefixes that share no column", self.one_hot, differ)
        if self.columns is not None and self.label in self.columns:
            raise ValueError(
                f"expected a label that is no feature. Received: {self.label!r} as both."
            )
        if self.value_range is not None:
            low, high = self.value_range
            finite = math.isfinite(low) and math.isfinite(high)
            _check(
                "value range of two numbers, low < high", self.value_range, finite and low < high
            )
        _check("seed of 0 or more", self.seed, self.seed >= 0)


@dataclass(frozen=True)
class ModelConfig:
    """What the model is. "auto" and None are chosen from the data by `resolve`.

    Args:
        network: "mlp", "conv" or "auto": conv for images, mlp for all else.
        hidden: sizes of the hidden layers; the network's own default where None.
        activation: of the hidden layers.
        latent_dim: size of z.
        likelihood: "bernoulli", "gaussian" or "auto": bernoulli for images of a known range (bytes,
            or between 0 and 1), gaussian for all else. Columns that are one-hot groups are
            categorical whatever the others are.
        sigma: of a gaussian: "per_feature", "shared" or "optimal", see `likelihoods.Gaussian`;
            "auto": one for each column of a table, one for all of an image.
        beta: weight of the kl in the training loss.
    """

    network: str = "auto"
    hidden: tuple[int, ...] | None = None
    activation: str = "silu"
    latent_dim: int | None = None
    likelihood: str = "auto"
    sigma: str = "auto"
    beta: float = 1.0

    def __post_init__(self) -> None:
        _check("known activation", self.activation, self.activation in ACTIVATIONS)
        _check("known sigma", self.sigma, self.sigma in SIGMAS)
        _check("beta of 0 or more", self.beta, 0 <= self.beta < math.inf)
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
        is_image = len(input_shape) == 3
        features = math.prod(input_shape)
        latent_dim = min(max(features // (8 if is_image else 2), 2), 16)
        return replace(
            self,
            network=_or(self.network, "conv" if is_image else "mlp"),
            latent_dim=latent_dim if self.latent_dim is None else self.latent_dim,
            likelihood=_or(self.likelihood, "bernoulli" if is_image and bounded else "gaussian"),
            sigma=_or(self.sigma, "per_feature" if len(input_shape) == 1 else "shared"),
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


def _or(choice: str, automatic: str) -> str:
    return automatic if choice == "auto" else choice


def _check(expected: str, received: object, holds: bool) -> None:
    if not holds:
        raise ValueError(f"expected a {expected}. Received: {received}.")
