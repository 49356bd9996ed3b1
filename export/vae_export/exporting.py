"""From a trained model to a bundle: convert, examine, calibrate, report, write.

A failure in float32 is an `ExportError`, and then there is no bundle. Files of lower precision that
fail are left out, and it is said why.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras

from vae_export.convert.artefacts import Artefact
from vae_export.convert.convert import Log, check_training, convert, networks_scorer
from vae_export.convert.precisions import FORMATS
from vae_export.convert.variants import Variant, variants
from vae_export.graphs.evidence import Evidence
from vae_export.graphs.float_graphs import build_around, build_replacements
from vae_export.graphs.foreign_models import of_models
from vae_export.graphs.functions import Arrays, Graph, build_graphs
from vae_export.graphs.probes import make_probe, make_synthetic_probe, trim_probe
from vae_export.graphs.source import Source
from vae_keras._base.keras_defaults import settled
from vae_keras.run import Run
from vae_runtime._base.printable import say
from vae_runtime.bundle import manifest, writer
from vae_runtime.verdicts.observed_rates import promises_of, warnings_of

from . import report
from .bundle import write
from .errors import ExportError
from .gates import JUDGING, Verified, examine, verdicts
from .graphs import evidence, source
from .models import Models


@dataclass(frozen=True)
class Exported:
    """A bundle that was written.

    Args:
        path: of it.
        refused: why files of lower precision that were asked for are not in it, by their
            precision and format: "int8 (onnx)".
    """

    path: Path
    refused: Mapping[str, str]


def export(
    run: str | Path | Run | Models | Source,
    out: str | Path,
    *,
    formats: Sequence[str] = FORMATS,
    precisions: Sequence[str] = ("fp32",),
    allow_degraded: bool = False,
    strict: bool = False,
    synthetic_probe: bool = False,
    log: Log = say,
) -> Path:
    """Exports a trained model as a bundle.

    Args:
        run: a run directory, the run itself, or `Models` that something else trained.
        out: path of the bundle; an earlier bundle there is replaced at the end.
        formats: of onnx and tflite; onnx must be among them.
        precisions: of fp32, fp16, dynamic and int8; fp32 must be among them. Another whose files
            do not pass the gates is left out; the log and `report.json` (`left_out`) say why.
        allow_degraded: whether a file of lower precision may lose more accuracy than the gates
            allow; the manifest then says what it lost.
        strict: whether to write nothing where a lower precision is refused.
        synthetic_probe: whether the rows of the self-test are drawn from the model, and the report
            shows none, so that no row of the data is in either (see docs/security.md).
        log: called with each line of progress; by default these are printed, escaped where names
            in them would control a terminal.

    Returns:
        The bundle's path.

    Raises:
        ExportError: a float32 graph cannot be converted, or does not answer as Keras does; or rows
            drawn from the model would not test as much as real ones.
        ValueError: `run` is no run directory or no VAE, something else is at `out`, formats or
            precisions are unknown, or int8 has no rows to learn ranges from.

    >>> export("runs/sensors", "artifacts/mine", formats=("onnx",), log=lambda line: None).name
    'mine'
    """
    wanted = variants(formats, precisions)
    options = Options(allow_degraded, strict, synthetic_probe)
    return export_variants(run, out, wanted, options, log=log).path


@dataclass(frozen=True)
class Options:
    """What becomes of files that lose too much, and of the data's rows; see `export`."""

    allow_degraded: bool = False
    strict: bool = False
    synthetic_probe: bool = False


@settled()
def export_variants(
    run: str | Path | Run | Models | Source,
    out: str | Path,
    wanted: Sequence[Variant],
    options: Options,
    *,
    log: Log = say,
) -> Exported:
    """Exports as `export` does, and says what was refused."""
    _check_backend()
    writer.check_out(out)
    given = _source(run)
    for line in given.notes:
        log(line)
    known = evidence.gather(given)
    check_training(known.source.training["x"], wanted)
    graphs = build_graphs(known.source.vae, known.source.card.input_dtype)
    probed = _probe(known, graphs, wanted, options, log)
    if options.synthetic_probe:
        known = replace(known, drawn={name: probed[name] for name in ("x", "z", "noise")})
    passed = verify(known, graphs, wanted, options, log=log)
    verified = passed.files
    probe = write.npz(trim_probe(probed, {v.artefact.graph.role for v in verified}))
    log("measuring what the files cost, drawing the report")
    calibrations = calibrate(passed.scorers)
    for line in warnings_of(promises_of(calibrations)):
        log(line)
    pages = report.make(
        known,
        verified,
        alarming(passed.scorers),
        passed.refused,
        synthetic_probe=options.synthetic_probe,
    )
    files = [
        *(write.describe(v) for v in verified),
        write.describe_probe(probe),
        *(write.describe_report(name, page) for name, page in pages.items()),
    ]
    contents = {v.artefact.name: v.artefact.conversion.content for v in verified}
    path = write.write(
        out,
        {**contents, "probe.npz": probe, **pages},
        write.make_manifest(known.source, files, calibrations),
        check=lambda opened: verdicts.of_bundle(opened, known),
    )
    return Exported(path, passed.refused)


@dataclass(frozen=True)
class Passed:
    """What came through the gates.

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
    options: Options,
    *,
    log: Log,
) -> Passed:
    """Makes every file and takes it through the gates; a variant is left out whole or not at all.

    Raises:
        ExportError: a file in float32 failed, or any where the options are strict.
    """
    files: list[Verified] = []
    scorers: list[Artefact] = []
    refused: dict[str, str] = {}
    for variant, made in convert(known, graphs, wanted, log):
        try:
            own, scorer = _verify_variant(made, graphs, options.allow_degraded, log)
        except ExportError as error:
            if options.strict or variant.precision == "fp32":
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
    """The files of one variant that passed, and what gives a score by them."""
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


def _check_backend() -> None:
    if keras.backend.backend() != "tensorflow":
        raise ExportError(
            "expected KERAS_BACKEND=tensorflow to export, as TFLite and ONNX come by way of "
            f"TensorFlow. Received: {keras.backend.backend()}. (A run may be of any backend.)"
        )


def _probe(
    known: Evidence,
    graphs: tuple[Graph, ...],
    wanted: Sequence[Variant],
    options: Options,
    log: Log,
) -> Arrays:
    """Real rows, or, where no row of the data is to leave, some that test as much."""
    vae, card = known.source.vae, known.source.card
    graphs += build_replacements(vae, card)
    graphs += build_around(vae, card) if any(variant.networks for variant in wanted) else ()
    if not options.synthetic_probe:
        return make_probe(graphs, known.feeds)
    if known.source.vae.mixture is not None:
        log(
            f"the mixture's {known.source.vae.mixture.count} centres stay in the bundle, and may "
            "be equal to rows of the data: `vae-keras train --centres 0` trains a model without"
        )
    return make_synthetic_probe(graphs, known)


def _source(run: str | Path | Run | Models | Source) -> Source:
    if isinstance(run, Source):
        return run
    return of_models(run) if isinstance(run, Models) else source.of_run(run)


def _with_losses(verified: Verified, judged: Verified) -> Verified:
    """A file's findings; of an int8 encoder or decoder, those of the score around both too."""
    if not verified.artefact.variant.networks or verified.artefact.graph.role == "classifier":
        return verified
    return Verified(verified.artefact, (*verified.findings, *judged.findings))


def _log(verified: Verified, log: Log) -> None:
    """A line about a file, and one for each thing that it loses."""
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
