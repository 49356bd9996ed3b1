"""Signatures over manifests, by `cryptography` and by OpenSSL itself."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vae_runtime import BundleError
from vae_runtime.bundle import open_bundle, signature
from vae_runtime.bundle.containers import pack

pytest.importorskip("cryptography")

GOLDEN = Path(__file__).parents[2] / "golden" / "sensors-1.vaeb"
FILES = open_bundle(GOLDEN).contents()
MANIFEST = FILES["manifest.json"]


def refuses(message, kind=BundleError):
    return pytest.raises(kind, match=re.escape(message))


def make_keys(folder, name, algorithm="ed25519", passphrase=None):
    """A pair of PEM files as OpenSSL writes them, by `cryptography`: (private, public)."""
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    make = {"ed25519": ed25519.Ed25519PrivateKey.generate}
    key = make.get(algorithm, lambda: ec.generate_private_key(ec.SECP256R1()))()
    how = s.BestAvailableEncryption(passphrase) if passphrase else s.NoEncryption()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, how))
    public.write_bytes(
        key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


@pytest.fixture
def keys(tmp_path):
    return make_keys(tmp_path, "key")


def signed(private, content=MANIFEST):
    return signature.sign(content, signature.read_private_key(private))


@pytest.fixture(params=["directory", "file"])
def write(request, tmp_path):
    """Writes a bundle of these files, as a directory or as one file."""

    def to(files):
        path = tmp_path / "bundle"
        if request.param == "file":
            path.write_bytes(pack(files))
            return path
        path.mkdir()
        for name, content in files.items():
            (path / name).write_bytes(content)
        return path

    return to


def test_a_signed_bundle_opens_with_its_key_and_without(keys, write):
    path = write({**FILES, "manifest.json.sig": signed(keys[0])})
    assert open_bundle(path, key=keys[1]).manifest == open_bundle(path).manifest
    open_bundle(path, key=str(keys[1])).verify()


def test_a_bundle_without_a_signature_is_refused_where_a_key_is_given(keys, write):
    path = write(FILES)
    with refuses(f"{path}: expected the file manifest.json.sig, as a key was given. Received: a b"):
        open_bundle(path, key=keys[1])


def test_a_signature_of_another_key_is_refused(keys, write, tmp_path):
    other, _ = make_keys(tmp_path, "other")
    path = write({**FILES, "manifest.json.sig": signed(other)})
    with refuses("manifest.json.sig: expected a signature of manifest.json by the owner"):
        open_bundle(path, key=keys[1])
    open_bundle(path)  # nobody asked


def test_a_signature_of_another_manifest_is_refused(keys, write):
    path = write({**FILES, "manifest.json.sig": signed(keys[0], MANIFEST + b" ")})
    with refuses("one of another key, or of another manifest"):
        open_bundle(path, key=keys[1])


@pytest.mark.parametrize("change", [b"", b"x" * 63, b"x" * 64, b"x" * 65, b"x" * 2**20])
def test_what_is_no_signature_is_refused(keys, write, change):
    path = write({**FILES, "manifest.json.sig": change})
    with refuses("manifest.json.sig: expected"):
        open_bundle(path, key=keys[1])


def test_the_contents_keep_the_signature(keys, write):
    files = {**FILES, "manifest.json.sig": signed(keys[0])}
    assert open_bundle(write(files)).contents() == files


def test_an_altered_file_of_a_signed_bundle_is_refused(keys, write):
    altered = {**FILES, "scorer.onnx": FILES["scorer.onnx"][:-1] + b"!"}
    path = write({**altered, "manifest.json.sig": signed(keys[0])})
    with refuses("scorer.onnx: its sha256 is not the one in manifest.json"):
        open_bundle(path, key=keys[1]).verify()


openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="this machine has no OpenSSL")


def run_openssl(folder, *arguments):
    return subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)


@openssl
def test_openssl_verifies_what_we_sign_and_we_what_it_signs(tmp_path):
    for command in (signature.MAKE_KEY, signature.PUBLISH_KEY):
        assert run_openssl(tmp_path, *command.split()[1:]).returncode == 0
    (tmp_path / "manifest.json").write_bytes(MANIFEST)
    (tmp_path / "manifest.json.sig").write_bytes(signed(tmp_path / "key.pem"))
    verify = ["pkeyutl", "-verify", "-pubin", "-inkey", "key.pub", "-rawin", "-in", "manifest.json"]
    verify += ["-sigfile", "manifest.json.sig"]
    done = run_openssl(tmp_path, *verify)
    assert (done.returncode, done.stdout) == (0, "Signature Verified Successfully\n")
    sign = ["pkeyutl", "-sign", "-inkey", "key.pem", "-rawin", "-in", "manifest.json"]
    assert run_openssl(tmp_path, *sign, "-out", "theirs").returncode == 0
    public = signature.read_public_key(tmp_path / "key.pub")
    signature.verify(MANIFEST, (tmp_path / "theirs").read_bytes(), public)
    (tmp_path / "manifest.json").write_bytes(MANIFEST + b" ")
    assert run_openssl(tmp_path, *verify).returncode != 0


def test_a_key_with_a_passphrase_is_refused_with_what_to_do(tmp_path):
    private, _ = make_keys(tmp_path, "key", passphrase=b"secret")
    with refuses("expected a key without a passphrase", ValueError) as e:
        signature.read_private_key(private)
    assert f"openssl pkeyutl -sign -inkey {private} -rawin -in manifest.json" in str(e.value)


def test_each_key_in_place_of_the_other_is_refused_with_what_it_is(keys):
    with refuses("expected a public Ed25519 key as PEM. Received: a private key", ValueError):
        signature.read_public_key(keys[0])
    with refuses("expected a private Ed25519 key as PEM. Received: a public key", ValueError):
        signature.read_private_key(keys[1])


def test_keys_of_other_kinds_are_refused(tmp_path):
    private, public = make_keys(tmp_path, "curve", algorithm="P-256")
    with refuses("Received: a key of another kind", ValueError):
        signature.read_private_key(private)
    with refuses("Received: a key of another kind", ValueError):
        signature.read_public_key(public)


@pytest.mark.parametrize("content", [b"", b"garbage", bytes(2**20)])
def test_what_is_no_key_is_refused(tmp_path, content):
    path = tmp_path / "key"
    path.write_bytes(content)
    for read in (signature.read_public_key, signature.read_private_key):
        with refuses("Received: no PEM file", ValueError):
            read(path)


def test_a_key_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_bundle(GOLDEN, key=tmp_path / "nowhere")


def test_importing_the_runtime_does_not_load_cryptography():
    code = "import sys, vae_runtime.bundle.signature; assert 'cryptography' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_cryptography_it_says_what_to_install(monkeypatch, keys):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with refuses("pip install 'vae-runtime[sign]'", ValueError):
        signature.read_public_key(keys[1])


@pytest.mark.parametrize(
    ("key", "received"),
    [
        ("-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n", "text of PEM itself"),
        (b"-----BEGIN PUBLIC KEY-----", "bytes"),
        (3, "int"),
        ("", "a folder, or an empty path"),
        (GOLDEN.parent, "a folder, or an empty path"),
    ],
)
def test_a_key_that_is_no_path_is_refused(key, received):
    with refuses(
        f"expected the path of a file that holds the key as PEM. Received: {received}", ValueError
    ):
        open_bundle(GOLDEN, key=key)
