"""Configuration of the training loop."""

import math
from dataclasses import dataclass

from .checks import LARGEST_SEED, check, check_whole

DECAYS = ("constant", "cosine")
SCHEDULES = ("constant", "warmup", "cyclical")
PROGRAMS = ("auto", "epoch", "steps")
PRECISIONS = ("float32", "mixed_bfloat16")


@dataclass(frozen=True)
class TrainConfig:
    """Settings of the training loop.

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
        corruption: standard deviation of noise on pre-processed rows that the decoder is to take
            away again; where None, 0.2, but none under a likelihood of limited values.
        contamination_robust: whether anomalies may be among the rows to train on: the tenth of each
            batch that fits worst teaches nothing.
        program: what is compiled: "epoch", all steps of an epoch as one program, which is faster;
            "steps", a few at a time, as Keras does; "auto", the first where it saves time.
        alpha: default alarm level of the bundle: the false-alarm rate to calibrate for.
        seed: of weights, batches and noise.

    >>> TrainConfig(epochs=50, alpha=0.001).patience
    30
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
    corruption: float | None = None
    contamination_robust: bool = False
    program: str = "auto"
    alpha: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "patience", "batch_size"):
            check_whole(name, getattr(self, name))
        check("learning_rate above 0", self.learning_rate, 0 < self.learning_rate < math.inf)
        check("alpha between 0 and 1", self.alpha, 0 < self.alpha < 1)
        check("known decay", self.decay, self.decay in DECAYS)
        check("known schedule", self.schedule, self.schedule in SCHEDULES)
        check("known precision", self.precision, self.precision in PRECISIONS)
        check("known program", self.program, self.program in PROGRAMS)
        check("warmup share above 0 and up to 1", self.warmup, 0 < self.warmup <= 1)
        check("number of free_bits of 0 or more", self.free_bits, 0 <= self.free_bits < math.inf)
        if self.corruption is not None:
            check("corruption of 0 or more", self.corruption, 0 <= self.corruption < math.inf)
        if self.clip_norm is not None:
            check("clip_norm above 0", self.clip_norm, 0 < self.clip_norm < math.inf)
        check_whole("seed", self.seed, least=0, most=LARGEST_SEED)
