"""Source of an export: a trained model, its rows, their description, and what its scores mean.

A run directory is one source; an encoder and a decoder that were trained elsewhere are another.
"""

from dataclasses import dataclass
from pathlib import Path

from vae_keras import VAE
from vae_keras.likelihoods import title_of
from vae_keras.run import DataCard, Run, open_run
from vae_runtime.bundle import manifest

from .functions import Arrays, Graph

ELBO = "nll + kl at the posterior mean: the negative ELBO of the pre-processed row"
WITH_MIXTURE = (
    f"{ELBO}; + mixture_nll: its negative log density in a mixture of Gaussians around typical rows"
)


@dataclass(frozen=True)
class Source:
    """Trained model and its rows, whoever trained it.

    Args:
        vae: the model.
        card: what the rows are.
        likelihood: its name, for people.
        alpha: the false-alarm rate to calibrate for.
        training: `x`, a few of the rows that it was trained on; quantisation learns ranges there.
        calibration: `x` (rows, *input_shape), normal rows that training never saw, and their
            `score` where it was kept; their `machine` where each has a calibration of its own. With
            `cross_score` they are rows that it was trained on, and those the scores that p-values
            rank among, by models that never saw them; `cross_neg_elbo` are the same without what a
            mixture adds, where the model has one.
        test: more such rows `x`, with `y` True for anomalies.
        versions: of the tools that trained it.
        history: losses by name, a value an epoch; empty where unknown.
        notes: lines that whoever exports it should read.
    """

    vae: VAE
    card: DataCard
    likelihood: str
    alpha: float
    training: Arrays
    calibration: Arrays
    test: Arrays
    versions: dict[str, str]
    history: dict[str, list[float]]
    notes: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """Number of trained parameters; a mixture's are fitted to rows and not counted."""
        mixture = self.vae.mixture
        return int(self.vae.count_params() - (0 if mixture is None else mixture.count_params()))


def of_run(run: str | Path | Run) -> Source:
    """Model and rows of a run directory.

    Raises:
        ValueError: it is not a run directory, or a file in it is missing or damaged.
    """
    run = run if isinstance(run, Run) else open_run(run)
    return Source(
        vae=run.vae,
        card=run.data,
        likelihood=title_of(run.vae.likelihood),
        alpha=run.config.train.alpha,
        training=run.training,
        calibration=run.calibration,
        test=run.test,
        versions=run.config.versions,
        history=run.history,
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
