"""Records that a manifest is made of, and names of its format, files and roles.

Field names of the records are the keys of JSON objects; `row_spec` has those of a model's rows.
"""

import re
from dataclasses import dataclass

from vae_runtime.errors import BundleError

from .row_spec import ENCODINGS as ENCODINGS
from .row_spec import Clock as Clock
from .row_spec import Dialect as Dialect
from .row_spec import ImageSpec as ImageSpec
from .row_spec import RowSpec as RowSpec

FORMAT = "vae-bundle"
FORMAT_VERSION = 2
VERSIONS = (1, FORMAT_VERSION)  # that are read

NAME = "manifest.json"
CHECKSUM_NAME = "manifest.json.sha256"
SIGNATURE_NAME = "manifest.json.sig"  # optional
OWN_NAMES = (NAME, CHECKSUM_NAME, SIGNATURE_NAME)  # of the files that the manifest does not list

AROUND = ("preprocess", "head", "mean")  # graphs before and after networks of 8 bits, in fp32
FLOAT_ROLES = (*AROUND, "replacements")  # that are in fp32 alone, whatever others are in

# ends the name of a calibration for the negative ELBO alone, of a score that has more terms
NEG_ELBO_END = ".neg_elbo"
# of names of calibrations, by the score that they are of
ENDS = {"score": "", "neg_elbo": NEG_ELBO_END}

LONGEST_NAME = 100
PLAIN_NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{LONGEST_NAME - 1}}}")


@dataclass(frozen=True)
class Tensor:
    """One input or output of a graph. `shape[0]` is "batch" where any batch size is taken.

    `error_scale` is the least magnitude, of an output, that its deviation is measured as a share
    of: the size of the terms that it is the sum of, in nats.
    Of an int8 tensor: real value = `scale` * (stored value - `zero_point`); else both are None.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    error_scale: float = 1.0
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True)
class File:
    """One file of the bundle.

    `role` is encoder, decoder, scorer, classifier, preprocess, head, mean, replacements, probe or
    report, in format version 1 also mixture; `format` is onnx, tflite, npz, json or html;
    `precision` is fp32, fp16, dynamic or int8.
    `parity` is, for each output, the deviation from Keras as `backends.deviations.deviation`
    measures it. `recipe` says how it was quantised, `degraded` what accuracy it lost beyond what is
    allowed by default; both are empty for most.
    """

    name: str
    role: str
    format: str
    precision: str
    bytes: int
    sha256: str
    opset: int | None
    ops: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    parity: dict[str, float]
    recipe: str = ""
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preprocessing:
    """First step of every graph: clip((x - offset) / scale, low, high), None for no limit.

    `offset` and `scale` have one value, or one for each feature: for each of the last axis, or for
    all in the order of the flattened row.
    It is stated for readers; the graphs hold it already.
    """

    offset: tuple[float, ...]
    scale: tuple[float, ...]
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Model(RowSpec):
    """Description of the model that the bundle computes, and of its rows.

    `sigma` is what bundles of format version 1 say of a Gaussian likelihood; None in later ones,
    whose graphs hold it wherever it is needed. `mixture` is the number of centres of the score's
    mixture, None without one.
    """

    latent_dim: int
    likelihood: str
    beta: float
    parameters: int
    preprocessing: Preprocessing
    sigma: tuple[float, ...] | None = None
    mixture: int | None = None


@dataclass(frozen=True)
class Training:
    """Origin of the weights. `fingerprint` is the sha256 of the training rows' bytes."""

    data: str
    rows: int
    fingerprint: str
    versions: dict[str, str]
    license: str | None


@dataclass(frozen=True)
class Score:
    """Meaning of a score."""

    definition: str
    unit: str
    direction: str


