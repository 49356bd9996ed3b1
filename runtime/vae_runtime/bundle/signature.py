r"""Signature of a bundle's maker: detached, Ed25519, over the bytes of the manifest.

The manifest holds the sha256 of every other file, so its signature is one over all of them. The
file `manifest.json.sig` is the raw 64 bytes, which OpenSSL makes and verifies as well:

    openssl pkeyutl -verify -pubin -inkey key.pub -rawin -in manifest.json \
        -sigfile manifest.json.sig

Keys are PEM as OpenSSL writes them. Needs `cryptography`: pip install 'vae-runtime[sign]'.

Source: RFC 8032.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vae_runtime._base.libraries import need
from vae_runtime.errors import BundleError

from .records import NAME, SIGNATURE_NAME

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

SIZE = 64  # bytes
LARGEST_KEY = 2**16  # bytes of a file; one of Ed25519 has some hundred
MAKE_KEY = "openssl genpkey -algorithm ed25519 -out key.pem"
PUBLISH_KEY = "openssl pkey -in key.pem -pubout -out key.pub"


def read_public_key(path: str | Path) -> "Ed25519PublicKey":
    """Reads the key in a PEM file that `openssl pkey -pubout` wrote.

    Raises:
        ValueError: the file holds something else, or `cryptography` is not installed.
        OSError: it cannot be read.
    """
    content = _read(path)
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    with _key_errors(path, "public", PUBLISH_KEY, content):
        key = serialization.load_pem_public_key(content)
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path, "public", PUBLISH_KEY, "a key of another kind")
    return key


def read_private_key(path: str | Path) -> "Ed25519PrivateKey":
    """Reads the key in a PEM file that `openssl genpkey` wrote, without a passphrase.

    Raises:
        ValueError: the file holds something else, or `cryptography` is not installed.
        OSError: it cannot be read.
    """
    content = _read(path)
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    with _key_errors(path, "private", MAKE_KEY, content):
        key = serialization.load_pem_private_key(content, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, "private", MAKE_KEY, "a key of another kind")
    return key


def sign(content: bytes, key: "Ed25519PrivateKey") -> bytes:
    """The 64 bytes of the signature over these bytes of `manifest.json`."""
    return bytes(key.sign(content))


def verify(content: bytes, signature: bytes, key: "Ed25519PublicKey") -> None:
    """Raises BundleError where the key's owner did not sign `content` with `signature`."""
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, content)
    except InvalidSignature as error:
        raise BundleError(
            f"{SIGNATURE_NAME}: expected a signature of {NAME} by the owner of the key. Received: "
            "one of another key, or of another manifest. Do not use this bundle; ask who sent it."
        ) from error


def _read(path: str | Path) -> bytes:
    """Content of a file with a key; ValueError for no path, or a missing `cryptography`."""
    if not isinstance(path, str | os.PathLike) or "-----BEGIN" in str(path):
        received = "text of PEM itself" if isinstance(path, str) else type(path).__name__
        raise ValueError(
            f"expected the path of a file that holds the key as PEM. Received: {received}. Write "
            "the key to a file."
        )
    if Path(path).is_dir():  # as an empty path is: the folder that this process is in
        raise ValueError(
            f"{str(path)!r}: expected the path of a file that holds the key as PEM. Received: a "
            "folder, or an empty path."
        )
    with Path(path).open("rb") as file:
        content = file.read(LARGEST_KEY)
    for module in ("hazmat.primitives.serialization", "hazmat.primitives.asymmetric.ed25519"):
        need(f"cryptography.{module}", "a signature")
    return content


@contextmanager
def _key_errors(path: str | Path, kind: str, command: str, content: bytes) -> Iterator[None]:
    """Context that turns errors of cryptography into one that names the file and what to do."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        yield
    except TypeError as error:  # cryptography's way to say that it wants a passphrase
        raise ValueError(
            f"{path}: expected a key without a passphrase. Received: an encrypted one. Sign with "
            f"OpenSSL, which asks for it: openssl pkeyutl -sign -inkey {path} -rawin -in {NAME} "
            f"-out {SIGNATURE_NAME}"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _no_key(path, kind, command, _kind(content)) from error


def _kind(content: bytes) -> str:
    if b"PRIVATE KEY-----" in content:
        return "a private key, or a damaged one"
    return "a public key, or a damaged one" if b"PUBLIC KEY-----" in content else "no PEM file"


def _no_key(path: str | Path, kind: str, command: str, received: str) -> ValueError:
    return ValueError(
        f"{path}: expected a {kind} Ed25519 key as PEM. Received: {received}. Make one: {command}"
    )
