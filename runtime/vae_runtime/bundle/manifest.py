"""The manifest: what a bundle says about itself. This module and `records` are the schema.

`manifest.json` is read into, and written from, the frozen dataclasses there; field names are the
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
from .interfaces import FLOAT_ROLES
from .names import ALONE as ALONE
from .names import CHECKSUM_NAME as CHECKSUM_NAME
from .names import ENDS as ENDS
from .names import LONGEST_NAME as LONGEST_NAME
from .names import NAME as NAME
from .names import OWN_NAMES as OWN_NAMES
from .names import SIGNATURE_NAME as SIGNATURE_NAME
from .records import Calibration as Calibration
from .records import File as File
from .records import Model as Model
from .records import Preprocessing as Preprocessing
from .records import Recalibration as Recalibration
from .records import Score as Score
from .records import Tensor as Tensor
from .records import Training as Training
from .records import Trial as Trial

FORMAT = "vae-bundle"
FORMAT_VERSION = 2
VERSIONS = (1, FORMAT_VERSION)  # that are read

SCORES = tuple(ENDS)  # by which verdicts can be given

BACKEND_OF = {"onnx": "onnxruntime", "tflite": "litert"}  # what runs the files of a format


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
        """Of the scores that files of this format and precision give, see `calibration_name`.

        Args:
            format, precision: of the files.
            score: one of `SCORES`; they are the same where there is no mixture.

        Raises:
            BundleError: there is none.
        """
        name = self.calibration_name(format, precision)
        if name not in self.calibration:
            held = sorted((f.precision, f.format) for f in self.files if f.role == "encoder")
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
        alone = score != "score" and self.model.mixture is not None
        return self.calibration[f"{name}{ALONE}" if alone else name]

    def file(self, role: str, *, format: str = "onnx", precision: str = "fp32") -> File:
        """The one file with this role, format and precision; `BundleError` where there is none.

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


def dumps(manifest: Manifest) -> bytes:
    """The bytes of `manifest.json`."""
    return typed_json.dumps(manifest).encode()


def digest(manifest: Manifest) -> str:
    """The sha256 of those bytes, which tells one bundle from any other."""
    return hashlib.sha256(dumps(manifest)).hexdigest()


def loads(content: bytes) -> Manifest:
    """Reads and checks the bytes of `manifest.json`; `BundleError` says what is wrong where."""
    try:
        document = _parse(content)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise BundleError(f'{NAME}: expected "format": "{FORMAT}". This is not a VAE bundle.')
        if document.get("format_version") not in VERSIONS:
            raise BundleError(
                f"{NAME}: expected format_version {' or '.join(map(str, VERSIONS))}. Received: "
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
