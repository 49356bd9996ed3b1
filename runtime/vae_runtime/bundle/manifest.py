"""The manifest: what a bundle says about itself. This module is the schema.

`manifest.json` is read into, and written from, the frozen dataclasses below; field names are the
JSON keys. Unknown keys are ignored, so that a later writer may add some within one format version;
missing keys and wrong types are refused. Beside it stands `manifest.json.sha256`, one line in the
format of `sha256sum`, so that an altered manifest is noticed here, in any other reader, and by
`sha256sum -c manifest.json.sha256` in a shell.
"""

import hashlib
from dataclasses import dataclass

from vae_runtime import typed_json
from vae_runtime.errors import BundleError

from . import consistency
from .names import CHECKSUM_NAME as CHECKSUM_NAME
from .names import LONGEST_NAME as LONGEST_NAME
from .names import NAME as NAME
from .names import OWN_NAMES as OWN_NAMES
from .names import SIGNATURE_NAME as SIGNATURE_NAME

FORMAT = "vae-bundle"
FORMAT_VERSION = 1

BACKEND_OF = {"onnx": "onnxruntime", "tflite": "litert"}  # what runs the files of a format


@dataclass(frozen=True)
class Tensor:
    """One input or output of a graph. `shape[0]` is "batch" where any batch size is taken.

    `unit` is the least magnitude, of an output, that its deviation is measured as a share of: the
    size of the terms that it is the sum of, in nats.
    Of an int8 tensor: real value = `scale` * (stored value - `zero_point`); else both are None.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    unit: float = 1.0
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True)
class File:
    """One file of the bundle.

    `role` is encoder, decoder, scorer, classifier, probe or report; `format` is onnx, tflite, npz,
    json or html; `precision` is fp32, fp16, dynamic or int8.
    `parity` is, for each output, the deviation from Keras as `vae_runtime.selftest.deviation`
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
    """What every graph does to `x` first: clip((x - offset) / scale, low, high), None for no limit.

    `offset` and `scale` have one value, or one for each feature: for each of the last axis, or for
    all in the order of the flattened row.
    It is stated for readers; the graphs hold it already.
    """

    offset: tuple[float, ...]
    scale: tuple[float, ...]
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Model:
    """What the bundle computes.

    `value_range` is where the likelihood is defined, None for anywhere. `feature_names` are those
    of the last axis: columns, channels. `one_hot` are the sizes of the one-hot groups that the last
    columns are, in order: exactly one 1 in each. `stride` is set where a row is a window over a
    table, `input_shape` being (window, channels): the rows between the starts of two in training.
    `group` and `time` are the columns by which recordings and holes in time were told apart there.
    `sigma` are the standard deviations of a Gaussian likelihood, of pre-processed x: one, or one
    for each feature in the order of the flattened row, but for those of one-hot groups; None for
    other likelihoods.
    `classes` are the names of what the classifier tells apart, in the order of its output; None
    without a classifier.
    """

    name: str
    input_shape: tuple[int, ...]
    input_dtype: str
    value_range: tuple[float, float] | None
    feature_names: tuple[str, ...] | None
    one_hot: tuple[int, ...]
    latent_dim: int
    likelihood: str
    beta: float
    parameters: int
    preprocessing: Preprocessing
    classes: tuple[str, ...] | None = None
    stride: int | None = None
    sigma: tuple[float, ...] | None = None
    group: str | None = None
    time: str | None = None


@dataclass(frozen=True)
class Training:
    """Where the weights come from. `fingerprint` is the sha256 of the training rows' bytes."""

    data: str
    rows: int
    fingerprint: str
    versions: dict[str, str]
    license: str | None


@dataclass(frozen=True)
class Score:
    """What a score means."""

    definition: str
    unit: str
    direction: str


@dataclass(frozen=True)
class Calibration:
    """Scores of normal rows that training never saw, ascending, and the default alarm level.

    Scores within `rounding` nats and 1e-6 of the score of each other count as equal. `folds` is 1
    for split-conformal calibration, of rows that were held back; with more, the scores are
    cross-conformal: the rows trained on, each scored by a model that never saw its fold.
    """

    alpha: float
    rounding: float
    scores: tuple[float, ...]
    folds: int = 1


@dataclass(frozen=True)
class Manifest:
    """All of `manifest.json`. `calibration` has one entry for each precision of a scorer."""

    format: str
    format_version: int
    created: str
    model: Model
    training: Training
    score: Score
    calibration: dict[str, Calibration]
    tolerance: float
    files: tuple[File, ...]

    def calibration_of(self, format: str, precision: str) -> Calibration:
        """Of the scores that files of this format and precision give.

        Where there is no such scorer, of the score that is computed around the networks.

        Raises:
            BundleError: there is none.
        """
        made = {(file.role, file.format, file.precision) for file in self.files}
        around = precision if ("scorer", format, precision) in made else f"{precision}.{format}"
        if around not in self.calibration:
            held = sorted((p, f) for role, f, p in made if role == "encoder")
            other = [BACKEND_OF[f] for p, f in held if p == precision and f in BACKEND_OF]
            advice = "Export it with that format and precision."
            if other:
                advice = (
                    f'Its {precision} files run with backend="{other[0]}" (--backend {other[0]}).'
                )
            raise BundleError(
                f"expected a bundle with {precision!s:.20} {format} files. Received: one with "
                f"{', '.join(map(' '.join, held))}. {advice}"
            )
        return self.calibration[around]

    def file(self, role: str, *, format: str = "onnx", precision: str = "fp32") -> File:
        """The one file with this role, format and precision; `BundleError` where there is none."""
        for file in self.files:
            if (file.role, file.format, file.precision) == (role, format, precision):
                return file
        raise BundleError(
            f"expected a {precision} {format} file for the {role}. Received a bundle with "
            f"{', '.join(f.name for f in self.files)}. Export it with that format and precision."
        )


def dumps(manifest: Manifest) -> bytes:
    """The bytes of `manifest.json`."""
    return typed_json.dumps(manifest).encode()


def loads(content: bytes) -> Manifest:
    """Reads and checks the bytes of `manifest.json`; `BundleError` says what is wrong where."""
    try:
        document = _parse(content)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise BundleError(f'{NAME}: expected "format": "{FORMAT}". This is not a VAE bundle.')
        if document.get("format_version") != FORMAT_VERSION:
            raise BundleError(
                f"{NAME}: expected format_version {FORMAT_VERSION}. Received: "
                f"{document.get('format_version')!r:.60}. Install the vae-runtime that reads it."
            )
        manifest = typed_json.convert(Manifest, document, NAME)
        consistency.check(manifest)
    except ValueError as error:
        raise BundleError(f"{error} Copy or export the bundle again.") from error
    return manifest


def checksum_line(content: bytes) -> bytes:
    """The bytes of `manifest.json.sha256` for these bytes of `manifest.json`."""
    return f"{hashlib.sha256(content).hexdigest()}  {NAME}\n".encode()


def _parse(content: bytes) -> object:
    try:
        return typed_json.parse(content)
    except ValueError as error:
        raise ValueError(f"{NAME}: {error}") from error
