"""Check of the folder for a server's model, which must not be in the bundle."""

from pathlib import Path

from vae_runtime._base.directories import Kind, check_replaceable
from vae_runtime._base.paths import path_of


def check_outside_bundle(bundle: str | Path, folder: str | Path, kind: Kind) -> None:
    """Raises ValueError where a folder cannot be written, or is in the bundle.

    Args:
        bundle: where it is or will be.
        folder: of a model, new or one of ours.
        kind: of folder.
    """
    check_replaceable(folder, kind)
    inner, outer = Path(folder).resolve(), path_of(bundle, "the path of a bundle").resolve()
    if outer in (inner, *inner.parents):
        raise ValueError(
            f"{folder}: expected a folder beside the bundle {bundle}. Received: one that is the "
            "bundle, or is in it. Choose another folder."
        )
