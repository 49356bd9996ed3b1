"""Writer of bundles: whole or not at all, as a directory or as one file.

What is at the path already is replaced where it is a bundle, and refused where it is not.
"""

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import IO

from vae_runtime._base import typed_json
from vae_runtime._base.atomic_files import write_aside
from vae_runtime._base.directories import Kind, check_replaceable, directory_aside
from vae_runtime._base.paths import path_of
from vae_runtime.errors import BundleError

from . import containers, manifest
from .reader import MANIFEST_LIMIT

ROLES = "encoder|decoder|scorer|classifier|preprocess|head|mean|replacements|mixture|probe|report"
NAMES = re.compile(rf"({ROLES})\.[a-z0-9.]+")  # of files that a bundle was ever written with


def check_out(out: str | Path) -> None:
    """Raises ValueError where `write` would, before any work is done for nothing."""
    out = path_of(out, "the path of a bundle to write")
    if out.suffix != containers.SUFFIX or not out.exists():
        check_replaceable(out, BUNDLE)
        return
    try:
        containers.Archive(out).size(manifest.NAME)
    except (BundleError, OSError) as error:
        raise ValueError(
            f"{out}: expected a new path, or a bundle in one file to replace. Received: something "
            "else that is there already. Choose another path."
        ) from error


def check_apart(bundle: Path, path: Path) -> None:
    """Raises ValueError where a file that is to be written is the bundle, or a file of it."""
    target, place = path.resolve(), bundle.resolve()
    is_own = target.name in manifest.OWN_NAMES or NAMES.fullmatch(target.name) is not None
    if target == place or (target.parent == place and is_own):
        raise ValueError(
            f"{path}: expected another file than those of the bundle {bundle}. Received: one of "
            "them. Choose another path."
        )


def write(
    out: str | Path,
    contents: Mapping[str, bytes],
    document: manifest.Manifest,
    *,
    check: Callable[[Path], object],
) -> Path:
    """Writes a bundle, tries it out, then puts it in place.

    Args:
        out: of a directory, or of one file where it ends in .vaeb.
        contents: by name, the files that the manifest describes.
        document: the manifest.
        check: raises where what was written, at this path, is not as it should be.

    Raises:
        ValueError: something else than a bundle is at `out`.
    """
    check_out(out)
    out = Path(out)
    described = manifest.dumps(document)
    own = {manifest.NAME: described, manifest.CHECKSUM_NAME: manifest.checksum_line(described)}
    files = {**own, **contents}
    if out.suffix == containers.SUFFIX:
        write_aside(out, lambda file: _write_archive(file, files, check))
        return out
    with directory_aside(out, BUNDLE) as aside:
        for name, content in files.items():
            (aside / name).write_bytes(content)
        check(aside)
    return out


def _files(described: Path) -> Collection[str]:
    """Names of all files of a bundle, from its manifest; ValueError for one that cannot be read.

    No more of it is looked at: a bundle that is damaged, or of another version, is one to replace.
    """
    if described.stat().st_size > MANIFEST_LIMIT:
        raise ValueError(f"{described}: expected a manifest. Received: a file too large for one.")
    document = typed_json.parse(described.read_bytes())
    try:
        known, names = document["format"] == manifest.FORMAT, [f["name"] for f in document["files"]]
        own = [name for name in names if NAMES.fullmatch(name)]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{described}: expected a manifest with a list of files.") from error
    if not known:
        raise ValueError(f"{described}: expected the format {manifest.FORMAT}.")
    return {*manifest.OWN_NAMES, *own}


BUNDLE = Kind("bundle", mark=manifest.NAME, files=_files)


def _write_archive(
    file: IO[bytes], files: Mapping[str, bytes], check: Callable[[Path], object]
) -> None:
    file.write(containers.pack(files))
    file.flush()
    check(Path(file.name))
