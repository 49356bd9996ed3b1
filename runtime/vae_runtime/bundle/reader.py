"""A bundle: a manifest and the files that it names, each verified, in a directory or one file.

Nothing is parsed before its hash has been checked, and what is parsed are the very bytes that were
hashed. The runner and `vae-export` both read bundles through here.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from vae_runtime._base.paths import path_of
from vae_runtime.errors import BundleError

from . import manifest as schema
from . import npz, onnx_wire, signature
from .containers import Archive, Container, Directory
from .manifest import File, Manifest

# No manifest comes near it (a million calibration scores are 20 MB), and no device should have to
# hold more before it has checked a single hash.
MANIFEST_LIMIT = 64 * 2**20
RUN_MARK = "model.keras"  # a file of a run directory, which is no bundle yet
# Endings of rows and their like, which are given in place of a bundle where the two are swapped.
ROWS = (
    *(".csv", ".tsv", ".txt", ".dat", ".parquet", ".jsonl", ".ndjson", ".json", ".npy", ".npz"),
    *(".arrow", ".arrows", ".feather", ".gz", ".bz2", ".xz", ".zst"),
)
LIMITS = {schema.SIGNATURE_NAME: signature.SIZE}


@dataclass(frozen=True)
class Bundle:
    """An opened bundle: where its bytes come from and what its manifest says.

    >>> bundle = open_bundle("artifacts/sensors")
    >>> bundle.manifest.model.latent_dim
    3
    """

    container: Container
    manifest: Manifest

    def read(self, file: File) -> bytes:
        """Reads one file, and checks its size and sha256.

        A graph in ONNX is also checked to ask for nothing but arithmetic, see `onnx_wire`.
        """
        size = self.container.size(file.name)
        if size != file.bytes:
            raise BundleError(
                f"{file.name}: expected {file.bytes} bytes. Received: {size} bytes. "
                "It was cut short or replaced; copy or export the bundle again."
            )
        content = self.container.read(file.name, file.bytes)
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise BundleError(
                f"{file.name}: its sha256 is not the one in {schema.NAME}. "
                "It was altered or damaged; copy or export the bundle again."
            )
        if file.format == "onnx":
            onnx_wire.check(content, file)
        return content

    def read_probe(self) -> dict[str, NDArray[Any]]:
        """Reads the arrays of `probe.npz`: rows, and each graph's expected answers."""
        file = self.manifest.file("probe", format="npz")
        try:
            return npz.read(self.read(file))
        except ValueError as error:
            raise BundleError(f"{file.name} is not a readable npz file: {error}") from error

    def contents(self) -> dict[str, bytes]:
        """Reads all files by name, the manifest's own first; checks those that it names."""
        names = [name for name in schema.OWN_NAMES if self.container.has(name)]
        own = {name: _read_limited(self.container, name) for name in names}
        return {**own, **{file.name: self.read(file) for file in self.manifest.files}}

    def verify(self) -> None:
        """Checks the size and sha256 of every file that the manifest names."""
        for file in self.manifest.files:
            self.read(file)


def open_bundle(path: str | Path, *, key: str | Path | None = None) -> Bundle:
    """Reads the manifest of the bundle at `path` and checks it against its own checksum.

    Args:
        path: the bundle: its directory, or the file that holds all of it (.vaeb).
        key: a file with the public key that the bundle must be signed with, see `signature`; where
            none is given, a signature is not looked at.

    Raises:
        BundleError: there is no bundle, its manifest is altered, damaged or of another version, or
            its signature is missing or is not that of the key.
        ValueError: `key` holds no public key, or the path is an empty text.

    >>> bundle = open_bundle("artifacts/sensors")
    >>> bundle.verify()
    >>> bundle.read_probe()["x"].shape
    (16, 6)
    """
    public = None if key is None else signature.read_public_key(key)
    container = _open_container(path_of(path, "the path of a bundle"))
    content = _read_limited(container, schema.NAME)
    expected = schema.checksum_line(content)
    if _read_limited(container, schema.CHECKSUM_NAME) != expected:
        raise BundleError(
            f"{schema.NAME}: its sha256 is not the one in {schema.CHECKSUM_NAME}. It was altered "
            "or damaged; copy or export the bundle again. (An alarm level of your own needs no "
            "edit: pass alpha or threshold with each call.)"
        )
    if public is not None:
        signature.verify(content, _read_signature(container), public)
    manifest = schema.loads(content)
    container.check_names({*schema.OWN_NAMES, *(file.name for file in manifest.files)})
    return Bundle(container, manifest)


def _open_container(path: Path) -> Container:
    try:
        if path.is_dir():
            if not (path / schema.NAME).is_file() and (path / RUN_MARK).is_file():
                raise BundleError(
                    f"{path}: expected a bundle. Received: a run directory, as training writes it. "
                    f"Export it: vae-export {path} --out artifacts/{path.name}"
                )
            return Directory(path)
        if path.is_file():
            if path.suffix.lower() in ROWS:
                raise BundleError(
                    f"{path}: expected a bundle, as a directory or a .vaeb file. Received: a "
                    f"{path.suffix} file. The bundle comes first, then rows: vae-runtime score "
                    "BUNDLE ROWS"
                )
            return Archive(path)
        received = "neither" if path.exists() else "nothing at that path"
    except OSError as error:  # of a folder above it that may not be entered
        raise BundleError(f"{path} cannot be read: {error.strerror}.") from error
    raise BundleError(
        f"{path}: expected a bundle, as a directory or a .vaeb file. Received: {received}."
    )


def _read_signature(container: Container) -> bytes:
    if not container.has(schema.SIGNATURE_NAME):
        raise BundleError(
            f"{container.path}: expected the file {schema.SIGNATURE_NAME}, as a key was given. "
            "Received: a bundle that is not signed. Do not use it; ask who sent it."
        )
    return _read_limited(container, schema.SIGNATURE_NAME)


def _read_limited(container: Container, name: str) -> bytes:
    limit = LIMITS.get(name, MANIFEST_LIMIT)
    size = container.size(name)
    if size > limit:
        raise BundleError(
            f"{name}: expected at most {limit:,} bytes. Received: {size:,} bytes. "
            "This is not a VAE bundle."
        )
    return container.read(name, limit)
