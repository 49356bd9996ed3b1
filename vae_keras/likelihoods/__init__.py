"""Likelihoods p(x|z): what a decoder's output means, and how surprised it is by a row.

A likelihood is a small layer that states what it is:

    support       where its x may lie after pre-processing, None for anywhere
    feature_nll   -log p(x_i|z) of each feature, in nats
    mean          E[x|z]
    title         its name, as it can be asked for
    applies       the activation that it applies to a decoder's answer itself, if any
    draw          rows of given means, with its noise; for self-tests that hold no row of the data
    standard      one whose scale is 1, where it has a scale

The first three make one: a layer of a user's own needs no more. Weights, if any, are
parameters shared by all rows. To add a likelihood, add a module here that is called
as the likelihood, with a test beside those of the others, and an entry in `registry`. All that
needs to know it has it from there: configurations, the command line, exported graphs, documents.

Names are looked up on first use, so that a command line need not wait for Keras. This folder
imports `_base` alone.
"""

from typing import TYPE_CHECKING, Any

from vae_keras._base.tf_log_filter import load

from .registry import HOMES as HOMES
from .registry import LIKELIHOODS as LIKELIHOODS

if TYPE_CHECKING:
    from .bernoulli import Bernoulli as Bernoulli
    from .categorical import Categorical as Categorical
    from .factory import BY_NAME as BY_NAME
    from .factory import build as build
    from .factory import get as get
    from .factory import standard as standard
    from .gaussian import Gaussian as Gaussian
    from .members import applied_by as applied_by
    from .members import draw as draw
    from .members import title_of as title_of
    from .mixed import Mixed as Mixed
    from .student_t import StudentT as StudentT

__all__ = ["Bernoulli", "Categorical", "Gaussian", "Mixed", "StudentT"]


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(load(f"{__name__}.{HOMES.get(name, 'factory')}"), name)
