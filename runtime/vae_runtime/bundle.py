"""A bundle on disk: a directory with a manifest and the files that it names, each verified.

Nothing is parsed before its hash has been checked, and what is parsed are the very bytes that were
hashed. The runner and `vae-export` both read bundles through here.
"""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from . import manifest as schema
from .errors import BundleError
from .files import load_npz
from .manifest import File, Manifest


@dataclass(frozen=True)
class Bundle:
    """An opened bundle: where it lies and what its manifest says."""

    path: Path
    manifest: Manifest

    def read(self, file: File) -> bytes:
        """The bytes of one file, after its size and sha256 have been checked."""
        content = _read(self.path, file.name)
        if len(content) != file.bytes:
            raise BundleError(
                f"{file.name}: expected {file.bytes} bytes. Received: {len(content)} bytes. "
                "It was cut short or replaced; copy or export the bundle again."
            )
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise BundleError(
                f"{file.name}: its sha256 is not the one in {schema.NAME}. "
                "It was altered or damaged; copy or export the bundle again."
            )
        return content

    def read_probe(self) -> dict[str, NDArray[Any]]:
        """The arrays of `probe.npz`: rows, and what every graph must answer to them."""
        file = self.manifest.file("probe", format="npz")
        try:
            return load_npz(io.BytesIO(self.read(file)))
        except ValueError as error:
            raise BundleError(f"{file.name} is not a readable npz file: {error}") from error

    def verify(self) -> None:
        """Checks the size and sha256 of every file that the manifest names."""
        for file in self.manifest.files:
            self.read(file)


def open_bundle(path: str | Path) -> Bundle:
    """Reads the manifest of the bundle at `path` and checks it against its own checksum.

    Args:
        path: the bundle's directory.

    Raises:
        BundleError: there is no bundle, or its manifest is altered, damaged or of another version.
    """
    path = Path(path)
    if not path.is_dir():
        raise BundleError(f"{path}: expected the directory of a bundle. Received: {_what(path)}.")
    content = _read(path, schema.NAME)
    if _read(path, schema.CHECKSUM_NAME) != schema.checksum_line(content):
        raise BundleError(
            f"{schema.NAME}: its sha256 is not the one in {schema.CHECKSUM_NAME}. It was altered "
            "or damaged; copy or export the bundle again. (An alarm level of your own needs no "
            "edit: pass alpha or threshold with each call.)"
        )
    return Bundle(path, schema.loads(content))


def _read(path: Path, name: str) -> bytes:
    try:
        return (path / name).read_bytes()
    except FileNotFoundError as error:
        raise BundleError(
            f"{path}: expected the file {name}, which is missing. Copy or export the bundle again."
        ) from error
    except OSError as error:
        raise BundleError(f"{path / name} cannot be read: {error.strerror}.") from error


def _what(path: Path) -> str:
    return "a file" if path.is_file() else "nothing at that path"
