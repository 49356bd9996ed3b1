"""Verification of all files of a model: converts each, and takes it through the gates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vae_export.convert.artefacts import Artefact
from vae_export.convert.convert import Log, convert, networks_scorer
from vae_export.convert.variants import Variant
from vae_export.errors import ExportError
from vae_export.graphs.evidence import Evidence
from vae_export.graphs.functions import Graph

from . import JUDGING, Verified, examine


@dataclass(frozen=True)
class Passed:
    """Files and scorers that passed the gates.

    Args:
        files: each with what the gates found.
        scorers: all that gives a score: some of these, and what is computed around int8 networks.
        refused: why variants are left out, by their title.
    """

    files: tuple[Verified, ...]
    scorers: tuple[Artefact, ...]
    refused: Mapping[str, str]


def verify(
    known: Evidence,
    graphs: tuple[Graph, ...],
    wanted: Sequence[Variant],
    *,
    allow_degraded: bool,
    strict: bool,
    log: Log,
) -> Passed:
    """Converts every file and examines it; a variant is exported whole or left out.

    Raises:
        ExportError: a file in float32 failed, or any where `strict`.
    """
    files: list[Verified] = []
    scorers: list[Artefact] = []
    refused: dict[str, str] = {}
    for variant, made in convert(known, graphs, wanted, log):
        try:
            own, scorer = _verify_variant(made, graphs, allow_degraded, log)
        except ExportError as error:
            if strict or variant.precision == "fp32":
                raise
            refused[variant.title] = str(error)
            log(f"left out {variant.title}: {error}")
        else:
            files += own
            scorers.append(scorer)
    return Passed(tuple(files), tuple(scorers), refused)


def _verify_variant(
    made: Iterable[Artefact], graphs: tuple[Graph, ...], allow_degraded: bool, log: Log
) -> tuple[list[Verified], Artefact]:
    """Examines the files of one variant; returns them and the scorer that they make."""
    verified = []
    for artefact in made:
        verified.append(examine(artefact, allow_degraded=allow_degraded))
        _log(verified[-1], log)
    files = [v.artefact for v in verified]
    if not any(file.variant.networks for file in files):
        return verified, next(file for file in files if file.graph.role == "scorer")
    pair = networks_scorer(files, graphs)
    judged = examine(pair, JUDGING, allow_degraded=allow_degraded)
    _log(judged, log)
    return [_with_losses(v, judged) for v in verified], pair


def _with_losses(verified: Verified, judged: Verified) -> Verified:
    """Findings about a file; for an int8 network, those about the score around it too."""
    if not verified.artefact.variant.networks or verified.artefact.graph.role == "classifier":
        return verified
    return Verified(verified.artefact, (*verified.findings, *judged.findings))


def _log(verified: Verified, log: Log) -> None:
    """Logs a line about a file, and one for each loss."""
    log(_describe(verified))
    for sentence in verified.degraded:
        log(f"  degraded: {sentence}")


def _describe(verified: Verified) -> str:
    artefact, parts = verified.artefact, []
    if artefact.conversion.content:
        parts.append(f"{len(artefact.conversion.content):,} bytes")
        parts.append(f"{max(verified.parity.values()):.1e} from Keras")
    if flips := verified.figures("verdicts"):
        parts.append(f"{flips['flips']:.0f} of {flips['rows']:.0f} verdicts flipped")
    if artefact.conversion.recipe:
        parts.append(artefact.conversion.recipe)
    return f"{artefact.name}: {', '.join(parts)}"
