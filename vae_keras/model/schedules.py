"""Schedules of beta, the weight of the KL, over the training steps.

Early in training the decoder is useless, and a full KL term teaches the encoder to say nothing,
from which it may never recover (posterior collapse). A schedule lets the decoder begin.
"""

from typing import Any

import keras
from keras import ops

from vae_keras._base.arrays import Tensor


class Schedule:
    """Base of functions from step to beta; `beta` is the final value."""

    beta: float

    def __call__(self, step: Tensor) -> Tensor:
        """Weight at a step, a float32 scalar."""
        raise TypeError(f"{type(self).__name__} must say what its weight at a step is")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Schedule":
        """The schedule that `get_config` describes."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="vae_keras")
class Warmup(Schedule):
    """Linear rise from 0 to `beta` over `steps`, then constant.

    Source: Bowman et al. 2016, "Generating sentences from a continuous space".

    Args:
        beta: the weight at the end.
        steps: training steps until then; 0 for a constant.

    >>> beta = Warmup(1.0, steps=100)
    >>> float(beta(0)), float(beta(50)), float(beta(200))
    (0.0, 0.5, 1.0)
    """

    def __init__(self, beta: float = 1.0, steps: int = 0) -> None:
        self.beta, self.steps = float(beta), int(steps)

    def __call__(self, step: Tensor) -> Tensor:
        """Weight at a step."""
        share = ops.cast(step, "float32") / max(self.steps, 1) if self.steps else 1.0
        return self.beta * ops.minimum(share, 1.0)


@keras.saving.register_keras_serializable(package="vae_keras")
class Cyclical(Schedule):
    """Repeated warm-ups: a rise to `beta` over half of each cycle, then constant until its end.

    Source: Fu et al. 2019, "Cyclical annealing schedule: a simple approach to mitigating KL
    vanishing", with their proportion of 0.5.

    Args:
        beta: the weight at the end of each rise.
        steps: training steps of a cycle.
        cycles: how many; constant at `beta` after the last.

    >>> beta = Cyclical(1.0, steps=100)
    >>> float(beta(25)), float(beta(75)), float(beta(100))
    (0.5, 1.0, 0.0)
    """

    def __init__(self, beta: float = 1.0, *, steps: int, cycles: int = 4) -> None:
        self.beta, self.steps, self.cycles = float(beta), int(steps), int(cycles)

    def __call__(self, step: Tensor) -> Tensor:
        """Weight at a step."""
        position = ops.cast(step, "float32") / self.steps
        rise = ops.minimum(2.0 * (position - ops.floor(position)), 1.0)
        return self.beta * ops.where(position < self.cycles, rise, 1.0)


def get(beta: "float | Schedule") -> Schedule:
    """Returns a schedule as it is, and a number as the constant schedule."""
    return beta if isinstance(beta, Schedule) else Warmup(beta)
