"""From a trained model to a bundle: convert, examine, calibrate, write.

Any failure is an `ExportError`, and then there is no bundle.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np

from vae_keras.run import Run
from vae_runtime import manifest

from . import artefacts, bundle, evidence, quantize_onnx, source, to_onnx
from .artefacts import Artefact
from .errors import ExportError
from .evidence import Evidence
from .gates import JUDGING, Verified, examine, verdicts
from .graphs import Arrays, Graph, answers, build_graphs, build_networks, network_feeds
from .precisions import FORMATS
from .source import Source
from .variants import NO_INT8_SCORER, Material, Variant, variants

PROBE_ROWS = 16

Log = Callable[[str], None]


def export(
    run: str | Path | Run | Source,
    out: str | Path,
    *,
    formats: Sequence[str] = FORMATS,
    precisions: Sequence[str] = ("fp32",),
    allow_degraded: bool = False,
    log: Log = print,
) -> Path:
    """Exports a trained model as a bundle.

    Args:
        run: a run directory, the run itself, or a `Source` of another origin.
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
        ValueError: `run` is no run directory, something else is at `out`, or unknown formats.
    """
    _check_backend()
    wanted = variants(formats, precisions)
    bundle.check_out(out)
    known = evidence.gather(run if isinstance(run, Source) else source.of_run(run))
    graphs = build_graphs(known.source.vae, known.source.card.input_dtype)
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
        verified = [_with_losses(v, judged) if v.artefact.variant.networks else v for v in verified]
        scorers.append(pair)
    probe = bundle.npz(make_probe(graphs, known.feeds))
    contents = {v.artefact.name: v.artefact.conversion.content for v in verified}
    files = [*(bundle.describe(v) for v in verified), bundle.describe_probe(probe)]
    document = bundle.make_manifest(known.source, files, calibrate(scorers))
    contents["probe.npz"] = probe
    return bundle.write(out, contents, document, check=lambda r: verdicts.of_bundle(r, known))


def convert(
    known: Evidence, graphs: tuple[Graph, ...], wanted: Sequence[Variant], log: Log
) -> Iterator[Artefact]:
    """Every file that makes sense, one at a time; says which do not."""
    vae, x = known.source.vae, known.source.training["x"]
    networks = build_networks(vae)
    training = {"x": x, "z": np.asarray(vae.encode(x)[0])}
    recipe = _recipe(known, graphs, wanted, training)
    for variant in wanted:
        if variant.networks:
            log(f"no {variant.name('scorer')}: {NO_INT8_SCORER}")
        for graph in networks if variant.networks else graphs:
            about = bundle.metadata(known.source, graph)
            material = Material(about, training, network_feeds(vae, x), recipe)
            yield artefacts.make(graph, variant, known, material)


def networks_scorer(networks: Sequence[Artefact], graphs: tuple[Graph, ...]) -> Artefact:
    """The score that a device computes around the int8 networks."""
    by_role = {network.graph.role: network for network in networks}
    scorer = next(graph for graph in graphs if graph.role == "scorer")
    return artefacts.scorer_of(by_role["encoder"], by_role["decoder"], scorer)


def calibrate(scorers: Sequence[Artefact]) -> dict[str, manifest.Calibration]:
    """The alarm calibration of each precision, by ONNX's scorer where there is one.

    That of the int8 networks, whose score is computed around them, is under "int8.tflite".
    """
    found: dict[str, manifest.Calibration] = {}
    for artefact in scorers:
        variant = artefact.variant
        key = f"{variant.precision}.{variant.format}" if variant.networks else variant.precision
        found.setdefault(key, artefact.calibrate())
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


def _recipe(
    known: Evidence, graphs: tuple[Graph, ...], wanted: Sequence[Variant], training: Arrays
) -> quantize_onnx.Recipe:
    """How ONNX graphs are quantised, if they are to be: as is best for the scorer."""
    if ("onnx", "int8") not in {(v.format, v.precision) for v in wanted}:
        return quantize_onnx.MINMAX
    scorer = next(graph for graph in graphs if graph.role == "scorer")
    made = to_onnx.to_onnx(scorer, {})
    if made.complaints:  # the gates will say so of the float file, which comes first
        return quantize_onnx.MINMAX
    unseen = known.source.calibration["x"]
    return quantize_onnx.choose(made.content, training["x"], unseen, known.calibration)


def _with_losses(verified: Verified, judged: Verified) -> Verified:
    """A network's findings, and those of the score that is computed around it."""
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
