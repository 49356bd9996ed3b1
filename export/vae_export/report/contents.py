"""Contents of `report.json`: measures every file and records what the gates found."""

import math
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import numpy as np

from vae_export.convert import read_onnx
from vae_export.convert.artefacts import Artefact
from vae_export.convert.variants import NO_INT8_SCORER
from vae_export.gates import Verified
from vae_export.graphs.evidence import Evidence
from vae_export.graphs.source import score_of
from vae_keras.data.labels import UNKNOWN
from vae_keras.evaluate import evaluate
from vae_keras.pages.judge import noun_of
from vae_runtime.verdicts.calibration import threshold
from vae_runtime.verdicts.observed_rates import promises_of

from . import recordings
from .curves import false_alarms
from .flops import flops
from .measure import measure
from .record import FORMAT, FORMAT_VERSION, Alarm, File, GateResult, Model, Report

NETWORKS = {  # in the graphs of a role
    "encoder": ("encoder",),
    "decoder": ("decoder",),
    "scorer": ("encoder", "decoder"),
    "classifier": ("encoder", "classifier"),
}


def make_record(
    known: Evidence,
    verified: Sequence[Verified],
    scorers: Mapping[str, Artefact],
    refused: Mapping[str, str],
    *,
    synthetic_probe: bool = False,
) -> Report:
    """Measures every file and records the findings of the gates.

    Args:
        known: the model, its rows, and what Keras answers.
        verified: every file.
        scorers: by name of the calibration, what scores there; fp32 among them.
        refused: why files that were asked for are not there, by what they are.
        synthetic_probe: whether the self-test's rows are drawn from the model.
    """
    mixture = known.source.vae.mixture
    floats = {
        v.artefact.graph.role: flops(v.artefact.conversion.content)
        for v in verified
        if (v.artefact.variant.format, v.artefact.variant.precision) == ("onnx", "fp32")
    }
    networks = [v.artefact.variant for v in verified if v.artefact.variant.networks]
    return Report(
        format=FORMAT,
        format_version=FORMAT_VERSION,
        model=_model(known),
        alarms={name: _alarm(scorer) for name, scorer in scorers.items()},
        false_alarms=false_alarms(scorers["fp32"]),
        files=tuple(_file(v, floats.get(v.artefact.graph.role)) for v in verified),
        left_out={**{v.name("scorer"): NO_INT8_SCORER for v in networks}, **refused},
        machine=_machine(),
        synthetic_probe=synthetic_probe,
        centres=0 if mixture is None else mixture.count,
        by_recording=recordings.false_alarms(known),
    )


def _model(known: Evidence) -> Model:
    source = known.source
    vae, card, score = source.vae, source.card, score_of(source)
    return Model(
        name=card.name,
        input_shape=card.input_shape,
        latent_dim=vae.latent_dim,
        likelihood=source.likelihood,
        parameters=source.parameters,
        beta=vae.beta.beta,
        score=f"{score.definition}; {score.unit}; {score.direction}",
        rows=card.rows,
        fingerprint=card.fingerprint,
        license=card.license,
        versions=source.versions,
        classes=card.classes,
        accuracy=_accuracy(known),
        noun=noun_of(card),
    )


def _accuracy(known: Evidence) -> float | None:
    """Accuracy of the classifier on unseen rows whose class is known; None without any."""
    if not known.source.card.classes or "labels" not in known.unseen:
        return None
    labels = known.unseen["labels"]
    is_known = labels != UNKNOWN
    right = known.probabilities.argmax(axis=1)[is_known] == labels[is_known]
    return float(right.mean()) if len(right) else None


def _alarm(scorer: Artefact) -> Alarm:
    calibration = scorer.calibrate()
    scores, y = np.array(calibration.scores), scorer.evidence.source.test["y"]
    alpha, rounding, test = calibration.alpha, calibration.rounding, scorer.scored["score"].test
    metrics = evaluate(test, y, calibration=scores, alpha=alpha, rounding=rounding)
    promise = promises_of({"": calibration}, noun=noun_of(scorer.evidence.source.card))[""]
    return Alarm(
        alpha=alpha,
        threshold=threshold(scores, alpha),
        calibration_rows=len(scores),
        normal_rows=metrics.normal_rows,
        anomalies=metrics.anomalies,
        false_alarm_rate=metrics.false_alarm_rate,
        detection_rate=metrics.detection_rate,
        auroc=metrics.auroc,
        folds=calibration.folds,
        machines=len(calibration.by_machine or ()),
        rate=promise.rate,
        ranking=promise.ranking,
        most_by_chance=promise.most,
        rate_said=promise.rate_said,
        ranking_said=promise.ranking_said,
    )


def _file(verified: Verified, operations: int | None) -> File:
    artefact = verified.artefact
    gates = {
        finding.gate: GateResult(
            result="degraded" if finding.degraded else "passed",
            figures={name: _finite(value) for name, value in finding.figures.items()},
            lost=finding.degraded,
        )
        for finding in verified.findings
    }
    found = {(gate, name): v for gate, check in gates.items() for name, v in check.figures.items()}
    content, cost = artefact.conversion.content, measure(artefact)
    flips = found.get(("classes", "flips"), found.get(("verdicts", "flips")))
    return File(
        name=artefact.name,
        role=artefact.graph.role,
        format=artefact.variant.format,
        precision=artefact.variant.precision,
        bytes=len(content),
        parameters=_parameters(artefact),
        flops=operations,
        nodes=read_onnx.node_count(content) if artefact.variant.format == "onnx" else None,
        nodes_before=artefact.conversion.nodes_before,
        microseconds=cost.microseconds,
        peak_bytes=cost.peak_bytes,
        deviation=_finite(max(verified.parity.values())),
        spearman=found.get(("ranking", "spearman")),
        auroc=found.get(("auroc", "file")),
        flips=None if flips is None else int(flips),
        gates=gates,
    )


def _parameters(artefact: Artefact) -> int:
    """Number of parameters of the networks in a file."""
    vae = artefact.evidence.source.vae
    parts = NETWORKS.get(artefact.graph.role, ())
    return sum(getattr(vae, part).count_params() for part in parts)


def _machine() -> dict[str, str]:
    """Description of the machine on which the files were measured."""
    engines = ("onnxruntime", "ai-edge-litert")
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": str(os.cpu_count()),
        **{engine: version(engine) for engine in engines},
    }


def _finite(value: float) -> float | None:
    """Float as it is, None where it is not finite, as JSON has no NaN."""
    return float(value) if math.isfinite(value) else None
