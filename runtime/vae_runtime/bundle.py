"""A bundle: a manifest and the files that it names, each verified, in a directory or one file.

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
from .containers import Archive, Container, Directory
from .errors import BundleError
from .files import load_npz
from .manifest import File, Manifest

# No manifest comes near it (a million calibration scores are 20 MB), and no device should have to
# hold more before it has checked a single hash.
MANIFEST_LIMIT = 64 * 2**20


@dataclass(frozen=True)
class Bundle:
    """An opened bundle: where its bytes come from and what its manifest says."""

    container: Container
    manifest: Manifest

    def read(self, file: File) -> bytes:
        """The bytes of one file, after its size and sha256 have been checked."""
        size = self.container.size(file.name)
        if size != file.bytes:
            raise BundleError(
                f"{file.name}: expected {file.bytes} bytes. Received: {size} bytes. "
                "It was cut short or replaced; copy or export the bundle again."
            )
        content = self.container.read(file.name)
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

    def contents(self) -> dict[str, bytes]:
        """All files by name, the manifest and its checksum first; those it names are checked."""
        own = {name: self.container.read(name) for name in schema.OWN_NAMES}
        return {**own, **{file.name: self.read(file) for file in self.manifest.files}}

    def verify(self) -> None:
        """Checks the size and sha256 of every file that the manifest names."""
        for file in self.manifest.files:
            self.read(file)


def open_bundle(path: str | Path) -> Bundle:
    """Reads the manifest of the bundle at `path` and checks it against its own checksum.

    Args:
        path: the bundle: its directory, or the file that holds all of it (.vaeb).

    Raises:
        BundleError: there is no bundle, or its manifest is altered, damaged or of another version.
    """
    container = _open_container(Path(path))
    content = _read_limited(container, schema.NAME)
    expected = schema.checksum_line(content)
    if _read_limited(container, schema.CHECKSUM_NAME) != expected:
        raise BundleError(
            f"{schema.NAME}: its sha256 is not the one in {schema.CHECKSUM_NAME}. It was altered "
            "or damaged; copy or export the bundle again. (An alarm level of your own needs no "
            "edit: pass alpha or threshold with each call.)"
        )
    manifest = schema.loads(content)
    container.check_names({*schema.OWN_NAMES, *(file.name for file in manifest.files)})
    return Bundle(container, manifest)


def _open_container(path: Path) -> Container:
    if path.is_dir():
        return Directory(path)
    if path.is_file():
        return Archive(path)
    received = "neither" if path.exists() else "nothing at that path"
    raise BundleError(
        f"{path}: expected a bundle, as a directory or a .vaeb file. Received: {received}."
    )


def _read_limited(container: Container, name: str) -> bytes:
    size = container.size(name)
    if size > MANIFEST_LIMIT:
        raise BundleError(
            f"{name}: expected at most {MANIFEST_LIMIT:,} bytes. Received: {size:,} bytes. "
            "This is not a VAE bundle."
        )
    return container.read(name)
