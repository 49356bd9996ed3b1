"""A bundle as it is written: whole or not at all, as a directory or as one file.

What is at the path already is replaced where it is a bundle, and refused where it is not.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from vae_runtime.data.files import Kind, check_replaceable, directory_aside, write_aside
from vae_runtime.errors import BundleError

from . import containers, manifest

ROLES = "encoder|decoder|scorer|classifier|mixture|probe|report|manifest"
BUNDLE = Kind(
    "bundle",
    mark=manifest.NAME,
    says=f'"format": "{manifest.FORMAT}"'.encode(),
    entries=re.compile(rf"({ROLES})\.[a-z0-9.]+"),
)


def check_out(out: str | Path) -> None:
    """Raises ValueError where `write` would, before any work is done for nothing."""
    out = Path(out)
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
    out = Path(out)
    check_out(out)
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


def _write_archive(
    file: IO[bytes], files: Mapping[str, bytes], check: Callable[[Path], object]
) -> None:
    file.write(containers.pack(files))
    file.flush()
    check(Path(file.name))
