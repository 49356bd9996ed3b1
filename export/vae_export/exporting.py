"""From a run directory to a bundle: convert, verify against Keras, calibrate, write.

Any failure is an `ExportError`, and then there is no bundle.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from vae_keras.evaluate import BATCH, classify_rows, score_rows
from vae_keras.run import Run, open_run
from vae_runtime import manifest
from vae_runtime.calibration import SCORE_RTOL
from vae_runtime.files import check_replaceable

from . import bundle
from .engines import Engine
from .errors import ExportError
from .formats import FORMATS
from .graphs import Arrays, Graph, answers, build_graphs
from .parity import check_batches, check_classes, check_tensors, check_verdicts

PROBE_ROWS = 16
NOISE_SAMPLES = 3  # more than one, to catch a graph that ignores how many there are


class Artefact(NamedTuple):
    """A verified graph in one format: its bytes, what the manifest says of it, how to run it."""

    content: bytes
    file: manifest.File
    engine: Engine


def export(run: str | Path | Run, out: str | Path, *, log: Callable[[str], None] = print) -> Path:
    """Exports a trained run as a bundle.

    Args:
        run: the run directory, or the run itself.
        out: path of the bundle; an earlier bundle there is replaced at the end.
        log: called with each line of progress.

    Returns:
        The bundle's path.

    Raises:
        ExportError: a graph cannot be converted, or does not answer as Keras does.
        ValueError: `run` is no run directory, or something else is at `out`.
    """
    if keras.backend.backend() != "tensorflow":
        raise ExportError(
            "expected KERAS_BACKEND=tensorflow to export, as TFLite and ONNX come by way of "
            f"TensorFlow. Received: {keras.backend.backend()}. (A run may be of any backend.)"
        )
    check_replaceable(out, mark=manifest.NAME)
    run = run if isinstance(run, Run) else open_run(run)
    graphs, feeds = build_graphs(run.vae, run.data.input_dtype), reference_feeds(run)
    artefacts = []
    for graph in graphs:
        for extension in FORMATS:
            artefact = convert(graph, extension, feeds, metadata(run, graph))
            worst = max(artefact.file.parity.values())
            log(f"{artefact.file.name}: {artefact.file.bytes:,} bytes, {worst:.1e} from Keras")
            artefacts.append(artefact)
    calibration = calibrate(run, [a for a in artefacts if a.file.role == "scorer"])
    compare_classes(run, [a for a in artefacts if a.file.role == "classifier"])
    probe = bundle.npz(make_probe(graphs, feeds))
    contents = {**{a.file.name: a.content for a in artefacts}, "probe.npz": probe}
    files = [*(a.file for a in artefacts), bundle.describe_probe(probe)]
    return bundle.write(out, contents, bundle.make_manifest(run, files, calibration))


def convert(graph: Graph, extension: str, feeds: Arrays, metadata: dict[str, str]) -> Artefact:
    """One graph in one format, after it has answered as Keras does at every batch size."""
    form = FORMATS[extension]
    graph = graph if form.optional_inputs else graph.without_defaults()
    content = form.convert(graph, metadata)
    name = f"{graph.role}.{extension}"
    engine = form.open(name, content)
    parity = check_tensors(name, graph, engine, feeds)
    file = bundle.describe_graph(graph, content, extension=extension, form=form, parity=parity)
    return Artefact(content, file, engine)


def calibrate(run: Run, scorers: list[Artefact]) -> manifest.Calibration:
    """The alarm calibration of the ONNX scorer, after every scorer has given Keras's verdicts."""
    alpha, rounding = run.config.train.alpha, _rounding(run)
    keras_score = score_rows(run.vae, run.test["x"])["score"]
    calibrated = {}
    for artefact in scorers:
        name, engine = artefact.file.name, artefact.engine
        score = _answers(engine, "score", run.calibration["x"])
        check_batches(name, engine, run.calibration["x"][:BATCH], rounding=rounding)
        check_verdicts(
            name,
            _answers(engine, "score", run.test["x"]),
            keras_score,
            calibration={"score": score, "keras_score": run.calibration["score"]},
            alpha=alpha,
            rounding=rounding,
        )
        calibrated[artefact.file.format] = np.sort(score)
    return manifest.Calibration(alpha, rounding, tuple(calibrated["onnx"].tolist()))


def compare_classes(run: Run, classifiers: list[Artefact]) -> None:
    """Sees to it that every classifier finds the classes of Keras in all held-back rows."""
    if not classifiers:
        return
    x = np.concatenate([run.calibration["x"], run.test["x"]])
    expected = classify_rows(run.vae, x)
    for artefact in classifiers:
        probabilities = _answers(artefact.engine, "probabilities", x)
        check_classes(artefact.file.name, probabilities, expected)


def reference_feeds(run: Run) -> Arrays:
    """Inputs to verify graphs on.

    `x` are normal rows that training never saw, without the tenth that scores highest: one wild row
    among them would have errors on all others be small by comparison. `z` are latents of such rows
    and draws from the prior, `noise` a few draws.
    """
    rng = np.random.default_rng(0)
    score = run.calibration["score"]
    x = run.calibration["x"][score <= np.quantile(score, 0.9)]
    prior = rng.standard_normal((len(x), run.vae.latent_dim), np.float32)
    posterior = np.asarray(run.vae.encode(x)[0])
    noise = rng.standard_normal((NOISE_SAMPLES, run.vae.latent_dim), np.float32)
    return {
        "x": x,
        "z": np.stack([posterior, prior], 1).reshape(-1, prior.shape[1]),
        "noise": noise,
    }


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


def metadata(run: Run, graph: Graph) -> dict[str, str]:
    """What a lone file says of itself."""
    return {
        "format": f"{manifest.FORMAT} {manifest.FORMAT_VERSION}",
        "role": graph.role,
        "model": run.data.name,
        "likelihood": bundle.likelihood(run),
        "score": f"{bundle.SCORE.definition} ({bundle.SCORE.unit}); {bundle.SCORE.direction}",
        "training_fingerprint": run.data.fingerprint,
    }


def _answers(engine: Engine, output: str, x: NDArray[Any]) -> NDArray[Any]:
    starts = range(0, len(x), BATCH)
    return np.concatenate([engine({"x": x[start : start + BATCH]})[output] for start in starts])


def _rounding(run: Run) -> float:
    """Nats by which a score may depend on its batch beyond `SCORE_RTOL` of itself.

    That share of the terms which cancel in it: a Gaussian score is often a small difference of
    large terms. (A row that is merely far out has a large score as well, another matter.)
    """
    terms = score_rows(run.vae, run.calibration["x"])
    size = np.abs(terms["feature_nll"]).reshape(len(terms["kl"]), -1).sum(1) + terms["kl"]
    return SCORE_RTOL * float(np.maximum(size - np.abs(terms["score"]), 0.0).max())
