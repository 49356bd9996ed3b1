"""The manifest: what a bundle says about itself. This module and `records` are the schema.

`manifest.json` is read into, and written from, the frozen dataclasses there; field names are the
JSON keys. Unknown keys are ignored, so that a later writer may add some within one format version;
missing keys and wrong types are refused. Beside it stands `manifest.json.sha256`, one line in the
format of `sha256sum`, so that an altered manifest is noticed here, in any other reader, and by
`sha256sum -c manifest.json.sha256` in a shell.
"""

import dataclasses
import hashlib
from typing import Any

from vae_runtime._base import typed_json
from vae_runtime.errors import BundleError

from . import consistency
from .records import CHECKSUM_NAME as CHECKSUM_NAME
from .records import ENDS as ENDS
from .records import FORMAT as FORMAT
from .records import FORMAT_VERSION as FORMAT_VERSION
from .records import LONGEST_NAME as LONGEST_NAME
from .records import NAME as NAME
from .records import NEG_ELBO_END as NEG_ELBO_END
from .records import OWN_NAMES as OWN_NAMES
from .records import SIGNATURE_NAME as SIGNATURE_NAME
from .records import VERSIONS as VERSIONS
from .records import Calibration as Calibration
from .records import Clock as Clock
from .records import Dialect as Dialect
from .records import File as File
from .records import ImageSpec as ImageSpec
from .records import Manifest as Manifest
from .records import Model as Model
from .records import Preprocessing as Preprocessing
from .records import Recalibration as Recalibration
from .records import RowSpec as RowSpec
from .records import Score as Score
from .records import Tensor as Tensor
from .records import Training as Training
from .records import Trial as Trial

SCORES = tuple(ENDS)  # by which verdicts can be given


def document_of(manifest: Manifest) -> dict[str, Any]:
    """The JSON of `manifest.json`, by the names of its format version."""
    document = dataclasses.asdict(manifest)
    if manifest.format_version > 1:
        return document
    from . import version_1  # of no use to bundles of today

    own: dict[str, Any] = version_1.with_own_names(document)
    return own


def dumps(manifest: Manifest) -> bytes:
    """The bytes of `manifest.json`."""
    return typed_json.dumps(document_of(manifest)).encode()


def digest(manifest: Manifest) -> str:
    """The sha256 of the manifest's bytes, which tells one bundle from any other."""
    return hashlib.sha256(dumps(manifest)).hexdigest()


def loads(content: bytes) -> Manifest:
    """Reads and checks the bytes of `manifest.json`; BundleError names the fault and its place."""
    try:
        document = _parse(content)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise BundleError(f'{NAME}: expected "format": "{FORMAT}". This is not a VAE bundle.')
        if document.get("format_version") not in VERSIONS:
            raise BundleError(
                f"{NAME}: expected format_version {' or '.join(map(str, VERSIONS))}. Received: "
                f"{document.get('format_version')!r:.60}. Install the vae-runtime that reads it."
            )
        if document["format_version"] == 1:
            from . import version_1

            document = version_1.with_names_of_today(document)
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
