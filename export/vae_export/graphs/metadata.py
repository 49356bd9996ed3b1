"""Meaning of a model's scores, and the description in each exported file."""

from vae_runtime.bundle import manifest

from .functions import Graph
from .source import Source

ELBO = "nll + kl at the posterior mean: the negative ELBO of the pre-processed row"
WITH_MIXTURE = (
    f"{ELBO}; + mixture_nll: its negative log density in a mixture of Gaussians around typical rows"
)


def score_of(source: Source) -> manifest.Score:
    """Meaning of a model's scores: definition, unit, direction."""
    definition = ELBO if source.vae.mixture is None else WITH_MIXTURE
    return manifest.Score(definition, unit="nats", direction="higher is more anomalous")


def metadata(source: Source, graph: Graph) -> dict[str, str]:
    """Description that is written into an exported file."""
    score = score_of(source)
    return {
        "format": f"{manifest.FORMAT} {manifest.FORMAT_VERSION}",
        "role": graph.role,
        "model": source.card.name,
        "likelihood": source.likelihood,
        "score": f"{score.definition} ({score.unit}); {score.direction}",
        "training_fingerprint": source.card.fingerprint,
    }
