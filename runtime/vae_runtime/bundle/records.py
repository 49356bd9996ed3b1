"""The records that a manifest is made of; field names are the keys of its JSON objects."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from vae_runtime.errors import BundleError

from .names import FLOAT_ROLES, FORMAT_VERSION, NEG_ELBO_END


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


ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1", "cp1252")  # of text files


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """Way in which a text file writes a table; the defaults are those of plain CSV.

    `sep` is the one character between cells, " " for blanks and tabs in any number; a tab is "tab"
    in manifests, which have no control characters. `decimal` is
    the mark before a number's fraction, `thousands` that between groups of three digits. `encoding`
    is one of `ENCODINGS`. Lines that begin with `comment` are no rows. `skiprows` lines stand above
    the table; then one of names where `header` is true, then `units` lines of units below it.
    `missing` are cells that mean "no value" beside the usual words; numbers among them are compared
    as numbers.

    >>> Dialect(sep=";", decimal=",").encoding
    'utf-8'
    """

    sep: str = ","
    decimal: str = "."
    thousands: str | None = None
    encoding: str = "utf-8"
    comment: str | None = None
    header: bool = True
    skiprows: int = 0
    units: int = 0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageSpec:
    """Description of how images became rows in training; a device does the same to its images.

    Rows are of `input_shape`: (height, width, channels). `bits` are those of a channel: 8, or 16 of
    grey images, whose rows are float32 from 0 to 65535. `resampling` is the filter by which images
    of other sizes are resized; None where all had that size, and others are refused. `orientation`
    is "upright" where images are turned as their EXIF tag says, else "stored". `aspect` are the
    least and the greatest width / height of the images.
    """

    bits: int
    resampling: str | None
    orientation: str
    aspect: tuple[float, float] | None = None


@dataclass(frozen=True)
class Clock:
    """Times of the rows that a model was trained on, which are the defaults on a device.

    `columns` are the column of times, or those of dates and of clocks. `format` is that of strftime
    by which they were read, None where none was needed: ISO dates, numbers. `step` is the usual
    time from one row to the next, in seconds or in the unit of times that are plain numbers, None
    where recordings differ; `gap` that above which a step is a hole, None where that differs.
    """

    columns: tuple[str, ...]
    format: str | None = None
    step: float | None = None
    gap: float | None = None


@dataclass(frozen=True, kw_only=True)
class RowSpec:
    """Description of a model's rows: what training read, and what a device is given.

    `value_range` is where the likelihood is defined, None for anywhere. `feature_names` are those
    of the last axis: columns, channels. `one_hot` are the sizes of the one-hot groups that the last
    columns are, in order: exactly one 1 in each. `stride` is set where a row is a window over a
    table, `input_shape` being (window, channels): the rows between the starts of two in training.
    `recording` and `time` are the columns by which recordings and holes in time were told apart
    there; `time` may be two columns, "date,clock", and `clock` says more about them. `label` is
    the one that is 1 for anomalies, or that has one of the words of `normal` in normal rows.
    `machine_column` names the machine of a fleet that a row is of; see `Calibration`.
    `categories` are the columns of text that training encoded as one-hot groups, the last ones, and
    the values that each may have: `mode` with idle and wash is `mode_idle` and `mode_wash` in
    `feature_names`; None without any. Of windows they are the last channels; `one_hot` is empty.
    `classes` are the names of what the classifier tells apart, in the order of its output; None
    without a classifier. `dialect` is how the text file that training read was written; None of
    other files. `image` says how image files became rows; None where rows came otherwise.
    """

    name: str
    input_shape: tuple[int, ...]
    input_dtype: str
    value_range: tuple[float, float] | None
    feature_names: tuple[str, ...] | None
    one_hot: tuple[int, ...]
    classes: tuple[str, ...] | None = None
    stride: int | None = None
    recording: str | None = None
    time: str | None = None
    machine_column: str | None = None
    categories: dict[str, tuple[str, ...]] | None = None
    dialect: Dialect | None = None
    image: ImageSpec | None = None

    label: str | None = None
    normal: tuple[str, ...] | None = None
    clock: Clock | None = None

    @property
    def noun(self) -> str:
        """Word for one example: "window" of a model of windows, else "row"."""
        return "row" if self.stride is None else "window"

    def fields(self) -> dict[str, Any]:
        """Returns the fields of a `RowSpec` by name, of any description that is one."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(RowSpec)}


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
            BundleError: there is none.
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
