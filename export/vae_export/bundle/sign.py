"""Signs bundles, so that a device can tell who made them; see `vae_runtime.bundle.signature`."""

from pathlib import Path

from vae_runtime._base.atomic_files import write_aside
from vae_runtime._base.paths import path_of
from vae_runtime.bundle import containers, manifest, open_bundle, signature


def sign(bundle: str | Path, key: str | Path) -> Path:
    """Signs the bundle at `bundle`, in place, with the private Ed25519 key in the PEM file `key`.

    Every file in it is checked first; a signature that is there already is replaced.

    Returns:
        The bundle's path.

    Raises:
        ValueError: `key` holds no such key, or one with a passphrase.
        BundleError: there is no bundle, or it is damaged.
        OSError: the key cannot be read, or the signature not be written.

    >>> sign("artifacts/sensors", "private.pem").name
    'sensors'
    >>> runner = Runner.load("artifacts/sensors", key="public.pem")
    """
    private, path = signature.read_private_key(key), path_of(bundle, "the path of a bundle")
    contents = open_bundle(path).contents()
    signed = signature.sign(contents[manifest.NAME], private)
    if path.is_dir():
        write_aside(path / manifest.SIGNATURE_NAME, lambda file: file.write(signed))
        return path
    own = {name: contents[name] for name in (manifest.NAME, manifest.CHECKSUM_NAME)}
    # beside the manifest, and in place of an earlier one
    packed = containers.pack({**own, manifest.SIGNATURE_NAME: signed, **_rest(contents)})
    write_aside(path, lambda file: file.write(packed))
    return path


def _rest(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {name: file for name, file in contents.items() if name not in manifest.OWN_NAMES}
