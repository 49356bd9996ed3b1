"""`report.json`: what was verified and measured, as plain numbers. This module is its schema."""

import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from vae_export.bundle.write import score_of
from vae_export.convert import read_onnx
from vae_export.convert.artefacts import Artefact
from vae_export.convert.variants import NO_INT8_SCORER
from vae_export.gates import Verified
from vae_export.graphs.evidence import Evidence
from vae_keras.data.labels import UNKNOWN
from vae_keras.evaluate import evaluate
from vae_runtime.verdicts.calibration import threshold
from vae_runtime.verdicts.observed_rates import promises_of

from .curves import FalseAlarms, false_alarms
from .flops import flops
from .measure import measure

FORMAT, FORMAT_VERSION = "vae-report", 1

NETWORKS = {  # in the graphs of a role
    "encoder": ("encoder",),
    "decoder": ("decoder",),
    "scorer": ("encoder", "decoder"),
    "classifier": ("encoder", "classifier"),
}


@dataclass(frozen=True)
class Model:
    """What was exported. `rows` are those of each split; `accuracy` is the classifier's."""

    name: str
    input_shape: tuple[int, ...]
    latent_dim: int
    likelihood: str
    parameters: int
    beta: float
    score: str
    rows: dict[str, int]
    fingerprint: str
    license: str | None
    versions: dict[str, str]
    classes: tuple[str, ...] | None
    accuracy: float | None


@dataclass(frozen=True)
class Alarm:
    """What a precision alarms at, and how that went on the test rows; None where it cannot be said.

    A score above `threshold` nats is an alarm. It is from `calibration_rows` that were held back,
    or, where `folds` is above 1, from rows trained on, by models without their fold. Rates are
    shares: `false_alarm_rate` of the `normal_rows`, `detection_rate` of the `anomalies`. `units` is
    how many have a threshold of their own; the figures here are those of one for all, but for what
    became of the promise: `rate` and `ranking` are as in `observed_rates.Promise`, said for people
    in `rate_said` and `ranking_said`, and `most_by_chance` is the largest share of false
    alarms that chance allows.
    """

    alpha: float
    threshold: float
    calibration_rows: int
    normal_rows: int
    anomalies: int
    false_alarm_rate: float | None
    detection_rate: float | None
    auroc: float | None
    folds: int
    units: int
    rate: str
    ranking: str
    most_by_chance: float | None
    rate_said: str
    ranking_said: str


@dataclass(frozen=True)
class Check:
    """What one gate made of one file: `result` is passed or degraded, `lost` says what was lost."""

    result: str
    figures: dict[str, float | None]
    lost: str | None


@dataclass(frozen=True)
class File:
    """One graph as a file: what it costs and what it is worth; None where that says nothing.

    `flops` are of one row, a multiply-add as two; None of a graph that is not in ONNX as well.
    `microseconds` are of a call on one thread, by its rows. `peak_bytes` is memory beyond that of
    the engine alone. `deviation` is the largest from Keras of any output. `spearman`, `auroc` and
    `flips` compare scores, or classes, with those of Keras. `gates` are those that are for this
    file, in order.
    """

    name: str
    role: str
    format: str
    precision: str
    bytes: int
    parameters: int
    flops: int | None
    nodes: int | None
    nodes_before: int | None
    microseconds: dict[str, float]
    peak_bytes: int | None
    deviation: float | None
    spearman: float | None
    auroc: float | None
    flips: int | None
    gates: dict[str, Check]

    @property
    def degraded(self) -> bool:
        """Whether it lost more than it may, and the user allowed that."""
        return any(check.result == "degraded" for check in self.gates.values())


@dataclass(frozen=True)
class Report:
    """All of `report.json`. `alarms` are by calibration, `left_out` why a file was not made.

    `synthetic_probe` says whether the self-test's rows are drawn from the model; `centres` are
    those of the score's mixture, each a typical row, 0 without one.
    """

    format: str
    format_version: int
    model: Model
    alarms: dict[str, Alarm]
    false_alarms: FalseAlarms | None
    files: tuple[File, ...]
    left_out: dict[str, str]
    machine: dict[str, str]
    synthetic_probe: bool = False
    centres: int = 0


def make_record(
    known: Evidence,
    verified: Sequence[Verified],
    scorers: Mapping[str, Artefact],
    refused: Mapping[str, str],
    *,
    synthetic_probe: bool = False,
) -> Report:
    """Measures every file and puts down what the gates found.

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
    )


def _accuracy(known: Evidence) -> float | None:
    """How often the classifier is right on unseen rows, where their class is known."""
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
    promise = promises_of({"": calibration})[""]
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
        units=len(calibration.units or ()),
        rate=promise.rate,
        ranking=promise.ranking,
        most_by_chance=promise.most,
        rate_said=promise.rate_said,
        ranking_said=promise.ranking_said,
    )


def _file(verified: Verified, operations: int | None) -> File:
    artefact = verified.artefact
    gates = {
        finding.gate: Check(
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
    """Of the networks in it."""
    vae = artefact.evidence.source.vae
    parts = NETWORKS.get(artefact.graph.role, ())
    return sum(getattr(vae, part).count_params() for part in parts)


def _machine() -> dict[str, str]:
    """Where the files were measured: latencies are that machine's."""
    engines = ("onnxruntime", "ai-edge-litert")
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": str(os.cpu_count()),
        **{engine: version(engine) for engine in engines},
    }


def _finite(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if math.isfinite(value) else None
