"""From a trained model to a bundle: convert, examine, calibrate, report, write.

Any failure is an `ExportError`, and then there is no bundle.
"""

from collections.abc import Sequence
from pathlib import Path

import keras

from vae_keras.run import Run
from vae_runtime.bundle import manifest, written
from vae_runtime.promises import promises_of, warnings_of

from . import bundle, evidence, report, source
from .artefacts import Artefact
from .converting import Log, check_training, convert, networks_scorer
from .errors import ExportError
from .evidence import Evidence
from .gates import JUDGING, Verified, examine, verdicts
from .graphs import Arrays, Graph, answers, build_graphs
from .models import Models, of_models
from .precisions import FORMATS
from .source import Source
from .variants import Variant, variants

PROBE_ROWS = 16


def export(
    run: str | Path | Run | Models | Source,
    out: str | Path,
    *,
    formats: Sequence[str] = FORMATS,
    precisions: Sequence[str] = ("fp32",),
    allow_degraded: bool = False,
    log: Log = print,
) -> Path:
    """Exports a trained model as a bundle.

    Args:
        run: a run directory, the run itself, or `Models` that something else trained.
        out: path of the bundle; an earlier bundle there is replaced at the end.
        formats: of onnx and tflite; onnx must be among them.
        precisions: of fp32, fp16, dynamic and int8; fp32 must be among them.
        allow_degraded: whether a file of lower precision may lose more accuracy than the gates
            allow; the manifest then says what it lost.
        log: called with each line of progress.

    Returns:
        The bundle's path.

    Raises:
        ExportError: a graph cannot be converted, or does not answer as Keras does.
        ValueError: `run` is no run directory or no VAE, something else is at `out`, formats or
            precisions are unknown, or int8 has no rows to learn ranges from.
    """
    _check_backend()
    wanted = variants(formats, precisions)
    written.check_out(out)
    known = evidence.gather(_source(run))
    check_training(known.source.training["x"], wanted)
    graphs = build_graphs(known.source.vae, known.source.card.input_dtype)
    verified, scorers = verify(known, graphs, wanted, allow_degraded=allow_degraded, log=log)
    log("measuring what the files cost, drawing the report")
    calibrations = calibrate(scorers)
    for line in warnings_of(promises_of(calibrations)):
        log(line)
    pages = report.make(known, verified, alarming(scorers))
    probe = bundle.npz(make_probe(graphs, known.feeds))
    mixture = bundle.mixture_files(known.source)
    files = [
        *(bundle.describe(v) for v in verified),
        *(bundle.describe_mixture(name, content) for name, content in mixture.items()),
        bundle.describe_probe(probe),
        *(bundle.describe_report(name, page) for name, page in pages.items()),
    ]
    contents = {v.artefact.name: v.artefact.conversion.content for v in verified}
    return bundle.write(
        out,
        {**contents, **mixture, "probe.npz": probe, **pages},
        bundle.make_manifest(known.source, files, calibrations),
        check=lambda opened: verdicts.of_bundle(opened, known),
    )


def verify(
    known: Evidence,
    graphs: tuple[Graph, ...],
    wanted: Sequence[Variant],
    *,
    allow_degraded: bool,
    log: Log,
) -> tuple[list[Verified], list[Artefact]]:
    """Makes every file and takes it through the gates.

    Returns:
        (files, all that gives a score: some of these, and what is computed around int8 networks).
    """
    verified = []
    for artefact in convert(known, graphs, wanted, log):
        verified.append(examine(artefact, allow_degraded=allow_degraded))
        log(_describe(verified[-1]))
    scorers = [v.artefact for v in verified if v.artefact.graph.role == "scorer"]
    networks = [v.artefact for v in verified if v.artefact.variant.networks]
    if networks:
        pair = networks_scorer(networks, graphs)
        judged = examine(pair, JUDGING, allow_degraded=allow_degraded)
        log(_describe(judged))
        verified = [_with_losses(v, judged) for v in verified]
        scorers.append(pair)
    return verified, scorers


def calibrate(scorers: Sequence[Artefact]) -> dict[str, manifest.Calibration]:
    """The alarm calibrations of each precision, see `alarming`: one of each score that it has."""
    found = alarming(scorers)
    scores = next(iter(found.values())).evidence.references
    return {
        f"{name}{manifest.ENDS[score]}": scorer.calibrate(score)
        for score in scores
        for name, scorer in found.items()
    }


def alarming(scorers: Sequence[Artefact]) -> dict[str, Artefact]:
    """What raises the alarms of each precision: ONNX's scorer where there is one.

    The int8 networks, whose score is computed around them, are under "int8.tflite".
    """
    found: dict[str, Artefact] = {}
    for artefact in scorers:
        variant = artefact.variant
        key = f"{variant.precision}.{variant.format}" if variant.networks else variant.precision
        found.setdefault(key, artefact)
    return found


def make_probe(graphs: tuple[Graph, ...], feeds: Arrays) -> Arrays:
    """`probe.npz`: rows, and what Keras answers to them (see `vae_runtime.selftest`)."""
    batch = {name: feeds[name][:PROBE_ROWS] for name in ("x", "z")}
    probe = {**batch, "noise": feeds["noise"]}
    for graph in graphs:
        plain = answers(graph, batch)
        probe.update({f"{graph.role}.{output}": value for output, value in plain.items()})
        if graph.defaults:
            noisy = answers(graph, probe)
            probe.update({f"noisy_{graph.role}.{output}": v for output, v in noisy.items()})
    return probe


def _check_backend() -> None:
    if keras.backend.backend() != "tensorflow":
        raise ExportError(
            "expected KERAS_BACKEND=tensorflow to export, as TFLite and ONNX come by way of "
            f"TensorFlow. Received: {keras.backend.backend()}. (A run may be of any backend.)"
        )


def _source(run: str | Path | Run | Models | Source) -> Source:
    if isinstance(run, Source):
        return run
    return of_models(run) if isinstance(run, Models) else source.of_run(run)


def _with_losses(verified: Verified, judged: Verified) -> Verified:
    """A file's findings; of an int8 encoder or decoder, those of the score around both too."""
    if not verified.artefact.variant.networks or verified.artefact.graph.role == "classifier":
        return verified
    return Verified(verified.artefact, (*verified.findings, *judged.findings))


def _describe(verified: Verified) -> str:
    artefact, parts = verified.artefact, []
    if artefact.conversion.content:
        parts.append(f"{len(artefact.conversion.content):,} bytes")
        parts.append(f"{max(verified.parity.values()):.1e} from Keras")
    if flips := verified.figures("verdicts"):
        parts.append(f"{flips['flips']:.0f} of {flips['rows']:.0f} verdicts flipped")
    if artefact.conversion.recipe:
        parts.append(artefact.conversion.recipe)
    lost = "".join(f"\n  degraded: {sentence}" for sentence in verified.degraded)
    return f"{artefact.name}: {', '.join(parts)}{lost}"
