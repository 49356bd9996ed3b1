"""The manifest: what a bundle says about itself. This module is the schema.

`manifest.json` is read into, and written from, the frozen dataclasses below; field names are the
JSON keys. Unknown keys are ignored, so that a later writer may add some within one format version;
missing keys and wrong types are refused. Beside it stands `manifest.json.sha256`, one line in the
format of `sha256sum`, so that an altered manifest is noticed here, in any other reader, and by
`sha256sum -c manifest.json.sha256` in a shell.
"""

import hashlib
import itertools
import re
from dataclasses import dataclass

from . import typed_json
from .errors import BundleError

FORMAT = "vae-bundle"
FORMAT_VERSION = 1
NAME = "manifest.json"
CHECKSUM_NAME = "manifest.json.sha256"
OWN_NAMES = (NAME, CHECKSUM_NAME)  # of the files that the manifest does not list

LONGEST_NAME = 100
PLAIN_NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{LONGEST_NAME - 1}}}")


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
    `sigma` are the standard deviations of a Gaussian likelihood, of pre-processed x: one, or one
    for each feature in the order of the flattened row; None for other likelihoods.
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

    Scores within `rounding` nats and 1e-6 of the score of each other count as equal.
    """

    alpha: float
    rounding: float
    scores: tuple[float, ...]


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
                f"{document.get('format_version')!r}. Install the vae-runtime that reads it."
            )
        manifest = typed_json.convert(Manifest, document, NAME)
        _check(manifest)
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


def _check(manifest: Manifest) -> None:
    """What the types cannot say; a `ValueError` names the key."""
    if "fp32" not in manifest.calibration:
        raise ValueError(f"{NAME}.calibration: expected an entry for fp32. Received: none.")
    names = manifest.model.feature_names or ()
    if len(set(names)) != len(names):
        raise ValueError(f"{NAME}: expected feature names that differ. Received: {names}.")
    if names and len(names) != manifest.model.input_shape[-1]:
        raise ValueError(f"{NAME}: expected a name for each feature. Received: {len(names)} names.")
    if manifest.model.stride is not None and (
        manifest.model.stride < 1 or len(manifest.model.input_shape) != 2
    ):
        raise ValueError(f"{NAME}: expected a stride from 1, of windows (window, channels).")
    if sum(manifest.model.one_hot) > manifest.model.input_shape[-1]:
        raise ValueError(f"{NAME}: expected one-hot groups within the columns.")
    _check_graphs(manifest)
    _check_classes(manifest)
    _check_names([file.name for file in manifest.files])
    for precision, calibration in manifest.calibration.items():
        where = f"{NAME}.calibration.{precision}"
        if not 0 < calibration.alpha < 1:
            raise ValueError(f"{where}: expected 0 < alpha < 1. Received: {calibration.alpha}.")
        if any(a > b for a, b in itertools.pairwise(calibration.scores)):
            raise ValueError(f"{where}: expected ascending scores. Received: unsorted scores.")


def _check_names(names: list[str]) -> None:
    for name in names:
        if not PLAIN_NAME.fullmatch(name):
            raise ValueError(f"{NAME}: expected plain file names. Received: {name!r}.")
    if len({*OWN_NAMES, *map(str.lower, names)}) < len(OWN_NAMES) + len(names):
        raise ValueError(f"{NAME}: expected files of different names. Received: {names}.")


def _check_graphs(manifest: Manifest) -> None:
    """Every input of every float graph is what the model's description says."""
    model = manifest.model
    expected = {
        "x": (model.input_dtype, model.input_shape),
        "z": ("float32", (model.latent_dim,)),
        "noise": ("float32", (model.latent_dim,)),
    }
    for file in manifest.files:
        for tensor in file.inputs if file.precision == "fp32" else ():
            if (tensor.dtype, tensor.shape[1:]) != expected.get(tensor.name):
                raise ValueError(
                    f"{NAME}: {file.name} input {tensor.name!r} is {tensor.dtype} {tensor.shape}; "
                    f"the model says {expected.get(tensor.name)}."
                )


def _check_classes(manifest: Manifest) -> None:
    """There is a classifier where there are classes, with a probability for each of them."""
    classes = manifest.model.classes or ()
    if len(set(classes)) != len(classes) or len(classes) == 1:
        raise ValueError(f"{NAME}: expected two classes or more that differ. Received: {classes}.")
    classifiers = [file for file in manifest.files if file.role == "classifier"]
    if bool(classifiers) != bool(classes):
        raise ValueError(
            f"{NAME}: expected a classifier where the model has classes, and nowhere else. "
            f"Received: {len(classes)} classes, {len(classifiers)} files of a classifier."
        )
    for file in classifiers:
        outputs = {tensor.name: tensor.shape[1:] for tensor in file.outputs}
        if outputs != {"probabilities": (len(classes),)}:
            raise ValueError(
                f"{NAME}: {file.name} has the outputs {outputs}; the model says probabilities of "
                f"{len(classes)} classes."
            )
