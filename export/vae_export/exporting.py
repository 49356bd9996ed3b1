"""Exports a trained model as a bundle: converts, examines, calibrates, reports, writes.

A failure in float32 is an `ExportError`, and then there is no bundle. Files of lower precision that
fail are left out, and it is said why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras

from vae_export.convert.artefacts import Artefact
from vae_export.convert.convert import Log, check_training
from vae_export.convert.precisions import FORMATS
from vae_export.convert.variants import Variant, variants
from vae_export.graphs.evidence import Evidence
from vae_export.graphs.float_graphs import build_around, build_replacements
from vae_export.graphs.foreign_models import of_models
from vae_export.graphs.functions import Arrays, Graph, build_graphs
from vae_export.graphs.probes import make_probe, make_synthetic_probe, trim_probe
from vae_export.graphs.source import Source
from vae_keras._base.keras_defaults import with_keras_defaults
from vae_keras.run import Run
from vae_runtime._base.printable import say
from vae_runtime.bundle import manifest, writer
from vae_runtime.verdicts.observed_rates import promises_of, warnings_of

from . import report
from .bundle import write
from .errors import ExportError
from .gates import verdicts
from .gates.verification import Passed, verify
from .graphs import evidence, source
from .models import Models


@dataclass(frozen=True)
class Exported:
    """Bundle that was written.

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
    """Options about losses of accuracy and about rows of the data; see `export`."""

    allow_degraded: bool = False
    strict: bool = False
    synthetic_probe: bool = False


@with_keras_defaults()
def export_variants(
    run: str | Path | Run | Models | Source,
    out: str | Path,
    wanted: Sequence[Variant],
    options: Options,
    *,
    log: Log = say,
) -> Exported:
    """Exports as `export` does; returns also the variants that were refused."""
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
    passed = verify(
        known,
        graphs,
        wanted,
        allow_degraded=options.allow_degraded,
        strict=options.strict,
        log=log,
    )
    return Exported(_write_bundle(out, known, passed, probed, options, log), passed.refused)


def _write_bundle(
    out: str | Path, known: Evidence, passed: Passed, probed: Arrays, options: Options, log: Log
) -> Path:
    """Calibrates the scorers, makes the report and writes the bundle; returns its path."""
    verified = passed.files
    probe = write.npz(trim_probe(probed, {v.artefact.graph.role for v in verified}))
    log("measuring what the files cost, drawing the report")
    calibrations = calibrate(passed.scorers)
    for line in warnings_of(promises_of(calibrations, noun=known.source.card.noun)):
        log(line)
    pages = report.make(
        known,
        verified,
        alarm_scorers(passed.scorers),
        passed.refused,
        synthetic_probe=options.synthetic_probe,
    )
    files = [
        *(write.describe(v) for v in verified),
        write.describe_probe(probe),
        *(write.describe_report(name, page) for name, page in pages.items()),
    ]
    contents = {v.artefact.name: v.artefact.conversion.content for v in verified}
    return write.write(
        out,
        {**contents, "probe.npz": probe, **pages},
        write.make_manifest(known.source, files, calibrations),
        check=lambda opened: verdicts.of_bundle(opened, known),
    )


def calibrate(scorers: Sequence[Artefact]) -> dict[str, manifest.Calibration]:
    """Alarm calibrations of each precision, see `alarm_scorers`: one for each score."""
    found = alarm_scorers(scorers)
    scores = next(iter(found.values())).evidence.references
    return {
        f"{name}{manifest.ENDS[score]}": scorer.calibrate(score)
        for score in scores
        for name, scorer in found.items()
    }


def alarm_scorers(scorers: Sequence[Artefact]) -> dict[str, Artefact]:
    """Scorer that raises the alarms, for each precision: ONNX's where there is one.

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
    """Rows of the self-test: real ones, or ones drawn from the model that test as much."""
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
