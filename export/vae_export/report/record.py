"""`report.json`: what was verified and measured, as plain numbers. This module is its schema."""

from dataclasses import dataclass, field

from vae_runtime.verdicts.recordings import RecordingAlarms

from .curves import FalseAlarms

FORMAT, FORMAT_VERSION = "vae-report", 1


@dataclass(frozen=True)
class Model:
    """Exported model. `rows` are those of each split; `accuracy` is the classifier's.

    `noun` is what one of them is called: row, window or image.
    """

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
    noun: str = "row"


@dataclass(frozen=True)
class Alarm:
    """Threshold of a precision, and its alarms on the test rows; None where there is no figure.

    A score above `threshold` nats is an alarm. It is from `calibration_rows` that were held back,
    or, where `folds` is above 1, from rows trained on, by models without their fold. Rates are
    shares: `false_alarm_rate` of the `normal_rows`, `detection_rate` of the `anomalies`. `machines`
    is how many have a threshold of their own; the figures here are those of one for all, but for
    what became of the promise: `rate` and `ranking` are as in `observed_rates.Promise`, said for
    people in `rate_said` and `ranking_said`, and `most_by_chance` is the largest share of false
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
    machines: int
    rate: str
    ranking: str
    most_by_chance: float | None
    rate_said: str
    ranking_said: str


@dataclass(frozen=True)
class GateResult:
    """Result of one gate on one file: `result` is passed or degraded, `lost` says what was lost."""

    result: str
    figures: dict[str, float | None]
    lost: str | None


@dataclass(frozen=True)
class File:
    """Exported file, its cost and its accuracy; None where a figure does not apply.

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
    gates: dict[str, GateResult]

    @property
    def degraded(self) -> bool:
        """True where it lost more than it may, and the user allowed that."""
        return any(check.result == "degraded" for check in self.gates.values())


@dataclass(frozen=True)
class Report:
    """Contents of `report.json`. `alarms` are by calibration, `left_out` why a file was not made.

    `synthetic_probe` says whether the self-test's rows are drawn from the model; `centres` are
    those of the score's mixture, each a typical row, 0 without one. `by_recording` are the false
    alarms of each recording, where these are known.
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
    by_recording: dict[str, RecordingAlarms] = field(default_factory=dict)