@dataclass(frozen=True)
class Trial:
    """Counts of an alarm, at its calibration's level, on test rows that nothing was learnt from.

    `false_alarms` are of the `normal_rows`; `auroc` says how scores rank the `anomalies`, None
    where rows of one kind are missing. `independent` is the share of the rows that count: 1, but
    less where they are windows that share rows. `alike` is a further such share of normal rows,
    less than 1 where rows of a recording resemble each other.
    """

    normal_rows: int
    false_alarms: int
    anomalies: int
    auroc: float | None
    independent: float = 1.0
    alike: float = 1.0


@dataclass(frozen=True)
class Calibration:
    """Scores of normal rows that training never saw, ascending, and the default alarm level.

    Scores within `rounding` nats and 1e-6 of the score of each other count as equal. `folds` is 1
    for split-conformal calibration, of rows that were held back; with more, the scores are
    cross-conformal: the rows trained on, each scored by a model that never saw its fold; but for
    those of machines that were calibrated anew, see `Recalibration`.
    `by_machine` are the scores of each machine of a fleet, where each has a level of its own: its
    alarms keep to alpha by its own scores, by all `scores` together only on average over them.
    `trial` is what export measured; None where it did not, or where scores are no longer its own.
    """

    alpha: float
    rounding: float
    scores: tuple[float, ...]
    folds: int = 1
    by_machine: dict[str, tuple[float, ...]] | None = None
    trial: Trial | None = None


@dataclass(frozen=True)
class Recalibration:
    """Rows that took the place of those of export, or of an earlier recalibration.

    `date` is ISO 8601, UTC; `sha256` that of the rows' bytes, as graphs take them. `machine` is
    whose rows they are, None where they took the place of all.
    """

    date: str
    rows: int
    sha256: str
    machine: str | None = None


@dataclass(frozen=True)
class Manifest:
    """All of `manifest.json`. `calibration` has one entry for each precision of a scorer.

    `recalibrated` says in order where its scores are from; empty: all as they were exported.
    """

    format: str
    format_version: int
    created: str
    model: Model
    training: Training
    score: Score
    calibration: dict[str, Calibration]
    tolerance: float
    files: tuple[File, ...]
    recalibrated: tuple[Recalibration, ...] = ()

    def calibration_name(self, format: str, precision: str) -> str:
        """The key in `calibration` of the scores that files of this format and precision give.

        Where there is no such scorer, of the score that is computed around the networks.
        """
        scorers = {(file.format, file.precision) for file in self.files if file.role == "scorer"}
        return precision if (format, precision) in scorers else f"{precision}.{format}"

    def calibration_of(self, format: str, precision: str, score: str = "score") -> Calibration:
        """Calibration of the scores of files of this format and precision, see `calibration_name`.

        Args:
            format, precision: of the files.
            score: one of `SCORES`; they are the same where there is no mixture.

        Raises:
            BundleError: the bundle lacks that calibration.
        """
        name = self.calibration_name(format, precision)
        if name not in self.calibration:
            raise BundleError(
                f"expected a calibration of {precision!s:.20} {format} files. Received: those of "
                f"{', '.join(self.calibration)}. Export the bundle with that format and precision."
            )
        alone = score != "score" and self.model.mixture is not None
        return self.calibration[f"{name}{NEG_ELBO_END}" if alone else name]

    def file(self, role: str, *, format: str = "onnx", precision: str = "fp32") -> File:
        """The one file with this role, format and precision; BundleError for a missing one.

        Files of `FLOAT_ROLES` are in fp32, whatever the precision of those that they stand beside.
        """
        precision = "fp32" if role in FLOAT_ROLES else precision
        for file in self.files:
            if (file.role, file.format, file.precision) == (role, format, precision):
                return file
        advice = "Export it with that format and precision."
        if role in FLOAT_ROLES and self.format_version < FORMAT_VERSION:
            advice = f"Of format version {self.format_version} none has one: export the run again."
        raise BundleError(
            f"expected a {precision} {format} file for the {role}. Received a bundle with "
            f"{', '.join(f.name for f in self.files)}. {advice}"
        )
