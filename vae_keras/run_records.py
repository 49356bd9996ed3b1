"""Records of a run directory: what was asked, what the rows are, how well the scores do."""

from dataclasses import dataclass
from typing import Any

from vae_runtime._base.typed_json import renamed
from vae_runtime.bundle.manifest import RowSpec, Trial
from vae_runtime.verdicts.recordings import RecordingAlarms

from .configs import DataConfig, ModelConfig, TrainConfig

# Names in files of runs of before, which had one word for several things: where in a file an object
# is, and its keys, old to new.
EARLIER_NAMES: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "config.json": (("data",), {"group": "recording", "unit": "machine", "bad_rows": "on_bad_row"}),
    "data.json": ((), {"groups": "one_hot", "group": "recording", "unit": "machine_column"}),
    "calibration.npz": ((), {"unit": "machine"}),
    "test.npz": ((), {"unit": "machine"}),
}
EARLIER_VALUES = {"error": "fail", "drop": "reject"}  # of on_bad_row


@dataclass(frozen=True)
class Config:
    """Contents of `config.json`."""

    data: DataConfig
    model: ModelConfig
    train: TrainConfig
    versions: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class DataCard(RowSpec):
    """Contents of `data.json`: describes the rows, so that export does not need them.

    `rows` counts those of each set. `fingerprint` is the sha256 of the bytes of those trained on.
    `folds` is 1 where calibration rows were held back; else they are those of train and validation.
    `recordings` counts those of each set, None where they are not known; `whole_recordings` says
    whether each is in one set, and one fold, alone.
    """

    rows: dict[str, int]
    fingerprint: str
    license: str | None
    folds: int = 1
    recordings: dict[str, int] | None = None
    whole_recordings: bool = False


@dataclass(frozen=True)
class Metrics:
    """Contents of `metrics.json`: how well the scores do on rows that training never saw.

    Rates are shares of the normal rows (false alarms) and of the anomalies (detections) at level
    alpha. What cannot be judged, for want of normal rows or of anomalies, is None. `accuracy` is
    that of the classifier on the `labelled_rows` of both calibration and test; with folds, of test.
    `calibration_rows` are those that set the level, of the machine that has fewest; `independent`
    is the share of the rows that count, see `independent_share`, `alike` that of the normal ones,
    see `alike_share`. `by_recording` are the false alarms of each recording of test and
    calibration, the latter judged by all others; None where
    recordings are not known.
    """

    normal_rows: int
    anomalies: int
    alpha: float
    false_alarm_rate: float | None
    detection_rate: float | None
    auroc: float | None
    auprc: float | None
    labelled_rows: int = 0
    accuracy: float | None = None
    calibration_rows: int = 0
    independent: float = 1.0
    alike: float = 1.0
    by_recording: dict[str, RecordingAlarms] | None = None

    @property
    def trial(self) -> Trial:
        """Test of the alarms in the form that a bundle keeps."""
        alarms = round((self.false_alarm_rate or 0.0) * self.normal_rows)
        counts = self.normal_rows, alarms, self.anomalies
        return Trial(*counts, self.auroc, self.independent, self.alike)


def with_names_of_today(file: str, content: Any) -> Any:
    """Content of a file of a run, with its earlier names replaced by those of today.

    Args:
        file: its name, such as `config.json`.
        content: JSON, or arrays by their keys.
    """
    place, names = EARLIER_NAMES.get(file, ((), {}))
    found = renamed(content, names, place)
    if file == "config.json":
        for key in place:
            rows = found.get(key) if isinstance(found, dict) else None
            if isinstance(rows, dict) and rows.get("on_bad_row") in EARLIER_VALUES:
                rows["on_bad_row"] = EARLIER_VALUES[rows["on_bad_row"]]
    return found
