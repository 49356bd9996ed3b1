"""Configuration of the model."""

import math
from dataclasses import dataclass, replace

from vae_keras.likelihoods import LIKELIHOODS, registry

from .checks import check, check_is_whole, check_whole

ACTIVATIONS = ("silu", "relu", "tanh", "elu", "leaky_relu", "softplus")  # all convert
CENTRES = 256  # typical rows in a mixture at most
MOST_CENTRES = 10_000  # that may be asked for: they are found among so many rows, see `mixture`
LARGEST_LAYER = 65_536  # values: more has no place on a device, nor in most memories
CENTRE_VALUES = 65_536  # of all of them together at most, a quarter of a megabyte on the device
SIGMAS = ("auto", *registry.SIGMAS)


@dataclass(frozen=True)
class ModelConfig:
    """Configuration of the model. "auto" and None are chosen from the data by `resolve`.

    Args:
        network: "mlp", "conv" or "auto": conv for images and windows, mlp for tables.
        hidden: sizes of the hidden layers; the network's own default where None.
        activation: of the hidden layers.
        latent_dim: size of z.
        likelihood: a name in `likelihoods.LIKELIHOODS` or "auto", which goes by the kind of rows
            and by whether their range is known (bytes, or between 0 and 1). Columns that are
            one-hot groups are categorical whatever the others are.
        sigma: how the scale of a likelihood is found that has one: "per_feature", "shared" or
            another way that it knows; "auto": one for all of an image, else one for each feature.
        beta: weight of the kl in the training loss.
        classifier_weight: weight of what is asked of a classifier in the training loss.
        centres: typical rows in the score's mixture, see `mixture`; 0 for a score without it, which
            is the negative ELBO alone.

    >>> ModelConfig(hidden=(64, 32), latent_dim=4).likelihood
    'auto'
    """

    network: str = "auto"
    hidden: tuple[int, ...] | None = None
    activation: str = "silu"
    latent_dim: int | None = None
    likelihood: str = "auto"
    sigma: str = "auto"
    beta: float = 1.0
    classifier_weight: float = 10.0
    centres: int | None = None

    def __post_init__(self) -> None:
        check("known activation", self.activation, self.activation in ACTIVATIONS)
        check("known sigma", self.sigma, self.sigma in SIGMAS)
        names = ("auto", *LIKELIHOODS)
        known = f"likelihood of {', '.join(names)}"
        check(known, repr(self.likelihood), self.likelihood in names)
        if self.likelihood in LIKELIHOODS and LIKELIHOODS[self.likelihood].sigmas:
            ways = ("auto", *LIKELIHOODS[self.likelihood].sigmas)
            check(f"sigma of {', '.join(ways)} ({self.likelihood})", self.sigma, self.sigma in ways)
        check("beta of 0 or more", self.beta, 0 <= self.beta < math.inf)
        weight = self.classifier_weight
        check("classifier_weight of 0 or more", weight, 0 <= weight < math.inf)
        if self.latent_dim is not None:
            check_whole("latent_dim", self.latent_dim, most=LARGEST_LAYER)
        if self.centres is not None:
            check_is_whole("centres", self.centres)
            fits = 0 <= self.centres <= MOST_CENTRES
            check(f"number of centres of 0 to {MOST_CENTRES:,}", self.centres, fits)
        if self.hidden is not None:
            check(
                "list of hidden sizes of 1 or more", self.hidden, min(self.hidden, default=0) >= 1
            )
            for size in self.hidden:
                check_whole("hidden size", size, most=LARGEST_LAYER)

    def resolve(self, input_shape: tuple[int, ...], *, bounded: bool, rows: int) -> "ModelConfig":
        """Returns a copy in which every choice that depends on the rows is made.

        Args:
            input_shape: of a row.
            bounded: whether it is known between which values they lie.
            rows: to train on.
        """
        is_table, is_image = len(input_shape) == 1, len(input_shape) == 3
        features = math.prod(input_shape)
        latent_dim = min(max(features // (2 if is_table else 8), 2), 16)
        centres = 0 if is_image else default_centres(rows, features)
        return replace(
            self,
            network=_or(self.network, "mlp" if is_table or len(input_shape) > 3 else "conv"),
            latent_dim=latent_dim if self.latent_dim is None else self.latent_dim,
            likelihood=_or(self.likelihood, registry.automatic(is_image=is_image, bounded=bounded)),
            sigma=_or(self.sigma, "shared" if is_image else "per_feature"),
            centres=centres if self.centres is None else self.centres,
        )


def default_centres(rows: int, features: int) -> int:
    """Default number of typical rows for so many training rows: one for two rows at most."""
    return max(min(CENTRES, rows // 2, CENTRE_VALUES // features), 1)


def _or(choice: str, automatic: str) -> str:
    return automatic if choice == "auto" else choice
